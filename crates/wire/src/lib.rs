//! The JSON objects of the admin API and the command line. Times are RFC 3339 in UTC.

mod address_set;
mod audit_export;
mod delivery;
mod export;
mod incident;
mod note;
mod payload;
mod people;
mod timeline;
mod usage;
mod webhook;
pub mod words;

use hookgate_domain::Timestamp;
use hookgate_gate::Issued;
use hookgate_people::SignInSecret;
use ipnetwork::IpNetwork;
use serde::Serialize;
use utoipa::ToSchema;

pub use address_set::{
    AddressSet, AddressSetChange, AddressSetNetworks, AddressSetPreview, AddressSetVersion, WebhookPreview,
};
pub use delivery::{Delivery, DeliveryAnswer, DeliveryRecord, Trail};
pub use export::{Column, ExportError, ExportFormat, ExportRow};
pub use hookgate_ingest::answered_status;
pub use hookgate_pages::counted;
pub use hookgate_transport::json_text;
pub use incident::{Incident, IncidentRecord};
pub use note::Note;
pub use payload::{Payload, PlainValue};
pub use people::{AuditEntry, KnownWebhook, KnownWebhooks, Member, RemovedMember, Token};
pub use timeline::{TimelineActor, TimelineEntry, doer, sentence, span, summary};
pub use usage::{Preview, Suggestion, Usage, observed, width};
pub use webhook::{AllowlistEntry, Leaver, RetiredUrlUse, Webhook};

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Rows of the page.
    pub items: Vec<T>,
    /// Cursor of the next page; null on the last page.
    #[schema(required)]
    pub next: Option<String>,
}

impl<T, K: ToString> From<hookgate_gate::Page<T, K>> for Page<T> {
    fn from(page: hookgate_gate::Page<T, K>) -> Self {
        Self {
            items: page.items,
            next: page.next.map(|key| key.to_string()),
        }
    }
}

/// The URL of a new webhook below `gate_url`, the gate's origin.
#[must_use]
pub fn webhook_url(gate_url: &str, issued: &Issued) -> String {
    format!(
        "{gate_url}/webhooks/{}/{}",
        issued.webhook.format.as_str(),
        issued.id.reveal()
    )
}

/// The URL of a sign-in link below `console_url`, the console's origin.
#[must_use]
pub fn sign_in_url(console_url: &str, secret: &SignInSecret) -> String {
    format!("{console_url}/sign-in/{}", secret.reveal())
}

/// The text of a source. A single IPv4 address has no prefix length.
#[must_use]
pub fn source(source: IpNetwork) -> String {
    match source {
        IpNetwork::V4(network) if network.prefix() == 32 => network.ip().to_string(),
        network => network.to_string(),
    }
}

/// Formats a time by RFC 3339, in UTC.
#[must_use]
pub fn time(timestamp: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(timestamp.as_micros())
        .map_or_else(|_| "?".to_owned(), |time| time.to_string())
}

/// Parses a time by RFC 3339. Without an offset it is in UTC, as in the fields of forms.
#[must_use]
pub fn read_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time = text.parse::<jiff::Timestamp>().or_else(|_| {
        let local = text.parse::<jiff::civil::DateTime>()?;
        jiff::tz::Offset::UTC.to_timestamp(local)
    });
    Some(Timestamp::from_micros(time.ok()?.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let at = Timestamp::from_micros(1_764_000_000_123_456);
        assert_eq!(read_time(&time(at)), Some(at));
        assert_eq!(
            read_time("2026-11-24T03:00:00+01:00"),
            read_time("2026-11-24T02:00:00Z")
        );
        assert_eq!(read_time("2026-11-24T03:30"), read_time(" 2026-11-24T03:30:00Z "));
        assert_eq!(read_time("2026-11-24"), read_time("2026-11-24T00:00:00Z"));
        assert_eq!(read_time("yesterday"), None);
    }
}
