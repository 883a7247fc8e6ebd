//! Incidents: the list and one of them.

use askama::Template;
use hookgate_domain::{
    DeliveryId, IncidentNumber, IncidentStatus, MAX_NOTE, Severity, Timestamp, WebhookHandle,
};

use super::delivery::DeliveryRow;
use super::screen;
use crate::assets;
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
    /// How many are open, up to a bound.
    pub open: u64,
    /// How many are acknowledged, up to a bound.
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
    /// What it is about.
    pub title: UserText,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: IncidentStatus,
    /// The webhook that it came by.
    pub webhook: WebhookHandle,
    /// What that is called.
    pub webhook_name: UserText,
    /// How many deliveries told of it.
    pub occurrences: u64,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When something last happened to it.
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
    /// What the sender wrote about it.
    pub description: Option<UserText>,
    /// The service it concerns.
    pub service: Option<UserText>,
    /// Where the sender says more.
    pub source_url: Option<UserText>,
    /// By what deliveries of the same matter are told.
    pub dedup_key: Option<UserText>,
    /// What else the sender told.
    pub metadata: Vec<(UserText, UserText)>,
    /// Whether what the sender wrote beside title and service is withheld from who looks.
    pub withheld: bool,
    /// How long it was open, and after what time it was acknowledged, and by whom.
    pub summary: UserText,
    /// What happened, newest first.
    pub timeline: Vec<TimelineEntry>,
    /// The newest deliveries that told of it.
    pub deliveries: Vec<DeliveryRow>,
    /// Whether it was resolved so recently that it can be reopened.
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
    /// What is wrong with it, in a sentence.
    pub problem: Option<UserText>,
}

/// One thing that happened to an incident.
#[derive(Clone, Debug)]
pub struct TimelineEntry {
    /// When; of several deliveries, the first.
    pub at: Timestamp,
    /// Of several deliveries, the last.
    pub until: Option<Timestamp>,
    /// What happened, and by whom: `Acknowledged by Ada`.
    pub what: UserText,
    /// The text of a note.
    pub note: Option<UserText>,
    /// The delivery that did it.
    pub delivery: Option<DeliveryId>,
}
