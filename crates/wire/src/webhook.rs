//! A webhook, without its URL: that is shown only once, when it is created.

use std::num::NonZero;

use hookgate_domain::allowlist::{AllowEntry, Allowed};
use hookgate_domain::policy::{Overload, PayloadLogging};
use hookgate_domain::rotation::RotationAge;
use hookgate_domain::{Timestamp, Webhook as DomainWebhook, WebhookState};
use hookgate_gate::{self as gate, Health};
use serde::Serialize;
use utoipa::ToSchema;

use super::{time, words};

/// A webhook.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Webhook {
    /// Public name of the webhook, which is no secret.
    #[schema(value_type = words::Handle)]
    pub handle: String,
    /// Name of the webhook.
    pub name: String,
    /// Format of the senders' payloads: the format segment of the path.
    #[schema(value_type = words::Sender)]
    pub sender: &'static str,
    /// `active` or `revoked`.
    #[schema(value_type = words::WebhookState)]
    pub state: &'static str,
    /// Health in the last 24 hours: `ok`, `failing` or `quiet`. Present only where webhooks are read, not where one is
    /// changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<words::Health>)]
    pub health: Option<&'static str>,
    /// First characters of the webhook ID, to distinguish URLs.
    pub hint: String,
    /// Allowed sources: networks, and address sets as `@name`; null is any address.
    #[schema(required)]
    pub allowlist: Option<Vec<String>>,
    /// The allowlist with end dates and comments; null is any address.
    #[schema(required)]
    pub allowlist_entries: Option<Vec<AllowlistEntry>>,
    /// `enforce`, or `observe`, which accepts other addresses and marks their deliveries.
    #[schema(value_type = words::AllowlistMode)]
    pub allowlist_mode: &'static str,
    /// Size limit of a body in bytes.
    pub max_body: u32,
    /// Rate limit in deliveries a minute; null is no limit.
    #[schema(required)]
    pub per_minute: Option<u32>,
    /// HTTP status for deliveries above that limit: 429 or 503.
    #[schema(value_type = words::Overload)]
    pub overload: u16,
    /// True if the history keeps payloads.
    pub payload_logging: bool,
    /// The signature scheme that deliveries must carry: `standard-webhooks`, or null.
    #[schema(required)]
    pub signature: Option<&'static str>,
    /// Number of days after which a new URL is due; null is never.
    #[schema(required)]
    pub rotation_days: Option<u16>,
    /// `not_tracked`, `fresh`, `due`, `known_to_leaver` or `exposed`.
    #[schema(value_type = words::Rotation)]
    pub rotation: &'static str,
    /// A removed member who was shown the present URL or its signing secret; null if there is none.
    #[schema(required)]
    pub leaver: Option<Leaver>,
    /// Revision: it rises with every change, and the `ETag` holds it.
    pub revision: i64,
    /// Time of creation.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Time when its present URL was created; null if it is revoked.
    #[schema(required, format = DateTime)]
    pub issued_at: Option<String>,
    /// Time of revocation; null if it is not revoked.
    #[schema(required, format = DateTime)]
    pub revoked_at: Option<String>,
    /// Deliveries that still arrived at its retired URLs. Present only where one webhook is read that is revoked or was
    /// regenerated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_url_use: Option<RetiredUrlUse>,
    /// Time when its present URL was used over plain HTTP or marked as exposed; null if neither.
    #[schema(required, format = DateTime)]
    pub exposed_at: Option<String>,
}

