//! How a webhook does: whether its senders get through. A pure rule over the counts of one day, and the webhooks that it
//! finds failing.
//!
//! The rule asks who can cause a refusal. Whoever knows the URL can send garbage to a webhook without an allowlist, and then
//! it is failing: somebody sends what nobody reads. But what an allowlist turns away, what opens a URL in a browser and what
//! still comes by an old URL says nothing about the senders of today, as long as anything passes. So noise neither makes a
//! webhook in use failing nor hides the faults of its senders, however much of it there is. What was put off for lack of our own
//! means says nothing about anybody.

use std::time::Duration;

use hookgate_domain::{AllowlistMode, RefusalCode, Timestamp, Webhook, WebhookHandle};

use crate::sources::SourceTotals;
use crate::usage::UsageTotals;
use crate::{Gate, Store, StoreError};

/// Fewer refusals than these may be one person's test, as long as other deliveries pass.
pub const FAILING_REFUSALS: u64 = 3;
/// The share of refusals from which a webhook is failing, as one in so many: half of what its senders send is lost.
const FAILING_SHARE: u64 = 2;
/// How far back it is told which senders an allowlist would refuse: as far as a preview looks, since each day of each source is
/// read.
const OBSERVED: Duration = Duration::from_hours(30 * 24);

/// How a webhook did in the last 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Deliveries pass.
    Ok,
    /// Its deliveries are refused; mostly with this code.
    Failing(RefusalCode),
    /// Nothing came that says how it does.
    Quiet,
}

impl Health {
    /// Every word of [`Health::as_str`].
    pub const WORDS: [&'static str; 3] = ["ok", "failing", "quiet"];

    /// Judges what came in the last 24 hours.
    ///
    /// It is failing if nothing passed and a sender was refused for what it sent, or if three and at least half of what its
    /// senders sent were; and if nothing passed while three were turned away that strangers may have sent.
    #[must_use]
    pub fn of(day: &UsageTotals) -> Self {
        let worst = |strangers: bool| {
            let refused = day.refused.iter();
            let refused = refused.filter(|(code, _)| !is_ours(*code) && is_noise(*code) == strangers);
            let sum = refused
                .clone()
                .fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
            // The first of those alike, so that the answer does not depend on their order.
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

/// Whether a refusal says nothing about the senders of today: an address that may not send, a link that somebody opened, an
/// old URL.
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

/// Whether a refusal is for lack of our own means: it says nothing about who sent.
const fn is_ours(code: RefusalCode) -> bool {
    matches!(code, RefusalCode::Unavailable | RefusalCode::Internal)
}

/// A webhook whose deliveries are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingWebhook {
    /// Which.
    pub webhook: WebhookHandle,
    /// Mostly why.
    pub code: RefusalCode,
    /// What came in the last 24 hours.
    pub day: UsageTotals,
}

/// What would become of the senders since a webhook began to observe if its allowlist were enforced as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Since when it observes.
    pub since: Timestamp,
    /// Since when senders are counted: since then, or for the last 30 days. Sources are counted by the day (UTC).
    pub counted_from: Timestamp,
    /// How many senders there were.
    pub senders: u64,
    /// How many of them would be refused.
    pub refused_senders: u64,
    /// How many deliveries passed.
    pub deliveries: u64,
    /// How many of them would have been refused.
    pub refused_deliveries: u64,
    /// Deliveries of sources that are not told apart: it can't be said what would become of them.
    pub beyond: u64,
}

impl Observation {
    /// What becomes of these senders; `None` if the webhook does not observe anything.
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

/// Where the counts of an observing webhook begin.
fn counted_from(webhook: &Webhook, now: Timestamp) -> Timestamp {
    webhook.mode_since().max(now.before(OBSERVED))
}

/// Whether a webhook has an allowlist that it does not enforce.
fn observes(webhook: &Webhook) -> bool {
    webhook.live_url().is_ok()
        && webhook.policy.allowlist_mode == AllowlistMode::Observe
        && webhook.policy.allowlist.entries().is_some()
}

impl<S: Store> Gate<S> {
    /// How these webhooks do, in the order asked for, in one question. Bounded, as [`Store::usage_many`] is; a revoked one is quiet.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
    pub async fn health(&self, webhooks: &[Webhook]) -> Result<Vec<Health>, StoreError> {
        let handles: Vec<_> = webhooks.iter().map(|webhook| webhook.handle).collect();
        let usage = self.store.usage_many(&handles, self.now()).await?;
        let health = webhooks
            .iter()
            .zip(usage)
            .map(|(webhook, usage)| match webhook.live_url() {
                Ok(_) => Health::of(&usage.totals()),
                Err(_) => Health::Quiet,
            });
        Ok(health.collect())
    }

    /// The webhooks that are failing now, most refusals first. Bounded, as [`Store::refused_lately`] is.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
    pub async fn failing(&self) -> Result<Vec<FailingWebhook>, StoreError> {
        let refused = self.store.refused_lately(self.now()).await?;
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

    /// What enforcing the allowlist of a webhook that observes would mean; `None` if it does not observe.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
    pub async fn observation(&self, webhook: &Webhook) -> Result<Option<Observation>, StoreError> {
        if !observes(webhook) {
            return Ok(None);
        }
        let now = self.now();
        let totals = self
            .store
            .accepted_sources(webhook.handle, counted_from(webhook, now))
            .await?;
        Ok(Observation::of(webhook, &totals, now))
    }
}

#[cfg(test)]
mod tests;
