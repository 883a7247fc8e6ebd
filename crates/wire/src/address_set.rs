//! Address sets, their versions, and the effect of another version.

use hookgate_domain::address_set::{NetworkChanges, SetOrigin};
use hookgate_domain::{self as domain, Networks, Timestamp};
use hookgate_gate::{self as gate, PreviewDays};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Preview, time, words};

/// A named set of addresses.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AddressSet {
    /// Name of the set. Allowlists use it behind an `@`.
    #[schema(value_type = words::SetName)]
    pub name: String,
    /// Provider of the published list; null if the networks are maintained here.
    #[schema(value_type = Option<words::Provider>, required)]
    pub provider: Option<&'static str>,
    /// The used part of the published list; empty for all of it, and for a set that is not published.
    pub filter: String,
    /// URL of the published list; null if none is read.
    #[schema(required)]
    pub url: Option<String>,
    /// Number of the active version.
    pub version: i64,
    /// Number of networks.
    pub count: u64,
    /// Time since which the active version is in use.
    #[schema(format = DateTime)]
    pub changed_at: String,
    /// Number of a version that waits for approval, because it would remove or add more than half of the set; null if
    /// there is none.
    #[schema(required)]
    pub pending: Option<i64>,
    /// Time when the published list was last read.
    #[schema(required, format = DateTime)]
    pub read_at: Option<String>,
    /// Time of the last attempt to read it.
    #[schema(required, format = DateTime)]
    pub tried_at: Option<String>,
    /// Error of that attempt; null if it succeeded.
    #[schema(required)]
    pub fault: Option<String>,
    /// True if the published list has not been read for three days.
    pub stale: bool,
    /// Revision: it rises with every change, and the `ETag` holds it.
    pub revision: i64,
}

impl AddressSet {
    /// The set at the time `now`.
    #[must_use]
    pub fn new(set: &domain::address_set::AddressSet, now: Timestamp) -> Self {
        let (provider, filter, url) = match &set.origin {
            SetOrigin::Own => (None, String::new(), None),
            SetOrigin::Published {
                provider,
                filter,
                url,
            } => (Some(provider.as_str()), filter.to_string(), url.as_deref()),
        };
        Self {
            name: set.name.to_string(),
            provider,
            filter,
            url: url.map(str::to_owned),
            version: set.version,
            count: set.networks,
            changed_at: time(set.changed_at),
            pending: set.pending,
            read_at: set.reading.read_at.map(time),
            tried_at: set.reading.tried_at.map(time),
            fault: set.reading.fault.as_deref().map(str::to_owned),
            stale: set.is_stale(now),
            revision: set.revision,
        }
    }
}

/// A set with the networks of one of its versions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AddressSetNetworks {
    /// The set.
    #[serde(flatten)]
    pub set: AddressSet,
    /// Networks of the version.
    pub networks: Vec<String>,
}

impl AddressSetNetworks {
    /// The set with these networks.
    #[must_use]
    pub fn new(set: &domain::address_set::AddressSet, networks: &Networks, now: Timestamp) -> Self {
        Self {
            set: AddressSet::new(set, now),
            networks: networks.as_slice().iter().map(ToString::to_string).collect(),
        }
    }
}

/// A version of a set.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AddressSetVersion {
    /// Number of the version.
    pub version: i64,
    /// `active`, `pending`, `replaced` or `rejected`.
    #[schema(value_type = words::VersionState)]
    pub state: &'static str,
    /// Time of creation.
    #[schema(format = DateTime)]
    pub made_at: String,
    /// Name of the actor that created it.
    pub made_by: String,
    /// Number of networks.
    pub count: u64,
    /// Number of networks that the version added.
    pub added: u64,
    /// Number of networks that the version removed.
    pub removed: u64,
}

impl From<&domain::address_set::SetVersion> for AddressSetVersion {
    fn from(version: &domain::address_set::SetVersion) -> Self {
        Self {
            version: version.number,
            state: version.state.as_str(),
            made_at: time(version.made_at),
            made_by: version.made_by.to_string(),
            count: version.networks,
            added: version.added,
            removed: version.removed,
        }
    }
}

/// The effect of a change of networks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AddressSetChange {
    /// The set after the change.
    pub set: AddressSet,
    /// Networks that were or would be added.
    pub added: Vec<String>,
    /// Networks that were or would be removed.
    pub removed: Vec<String>,
    /// Warnings about the added networks, and about the set as a whole.
    pub warnings: Vec<String>,
}

impl AddressSetChange {
    /// These changes of a set.
    #[must_use]
    pub fn new(set: &domain::address_set::AddressSet, changes: &NetworkChanges, now: Timestamp) -> Self {
        let texts = |networks: &[domain::IpNetwork]| networks.iter().map(ToString::to_string).collect();
        Self {
            set: AddressSet::new(set, now),
            added: texts(&changes.added),
            removed: texts(&changes.removed),
            warnings: changes.warnings().iter().map(ToString::to_string).collect(),
        }
    }
}

/// The senders that would be refused if a set had other networks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AddressSetPreview {
    /// Number of webhooks whose allowlists name the set.
    pub all_webhooks: u64,
    /// Previews of these webhooks, at most 100. Those where most senders would be refused are first.
    pub webhooks: Vec<WebhookPreview>,
}

/// The preview of one webhook.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookPreview {
    /// Handle of the webhook.
    #[schema(value_type = words::Handle)]
    pub webhook: String,
    /// Name of the webhook.
    pub name: String,
    /// The senders that would be refused.
    pub preview: Preview,
}

impl AddressSetPreview {
    /// The preview over this number of days.
    #[must_use]
    pub fn new(all_webhooks: u64, previews: &[gate::SetPreview], days: PreviewDays) -> Self {
        let webhooks = previews.iter().map(|one| WebhookPreview {
            webhook: one.webhook.handle.to_string(),
            name: one.webhook.name.to_string(),
            preview: Preview::new(&one.preview, days),
        });
        Self {
            all_webhooks,
            webhooks: webhooks.collect(),
        }
    }
}
