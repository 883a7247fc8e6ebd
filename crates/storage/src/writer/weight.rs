//! What records take, in bytes: what retention by size goes by, so that many small ones count as a few large ones do.

use hookgate_domain::{Incident, IncidentEvent, MetadataValue};

use crate::rows::NewDelivery;

/// What each record takes by itself, with its entries in indexes.
pub(super) const ROW_BYTES: i64 = 512;

/// What a delivery takes.
pub(super) fn delivery_weight(row: &NewDelivery<'_>) -> i64 {
    let text = |text: Option<&str>| text.map_or(0, str::len);
    let texts = [
        row.user_agent,
        row.headers,
        row.details,
        row.trail.as_deref(),
        row.notes.as_deref(),
    ];
    ROW_BYTES + bytes(row.payload.map_or(0, <[u8]>::len) + texts.map(text).iter().sum::<usize>())
}

/// What an incident takes.
pub(super) fn incident_weight(incident: &Incident) -> i64 {
    let texts = [
        &incident.description,
        &incident.service,
        &incident.source_url,
        &incident.dedup_key,
    ];
    let text = texts
        .iter()
        .map(|text| text.as_ref().map_or(0, String::len))
        .sum::<usize>();
    let metadata = incident.metadata.iter().map(|(key, value)| {
        key.len()
            + match value {
                MetadataValue::Text(text) => text.len(),
                MetadataValue::Number(number) => number.as_str().len(),
                _ => 0,
            }
    });
    ROW_BYTES + bytes(incident.title.len() + text + metadata.sum::<usize>())
}

/// What is listed of an incident takes.
pub(super) fn events_weight(incident: &Incident, events: &[IncidentEvent]) -> i64 {
    bytes(events.len()) * (ROW_BYTES + 2 * bytes(incident.title.len()))
}

fn bytes(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
