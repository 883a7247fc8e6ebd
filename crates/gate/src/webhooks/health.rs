//! Health of webhooks: a pure rule over the counts of one day, and the webhooks that it finds failing.
//!
//! The rule depends on the possible cause of a refusal. Anybody who knows the URL can send garbage to a webhook without
//! an allowlist, and then the webhook is failing: somebody sends deliveries that nobody can read. Refusals by the
//! allowlist, of a URL that was opened in a browser and of old URLs are noise: they say nothing about today's senders
//! as long as any delivery passes. So noise, however much, neither makes a webhook in use failing nor hides the faults
//! of its senders. Deliveries that were postponed for lack of our own resources count for nothing.

use std::time::Duration;

use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::{RefusalCode, Timestamp, Webhook, WebhookHandle};

use crate::{Gate, SourceTotals, Store, StoreError, UsageTotals};

/// Refusals from which a webhook is failing, if other deliveries pass or if all refusals are noise. Fewer may be the
/// test of one person.
pub const FAILING_REFUSALS: u64 = 3;
/// Reciprocal of the share of refusals from which a webhook is failing: half of the deliveries of its senders are lost.
const FAILING_SHARE: u64 = 2;
/// Maximum time that an observation covers: as long as a preview, because every day of every source is read.
const OBSERVATION_SPAN: Duration = Duration::from_hours(30 * 24);

/// Health of a webhook in the last 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Deliveries pass.
    Ok,
    /// Deliveries are refused, most of them with this code.
    Failing(RefusalCode),
    /// No delivery tells anything about the health.
    Quiet,
}

impl Health {
    /// Every word of [`Health::as_str`].
    pub const WORDS: [&'static str; 3] = ["ok", "failing", "quiet"];

    /// Judges the counts of the last 24 hours.
    ///
    /// A webhook is failing if deliveries were refused for a reason other than noise or our own resources: at least one
    /// while nothing passed, or at least three that are at least half of all deliveries without noise. It is also
    /// failing if nothing passed and at least three deliveries were refused as noise.
    #[must_use]
    pub fn of(day: &UsageTotals) -> Self {
        let worst = |strangers: bool| {
            let refused = day.refused.iter();
            let refused = refused.filter(|(code, _)| !is_ours(*code) && is_noise(*code) == strangers);
            let sum = refused
                .clone()
                .fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
            // The lowest code of equal counts, so that the answer does not depend on their order.
            let most = refused.max_by_key(|(code, count)| (*count, std::cmp::Reverse(*code)));
            (most.map(|(code, _)| *code), sum)
        };
        if let (Some(code), sum) = worst(false) {
            let share = sum.saturating_mul(FAILING_SHARE) >= day.accepted.saturating_add(sum);
            if day.accepted == 0 || (sum >= FAILING_REFUSALS && share) {
                return Self::Failing(code);
            }
        }
        match worst(true) {
            _ if day.accepted > 0 => Self::Ok,
            (Some(code), sum) if sum >= FAILING_REFUSALS => Self::Failing(code),
            _ => Self::Quiet,
        }
    }

    /// `ok`, `failing` or `quiet`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failing(_) => "failing",
            Self::Quiet => "quiet",
        }
    }
}

/// `true` if a refusal says nothing about today's senders: an address that may not send, a URL that was opened in a
/// browser, an old URL, a path with another format, or plain HTTP.
const fn is_noise(code: RefusalCode) -> bool {
    matches!(
        code,
        RefusalCode::IpNotAllowed
            | RefusalCode::MethodNotAllowed
            | RefusalCode::WebhookRevoked
            | RefusalCode::WebhookNotFound
            | RefusalCode::HttpsRequired
    )
}

/// `true` if a delivery was refused for lack of our own resources, which says nothing about its sender.
const fn is_ours(code: RefusalCode) -> bool {
    matches!(code, RefusalCode::Unavailable | RefusalCode::Internal)
}

/// A webhook whose deliveries are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingWebhook {
    /// Handle of the webhook.
    pub webhook: WebhookHandle,
    /// The most frequent refusal code.
    pub code: RefusalCode,
    /// Counts of the last 24 hours.
    pub day: UsageTotals,
}

