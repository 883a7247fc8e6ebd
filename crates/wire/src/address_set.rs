//! An address set, its versions, and what another one would mean.

use hookgate_domain::{self as domain, NetworkChanges, Networks, SetOrigin, Timestamp};
use hookgate_gate::{self as gate, PreviewDays};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Preview, time, words};

/// A named set of addresses.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AddressSet {
    /// What allowlists call it, behind an `@`.
    #[schema(value_type = words::SetName)]
    pub name: String,
    /// Who publishes its networks; null if they are written here.
    #[schema(value_type = Option<words::Provider>, required)]
    pub provider: Option<&'static str>,
    /// Which part of what is published.
    pub filter: String,
    /// Where it is published; null if it is not read from anywhere.
    #[schema(required)]
    pub url: Option<String>,
    /// The version that counts.
    pub version: i64,
    /// How many networks it has.
    pub count: u64,
    /// Since when it counts.
    #[schema(format = DateTime)]
    pub changed_at: String,
    /// A version that waits for approval, because it would remove or add more than half of the set.
    #[schema(required)]
    pub pending: Option<i64>,
    /// When the published list was read last.
    #[schema(required, format = DateTime)]
    pub read_at: Option<String>,
    /// When that was tried last.
    #[schema(required, format = DateTime)]
    pub tried_at: Option<String>,
    /// What went wrong then.
    #[schema(required)]
    pub fault: Option<String>,
    /// Whether the published list was not read for three days.
    pub stale: bool,
    /// Rises with every change; the `ETag` holds it.
    pub revision: i64,
}

impl AddressSet {
    /// The set as it is at that time.
    #[must_use]
    pub fn new(set: &domain::AddressSet, now: Timestamp) -> Self {
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
    /// Its networks.
    pub networks: Vec<String>,
}

impl AddressSetNetworks {
    /// The set with these networks.
    #[must_use]
    pub fn new(set: &domain::AddressSet, networks: &Networks, now: Timestamp) -> Self {
        Self {
            set: AddressSet::new(set, now),
            networks: networks.as_slice().iter().map(ToString::to_string).collect(),
        }
    }
}

/// A version of a set.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AddressSetVersion {
    /// Its number.
    pub version: i64,
    /// `active`, `pending`, `replaced` or `rejected`.
    #[schema(value_type = words::VersionState)]
    pub state: &'static str,
    /// When it was made.
    #[schema(format = DateTime)]
    pub made_at: String,
    /// By whom.
    pub made_by: String,
    /// How many networks it has.
    pub count: u64,
    /// How many of them were new.
    pub added: u64,
    /// How many went.
    pub removed: u64,
}

impl From<&domain::SetVersion> for AddressSetVersion {
    fn from(version: &domain::SetVersion) -> Self {
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

/// What taking up other networks did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AddressSetChange {
    /// The set as it is now.
    pub set: AddressSet,
    /// What is new, or would be.
    pub added: Vec<String>,
    /// What went, or would.
    pub removed: Vec<String>,
    /// What about the new networks, and about all together, deserves a second look.
    pub warnings: Vec<String>,
}

impl AddressSetChange {
    /// These changes of a set.
    #[must_use]
    pub fn new(set: &domain::AddressSet, changes: &NetworkChanges, now: Timestamp) -> Self {
        let texts = |networks: &[domain::IpNetwork]| networks.iter().map(ToString::to_string).collect();
        Self {
            set: AddressSet::new(set, now),
            added: texts(&changes.added),
            removed: texts(&changes.removed),
            warnings: changes.warnings().iter().map(ToString::to_string).collect(),
        }
    }
}

/// Who would stop passing if a set held other networks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AddressSetPreview {
    /// How many webhooks name the set in their allowlists.
    pub all_webhooks: u64,
    /// What it would mean for each of them, at most 100: where most would stop first.
    pub webhooks: Vec<WebhookPreview>,
}

/// The same for one webhook.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookPreview {
    /// Handle of the webhook.
    #[schema(value_type = words::Handle)]
    pub webhook: String,
    /// What people call it.
    pub name: String,
    /// Who would stop passing.
    pub preview: Preview,
}

impl AddressSetPreview {
    /// The preview over so many days.
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
