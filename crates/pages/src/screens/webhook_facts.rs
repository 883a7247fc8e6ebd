//! A webhook and its settings, as pages show them.

use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::rotation::RotationAge;
use hookgate_domain::{Timestamp, WebhookHandle};

use super::webhooks::rotation_badge;
use crate::text::UserText;
use crate::when::{self, Given};

/// A webhook and its settings.
#[derive(Clone, Debug)]
pub struct WebhookFacts {
    /// Its public name.
    pub handle: WebhookHandle,
    /// Name of the webhook.
    pub name: UserText,
    /// Format of its senders.
    pub format: String,
    /// The hint of its URL.
    pub hint: String,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time at which the current URL was issued.
    pub issued_at: Timestamp,
    /// State of that URL under the rotation policy.
    pub rotation: RotationAge,
    /// A removed member who knows the URL or the signing secret.
    pub leaver: Option<UserText>,
    /// Time of revocation.
    pub revoked_at: Option<Timestamp>,
    /// The actor of the revocation, if recorded.
    pub revoked_by: Option<UserText>,
    /// The entries of its allowlist; empty permits every address.
    pub networks: Vec<String>,
    /// Treatment of deliveries from addresses outside the allowlist.
    pub allowlist_mode: AllowlistMode,
    /// The largest payload, in bytes.
    pub body_bytes: u32,
    /// The most deliveries a minute.
    pub per_minute: Option<u32>,
    /// `true` if deliveries over that limit get 503 instead of 429.
    pub postpones: bool,
    /// `true` if the history stores payloads.
    pub payload_logging: bool,
    /// `true` if deliveries must be signed.
    pub signed: bool,
    /// Days after which a new URL is due.
    pub rotation_days: Option<u16>,
}

/// Maximum number of allowlist entries in the summary.
const SHOWN_NETWORKS: usize = 8;

impl WebhookFacts {
    pub(super) fn badge(&self, now: impl Given<Timestamp>) -> Option<(&'static str, String)> {
        let age = when::days(self.issued_at, now);
        rotation_badge(self.rotation, self.revoked_at.is_some(), age)
    }

    pub(super) fn age(&self, now: impl Given<Timestamp>) -> String {
        when::count(when::days(self.issued_at, now), "day")
    }

    pub(super) fn observes(&self) -> bool {
        self.allowlist_mode == AllowlistMode::Observe
    }

    pub(super) fn limits(&self) -> String {
        let mut text = format!("{} per payload", when::bytes(u64::from(self.body_bytes)));
        if let Some(most) = self.per_minute {
            text.push_str(", ");
            text.push_str(&when::counted(most, "delivery"));
            text.push_str(" per minute (then ");
            text.push_str(if self.postpones { "503)" } else { "429)" });
        }
        text
    }

    pub(super) fn reminder(&self) -> String {
        match self.rotation_days {
            Some(days) => format!("after {}", when::counted(days, "day")),
            None => "never".to_owned(),
        }
    }

    pub(super) fn shown_networks(&self) -> String {
        let shown = self.networks.iter().take(SHOWN_NETWORKS).map(String::as_str);
        let mut text = shown.collect::<Vec<_>>().join(", ");
        if let Some(more) = self
            .networks
            .len()
            .checked_sub(SHOWN_NETWORKS)
            .filter(|more| *more > 0)
        {
            text.push_str(" and ");
            text.push_str(&more.to_string());
            text.push_str(" more");
        }
        text
    }
}