/// The senders of an observing webhook, and those that its present allowlist would refuse if it were enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Time from which the webhook observes.
    pub since: Timestamp,
    /// Time from which senders are counted: the same, or 30 days ago if that is later. Sources are counted by the day
    /// (UTC).
    pub counted_from: Timestamp,
    /// Number of senders.
    pub senders: u64,
    /// Number of senders that would be refused.
    pub refused_senders: u64,
    /// Number of accepted deliveries.
    pub deliveries: u64,
    /// Number of those that would have been refused.
    pub refused_deliveries: u64,
    /// Deliveries of sources that are not counted separately, and so not compared with the allowlist.
    pub beyond: u64,
}

impl Observation {
    /// Compares the senders with the allowlist; `None` if the webhook does not observe.
    #[must_use]
    pub fn of(webhook: &Webhook, totals: &SourceTotals, now: Timestamp) -> Option<Self> {
        let policy = &webhook.policy;
        if !observes(webhook) {
            return None;
        }
        let mut seen = Self {
            since: webhook.mode_since(),
            counted_from: counted_from(webhook, now),
            senders: 0,
            refused_senders: 0,
            deliveries: 0,
            refused_deliveries: 0,
            beyond: totals.beyond_accepted,
        };
        for total in totals.sources.iter().filter(|total| total.accepted > 0) {
            seen.senders += 1;
            seen.deliveries = seen.deliveries.saturating_add(total.accepted);
            if !policy.allowlist.permits(total.address, now) {
                seen.refused_senders += 1;
                seen.refused_deliveries = seen.refused_deliveries.saturating_add(total.accepted);
            }
        }
        Some(seen)
    }
}

/// Start of the counts of an observing webhook.
fn counted_from(webhook: &Webhook, now: Timestamp) -> Timestamp {
    webhook.mode_since().max(now.before(OBSERVATION_SPAN))
}

/// `true` if a live webhook has an allowlist that it does not enforce.
fn observes(webhook: &Webhook) -> bool {
    webhook.live_url().is_ok()
        && webhook.policy.allowlist_mode == AllowlistMode::Observe
        && webhook.policy.allowlist.entries().is_some()
}

impl<S: Store> Gate<S> {
    /// Health of these webhooks, in their order, by one query. Bounded, as [`Store::usage_many`] is; a revoked webhook
    /// is quiet.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn health(&self, webhooks: &[Webhook]) -> Result<Vec<Health>, StoreError> {
        let handles: Vec<_> = webhooks.iter().map(|webhook| webhook.handle).collect();
        let usage = self.store.usage_many(&handles, self.now()).await?;
        let health = webhooks
            .iter()
            .zip(usage)
            .map(|(webhook, usage)| match webhook.live_url() {
                Ok(_) => Health::of(&usage.totals),
                Err(_) => Health::Quiet,
            });
        Ok(health.collect())
    }

    /// The webhooks that are failing now, those with most refusals first. Bounded, as [`Store::recent_refusals`] is.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn failing(&self) -> Result<Vec<FailingWebhook>, StoreError> {
        let refused = self.store.recent_refusals(self.now()).await?;
        let failing = refused
            .into_iter()
            .filter_map(|(webhook, day)| match Health::of(&day) {
                Health::Failing(code) => Some(FailingWebhook { webhook, code, day }),
                Health::Ok | Health::Quiet => None,
            });
        let mut failing: Vec<_> = failing.collect();
        failing.sort_by_key(|one| (std::cmp::Reverse(one.day.refusals()), one.webhook));
        Ok(failing)
    }

    /// The effect of enforcing the allowlist of an observing webhook; `None` if the webhook does not observe.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn observation(&self, webhook: &Webhook) -> Result<Option<Observation>, StoreError> {
        if !observes(webhook) {
            return Ok(None);
        }
        let now = self.now();
        let since = counted_from(webhook, now);
        let totals = self.store.accepted_sources(webhook.handle, since).await?;
        Ok(Observation::of(webhook, &totals, now))
    }
}

#[cfg(test)]
mod tests;