impl Webhook {
    /// The webhook at the time `now`.
    #[must_use]
    pub fn new(webhook: &DomainWebhook, now: Timestamp) -> Self {
        let policy = &webhook.policy;
        let (state, url) = match &webhook.state {
            WebhookState::Active(url) => ("active", Some(url)),
            WebhookState::Revoked { .. } => ("revoked", None),
        };
        let entries = policy.allowlist.entries();
        Self {
            handle: webhook.handle.to_string(),
            name: webhook.name.as_str().to_owned(),
            sender: webhook.format.as_str(),
            state,
            health: None,
            hint: webhook.state.hint().to_string(),
            allowlist: entries.map(|entries| entries.iter().map(allowed).collect()),
            allowlist_entries: entries.map(|entries| entries.iter().map(AllowlistEntry::from).collect()),
            allowlist_mode: policy.allowlist_mode.as_str(),
            max_body: policy.limits.body_bytes(),
            per_minute: policy.limits.per_minute().map(NonZero::get),
            overload: match policy.limits.overload() {
                Overload::Refuse => 429,
                Overload::Postpone => 503,
            },
            payload_logging: policy.payload_logging == PayloadLogging::On,
            signature: policy.signing_secret.is_some().then_some("standard-webhooks"),
            rotation_days: policy.rotation.days.map(NonZero::get),
            rotation: rotation(webhook.rotation_age(now)),
            leaver: webhook.leaver.as_ref().map(|leaver| Leaver {
                name: leaver.name.clone(),
                since: time(leaver.since),
            }),
            revision: webhook.revision,
            created_at: time(webhook.created_at),
            issued_at: url.map(|url| time(url.issued_at)),
            revoked_at: match &webhook.state {
                WebhookState::Revoked { at, .. } => Some(time(*at)),
                WebhookState::Active(_) => None,
            },
            retired_url_use: None,
            exposed_at: url.and_then(|url| url.exposed_at).map(time),
        }
    }

    /// Adds the health.
    #[must_use]
    pub const fn with_health(mut self, health: Health) -> Self {
        self.health = Some(health.as_str());
        self
    }

    /// Adds the use of its retired URLs.
    #[must_use]
    pub fn with_retired_use(mut self, seen: Option<gate::RetiredUse>) -> Self {
        self.retired_url_use = seen.map(RetiredUrlUse::from);
        self
    }
}

/// Deliveries to the retired URLs of a webhook since they were retired, as far as history is kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RetiredUrlUse {
    /// Time when the webhook was revoked, or its present URL was created.
    #[schema(format = DateTime)]
    pub since: String,
    /// Number of deliveries to a revoked webhook that were accepted since then; 0 for an active one.
    pub accepted: u64,
    /// Number of deliveries that were refused since then; for an active webhook, those to its old URLs.
    pub refused: u64,
    /// Time of the last of them; null if there is none.
    #[schema(required, format = DateTime)]
    pub last_at: Option<String>,
    /// True if all of them were counted; false if there are more.
    pub complete: bool,
}

impl From<gate::RetiredUse> for RetiredUrlUse {
    fn from(seen: gate::RetiredUse) -> Self {
        Self {
            since: time(seen.since),
            accepted: seen.accepted,
            refused: seen.refused,
            last_at: seen.last.map(time),
            complete: seen.complete,
        }
    }
}

impl RetiredUrlUse {
    /// The numbers in words: `accepted 0, refused 12 (last at 2026-11-30T08:00:00Z)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let more = if self.complete { "" } else { " or more" };
        let counts = format!("accepted {}, refused {}{more}", self.accepted, self.refused);
        match &self.last_at {
            Some(at) => format!("{counts} (last at {at})"),
            None => counts,
        }
    }
}

/// A removed member who knows a live URL or its signing secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Leaver {
    /// Name of the member.
    pub name: String,
    /// Time of the removal.
    #[schema(format = DateTime)]
    pub since: String,
}

/// An entry of an allowlist.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AllowlistEntry {
    /// A network, or an address set as `@name`.
    pub entry: String,
    /// End of the entry; null if it has none.
    #[schema(required, format = DateTime)]
    pub until: Option<String>,
    /// Comment on the entry; null if there is none.
    #[schema(required)]
    pub comment: Option<String>,
}

impl From<&AllowEntry> for AllowlistEntry {
    fn from(entry: &AllowEntry) -> Self {
        Self {
            entry: allowed(entry),
            until: entry.until.map(time),
            comment: entry.comment.as_ref().map(ToString::to_string),
        }
    }
}

/// The text of an entry. Networks have their prefix length, single addresses too.
fn allowed(entry: &AllowEntry) -> String {
    match &entry.allowed {
        Allowed::Network(network) => network.to_string(),
        set @ Allowed::Set(_) => set.to_string(),
    }
}

const fn rotation(age: RotationAge) -> &'static str {
    match age {
        RotationAge::NotTracked => "not_tracked",
        RotationAge::Fresh { .. } => "fresh",
        RotationAge::Due { .. } => "due",
        RotationAge::KnownToLeaver { .. } => "known_to_leaver",
        RotationAge::Exposed { .. } => "exposed",
    }
}
