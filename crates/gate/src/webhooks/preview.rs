//! Previews: the senders that another allowlist or address set would refuse, before anything is changed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::address_set::AddressSetName;
use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::{Allowlist, Networks, Policy, Timestamp, Webhook, WebhookHandle};
use hookgate_people::Permission;
use thiserror::Error;

use crate::{ActorContext, AddressSetError, Gate, ManageError, SourceTotals, Store};

/// Maximum number of senders that a preview shows: as many as a page has. All senders are counted.
const MAX_SHOWN: usize = 200;
/// Maximum number of webhooks in the preview of a set.
const MAX_PREVIEWED_WEBHOOKS: u16 = 100;

/// The days that a preview looks back; a week by default.
///
/// ```
/// use hookgate_gate::PreviewDays;
///
/// assert_eq!(PreviewDays::try_from(30), Ok(PreviewDays::Month));
/// assert!(PreviewDays::try_from(8).is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreviewDays {
    /// 7 days.
    #[default]
    Week,
    /// 30 days.
    Month,
}

impl PreviewDays {
    /// Number of days.
    #[must_use]
    pub const fn days(self) -> u16 {
        match self {
            Self::Week => 7,
            Self::Month => 30,
        }
    }

    fn before(self, now: Timestamp) -> Timestamp {
        now.before(Duration::from_hours(24) * u32::from(self.days()))
    }
}

impl TryFrom<u16> for PreviewDays {
    type Error = UnknownPreviewDays;

    fn try_from(days: u16) -> Result<Self, Self::Error> {
        [Self::Week, Self::Month]
            .into_iter()
            .find(|known| known.days() == days)
            .ok_or(UnknownPreviewDays)
    }
}

/// A preview does not look back this number of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a preview looks back 7 or 30 days")]
pub struct UnknownPreviewDays;

/// The senders that would stop passing under another allowlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Sources of accepted deliveries, at most 200: those that would stop first, then by number of deliveries.
    pub senders: Vec<PreviewSender>,
    /// Number of all senders, shown or not.
    pub all_senders: u64,
    /// Senders that pass now and would stop.
    pub would_stop: WouldStop,
    /// Accepted deliveries of sources beyond those that are counted separately on a day: the preview can't compare them.
    pub beyond: u64,
}

/// A sender, under the present and the other allowlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviewSender {
    /// The address that allowlists are matched against.
    pub address: IpAddr,
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Time of its last delivery.
    pub last_seen: Timestamp,
    /// `true` if it passes now: the allowlist permits it, or is only observed.
    pub passes_now: bool,
    /// `true` if it would pass under the other allowlist.
    pub passes_then: bool,
}

/// The senders and deliveries that would stop passing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WouldStop {
    /// Number of senders.
    pub senders: u64,
    /// Number of their accepted deliveries.
    pub deliveries: u64,
}

/// The effect of another version of a set on one webhook.
#[derive(Clone, Debug)]
pub struct SetPreview {
    /// The webhook.
    pub webhook: Webhook,
    /// The senders that would stop passing.
    pub preview: Preview,
}

impl Preview {
    /// Compares the senders under the present allowlist and another one.
    #[must_use]
    pub fn of(totals: &SourceTotals, allowlist: &Allowlist, other: &Allowlist, now: Timestamp) -> Self {
        let accepted = totals.sources.iter().filter(|total| total.accepted > 0);
        let mut senders: Vec<_> = accepted
            .map(|total| PreviewSender {
                address: total.address,
                accepted: total.accepted,
                last_seen: total.last_seen,
                passes_now: allowlist.permits(total.address, now),
                passes_then: other.permits(total.address, now),
            })
            .collect();
        let stops = |sender: &PreviewSender| sender.passes_now && !sender.passes_then;
        let mut would_stop = WouldStop::default();
        for sender in senders.iter().filter(|sender| stops(sender)) {
            would_stop.senders += 1;
            would_stop.deliveries = would_stop.deliveries.saturating_add(sender.accepted);
        }
        senders.sort_unstable_by_key(|sender| {
            std::cmp::Reverse((stops(sender), sender.accepted, sender.last_seen, sender.address))
        });
        let all_senders = u64::try_from(senders.len()).unwrap_or(u64::MAX);
        senders.truncate(MAX_SHOWN);
        Self {
            senders,
            all_senders,
            would_stop,
            beyond: totals.beyond_accepted,
        }
    }
}

impl<S: Store> Gate<S> {
    /// The senders of the last days that would stop passing if the webhook had this allowlist.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::NotFound`] or [`ManageError::Store`].
    pub async fn allowlist_preview(
        &self,
        actor: &ActorContext,
        webhook: WebhookHandle,
        allowlist: &Allowlist,
        days: PreviewDays,
    ) -> Result<Preview, ManageError> {
        actor.require(Permission::ManageWebhooks)?;
        let known = self.webhook(webhook).await?;
        let now = self.now();
        let other = self.resolved(allowlist).await?;
        let totals = self.store.accepted_sources(webhook, days.before(now)).await?;
        Ok(Preview::of(&totals, &present(&known.policy), &other, now))
    }

    /// The effect of other networks of a set on the webhooks whose allowlists name it: the number of these webhooks,
    /// and previews of at most 100 of them.
    ///
    /// # Errors
    /// [`AddressSetError::Forbidden`], [`AddressSetError::NotFound`] or [`AddressSetError::Store`].
    pub async fn address_set_preview(
        &self,
        actor: &ActorContext,
        name: &AddressSetName,
        networks: &Networks,
        days: PreviewDays,
    ) -> Result<(u64, Vec<SetPreview>), AddressSetError> {
        actor.require(Permission::ManageWebhooks)?;
        if self.store.address_set_by_name(name).await?.is_none() {
            return Err(AddressSetError::NotFound);
        }
        let (all, webhooks) = self.store.address_set_uses(name, MAX_PREVIEWED_WEBHOOKS).await?;
        let (now, proposed) = (self.now(), Arc::new(networks.clone()));
        let mut previews = Vec::new();
        for handle in webhooks {
            let Some(webhook) = self.store.webhook_by_handle(handle).await? else {
                continue;
            };
            let totals = self.store.accepted_sources(handle, days.before(now)).await?;
            let other = webhook.policy.allowlist.with_set(name, &proposed);
            previews.push(SetPreview {
                preview: Preview::of(&totals, &present(&webhook.policy), &other, now),
                webhook,
            });
        }
        previews.sort_by_key(|one| std::cmp::Reverse(one.preview.would_stop.deliveries));
        Ok((all, previews))
    }
}

/// The allowlist that applies today: a webhook that only observes lets every address pass.
fn present(policy: &Policy) -> Allowlist {
    match policy.allowlist_mode {
        AllowlistMode::Enforce => policy.allowlist.clone(),
        // A list is previewed before it is enforced.
        AllowlistMode::Observe => Allowlist::any(),
    }
}
