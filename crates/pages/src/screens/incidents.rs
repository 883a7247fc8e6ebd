//! Incidents: the list and one of them.

use askama::Template;
use hookgate_domain::incident::MAX_NOTE;
use hookgate_domain::{DeliveryId, IncidentNumber, IncidentStatus, Severity, Timestamp, WebhookHandle};

use super::delivery::DeliveryRow;
use crate::assets;
use crate::render::screen;
use crate::shell::{Pager, Paging, Shell};
use crate::text::UserText;
use crate::when;

/// `/incidents`.
#[derive(Clone, Debug, Template)]
#[template(path = "incidents.html")]
pub struct IncidentList {
    /// The frame.
    pub shell: Shell,
    /// `status`: which ones are shown; `None` for all.
    pub status: Option<IncidentStatus>,
    /// Number of open incidents, up to a bound.
    pub open: u64,
    /// Number of acknowledged incidents, up to a bound.
    pub acknowledged: u64,
    /// The rows of this page.
    pub rows: Vec<IncidentRow>,
    /// The neighbouring pages.
    pub paging: Paging,
}

screen!(IncidentList, "incidents");

/// An incident in a list.
#[derive(Clone, Debug)]
pub struct IncidentRow {
    /// Its number.
    pub number: IncidentNumber,
    /// Title.
    pub title: UserText,
    /// Severity.
    pub severity: Severity,
    /// Status.
    pub status: IncidentStatus,
    /// The webhook of the incident.
    pub webhook: WebhookHandle,
    /// Name of that webhook.
    pub webhook_name: UserText,
    /// Number of deliveries that opened or updated the incident.
    pub occurrences: u64,
    /// Time of opening.
    pub opened_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

impl IncidentRow {
    pub(super) fn status_class(&self) -> &'static str {
        match self.status {
            IncidentStatus::Open => "bad",
            IncidentStatus::Acknowledged => "warn",
            IncidentStatus::Resolved => "ok",
        }
    }

    fn is_open(&self) -> bool {
        self.status == IncidentStatus::Open
    }

    fn is_resolved(&self) -> bool {
        self.status == IncidentStatus::Resolved
    }
}

impl IncidentList {
    fn choices(&self) -> [(&'static str, String, bool); 4] {
        let of = |status: IncidentStatus| self.status == Some(status);
        let counted = |word: &str, count: u64| format!("{word} {}", when::grouped(count));
        [
            ("/incidents", counted("Open", self.open), of(IncidentStatus::Open)),
            (
                "/incidents?status=acknowledged",
                counted("Acknowledged", self.acknowledged),
                of(IncidentStatus::Acknowledged),
            ),
            (
                "/incidents?status=resolved",
                "Resolved".to_owned(),
                of(IncidentStatus::Resolved),
            ),
            ("/incidents?status=all", "All".to_owned(), self.status.is_none()),
        ]
    }

    fn pager(&self) -> Pager<'_> {
        let status = self.status.map_or("all", IncidentStatus::as_str);
        Pager {
            path: "/incidents",
            filter: [("status", status)].to_vec(),
            paging: &self.paging,
        }
    }
}

/// `/incidents/INC-1`.
#[derive(Clone, Debug, Template)]
#[template(path = "incident.html")]
pub struct IncidentDetail {
    /// The frame.
    pub shell: Shell,
    /// The incident.
    pub row: IncidentRow,
    /// The description from the sender.
    pub description: Option<UserText>,
    /// The service it concerns.
    pub service: Option<UserText>,
    /// Link to the sender's own page about the incident.
    pub source_url: Option<UserText>,
    /// The dedup key, which groups deliveries of the same incident.
    pub dedup_key: Option<UserText>,
    /// Metadata from the sender.
    pub metadata: Vec<(UserText, UserText)>,
    /// `true` if the sender's texts, except title and service, are withheld from the reader.
    pub withheld: bool,
    /// Duration of the incident, the time to its acknowledgement, and the acknowledging actor.
    pub summary: UserText,
    /// The events, newest first.
    pub timeline: Vec<TimelineEntry>,
    /// The newest deliveries of the incident.
    pub deliveries: Vec<DeliveryRow>,
    /// `true` if the incident was resolved so recently that it can be reopened.
    pub can_be_reopened: bool,
    /// The form for a note.
    pub note: NoteForm,
}

screen!(IncidentDetail, "incidents");

impl IncidentDetail {
    /// The sender's link, only if following it is all that it does.
    fn safe_link(&self) -> Option<&str> {
        let url = self.source_url.as_ref()?.raw();
        let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
        (lower.starts_with("https://") || lower.starts_with("http://")).then_some(url)
    }
}

/// The form for a note, as it was sent if something is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct NoteForm {
    /// The text.
    pub text: String,
    /// The problem of the text, in a sentence.
    pub problem: Option<UserText>,
}

/// One event of an incident's timeline.
#[derive(Clone, Debug)]
pub struct TimelineEntry {
    /// Time of the event; for several deliveries, of the first.
    pub at: Timestamp,
    /// Time of the last, for several deliveries.
    pub until: Option<Timestamp>,
    /// The event and its actor: `Acknowledged by Ada`.
    pub what: UserText,
    /// The text of a note.
    pub note: Option<UserText>,
    /// The delivery that caused the event.
    pub delivery: Option<DeliveryId>,
}
