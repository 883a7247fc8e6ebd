//! Conversion of rows to domain values and back. A value that can't be read back is a [`CorruptRow`], which
//! names its place.

mod address_set;
mod audit;
mod delivery;
mod incident;
mod incident_event;
mod metadata;
mod notes;
mod people;
mod webhook;

pub(crate) use address_set::{AddressSetFields, AddressSetRow, SetVersionRow, networks_text, read_networks};
pub(crate) use audit::{AuditRow, NewAuditRow};
pub(crate) use delivery::{
    DeliveryRow, NewDelivery, SummaryRow, answer_words, read_address, read_answer, seconds_up,
};
pub(crate) use incident::{IncidentRow, NewIncident, WeighedIncident};
pub(crate) use incident_event::{EventRow, NewEventRow, event_texts};
pub(crate) use metadata::metadata_text;
pub(crate) use notes::notes_text;
pub(crate) use people::{FailuresRow, LinkRow, MemberRow, NewFailureRow, SessionRow, TokenRow};
pub(crate) use webhook::{REVOKED, RetiredRow, WebhookFields, WebhookRow};

use crate::query_error::CorruptRow;

/// Reads a handle from the column of a joined row.
pub(crate) fn read_handle(handle: &str) -> Result<hookgate_domain::WebhookHandle, CorruptRow> {
    handle
        .parse()
        .map_err(|_| CorruptRow::at("webhooks", "?", "handle"))
}
