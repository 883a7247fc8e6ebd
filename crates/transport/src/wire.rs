//! The objects that scripts see, the same from the admin API and from the command line. Times are RFC 3339 in UTC.

mod delivery;
mod incident;
mod people;
mod webhook;

use hookgate_domain::Timestamp;
use hookgate_gate::Issued;
use serde::Serialize;
use utoipa::ToSchema;

pub use delivery::{Delivery, answered_status};
pub use incident::Incident;
pub use people::{AuditActor, AuditEntry, AuditSubject, Member, Token};
pub use webhook::Webhook;

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// The cursor of the next page; null on the last.
    #[schema(required)]
    pub next: Option<String>,
}

/// The URL of a webhook that was just made, behind what the gate's addresses start with.
#[must_use]
pub fn webhook_url(gate_url: &str, issued: &Issued) -> String {
    format!(
        "{gate_url}/webhooks/{}/{}",
        issued.webhook.format.as_str(),
        issued.id.reveal()
    )
}

/// A point in time by RFC 3339, UTC.
#[must_use]
pub fn time(timestamp: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(timestamp.as_micros())
        .map_or_else(|_| "?".to_owned(), |time| time.to_string())
}

/// Reads a point in time by RFC 3339.
#[must_use]
pub fn read_time(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.trim().parse().ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
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
        assert_eq!(read_time("yesterday"), None);
    }
}
