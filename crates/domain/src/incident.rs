//! Incidents: the rules by which accepted deliveries and people open, update and resolve them. The store is behind a
//! port of the gate.

mod event;
mod folding;
mod opening;

use std::time::Duration;

use thiserror::Error;

pub use event::{IncidentEvent, IncidentNote, IncidentNoteError, MAX_NOTE};
pub use folding::{FOLDING_KEY, Folded, MAX_NEW_INCIDENTS, NewIncidents, folding_draft};
pub use opening::Opening;

use crate::draft::{Metadata, MetadataValue};
use crate::{
    IncidentDraft, IncidentNumber, IncidentStatus, OrganizationId, Severity, Timestamp, WebhookHandle,
};

/// Most changes of title and severity that an incident's timeline lists. A sender that puts a measured value into the
/// title changes it with each delivery; further changes are only counted.
pub const MAX_LISTED_CHANGES: i64 = 100;
/// Name of the metadata entry with the number of folded problems.
const FOLDED: &str = "folded";
/// Time after its resolve within which an incident can be reopened. A problem that comes back later is another
/// incident.
pub const REOPEN_WINDOW: Duration = Duration::from_hours(24);

/// A problem as its senders report it and as people work on it.
///
/// ```
/// use hookgate_domain::{Incident, IncidentDraft, IncidentNumber, IncidentStatus};
/// use hookgate_domain::draft::DraftFields;
/// # use hookgate_domain::{OrganizationId, Timestamp, WebhookHandle};
/// # let (now, number) = (Timestamp::from_micros(0), IncidentNumber::new(1).ok_or("zero")?);
/// # let (organization, webhook) = (OrganizationId::FIRST, WebhookHandle::new(now, [1; 10]));
/// let draft = |status: &str| IncidentDraft::check(DraftFields {
///     title: Some("Disk full".into()),
///     status: Some(status.into()),
///     ..DraftFields::default()
/// });
/// let firing = draft("open").map_err(|_| "draft")?;
/// let incident = Incident::open(number, organization, webhook, firing.clone(), now).ok_or("opens nothing")?;
/// let incident = incident.acknowledge(now)?;
///
/// // Another delivery of the same alert is counted, and the incident stays acknowledged.
/// let (incident, events) = incident.absorb(firing, now);
/// assert_eq!((incident.occurrences, incident.status), (2, IncidentStatus::Acknowledged));
/// assert!(events.is_empty());
///
/// let (incident, _) = incident.absorb(draft("resolved").map_err(|_| "draft")?, now);
/// assert!(incident.resolve(now).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// Its number, `INC-42`.
    pub number: IncidentNumber,
    /// The organization that owns it.
    pub organization: OrganizationId,
    /// The webhook whose deliveries report it.
    pub webhook: WebhookHandle,
    /// Summary of the problem, in one line.
    pub title: String,
    /// Description, from the newest delivery that had one.
    pub description: Option<String>,
    /// Its severity.
    pub severity: Severity,
    /// Its status: open, acknowledged or resolved.
    pub status: IncidentStatus,
    /// The affected service.
    pub service: Option<String>,
    /// Link to more information, from the sender.
    pub source_url: Option<String>,
    /// Dedup key: deliveries of the webhook with the same key update the same unresolved incident.
    pub dedup_key: Option<String>,
    /// Metadata of the sender: a few named values.
    pub metadata: Metadata,
    /// Number of deliveries that reported it, 1 or more.
    pub occurrences: i64,
    /// Time of the first delivery.
    pub opened_at: Timestamp,
    /// Time of the last delivery or action.
    pub updated_at: Timestamp,
    /// Time of the acknowledgement; `None` if there was none since the last reopen.
    pub acknowledged_at: Option<Timestamp>,
    /// Time of the resolve; `None` while it is unresolved.
    pub resolved_at: Option<Timestamp>,
    /// Time at which a sender reported it as resolved, with the resolve or after it; `None` while it is unresolved.
    pub cleared_at: Option<Timestamp>,
    /// Number of changes of title and severity by senders.
    pub changes: i64,
}

impl Incident {
    /// The incident that a draft opens; `None` for a draft that says `resolved`, which has nothing to open.
    ///
    /// ```
    /// # use hookgate_domain::{Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
    /// # use hookgate_domain::draft::DraftFields;
    /// # use hookgate_domain::WebhookHandle;
    /// # let (now, number) = (Timestamp::from_micros(0), IncidentNumber::new(1).ok_or("zero")?);
    /// # let webhook = WebhookHandle::new(now, [1; 10]);
    /// let fields = DraftFields { status: Some("resolved".into()), ..DraftFields::default() };
    /// let draft = IncidentDraft::check(fields).map_err(|_| "draft")?;
    /// assert_eq!(Incident::open(number, OrganizationId::FIRST, webhook, draft, now), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn open(
        number: IncidentNumber,
        organization: OrganizationId,
        webhook: WebhookHandle,
        draft: IncidentDraft,
        now: Timestamp,
    ) -> Option<Self> {
        let opening = draft.opening()?;
        let (severity, status) = (opening.severity, opening.status);
        let acknowledged_at = opening.acknowledged_at(now);
        Some(Self {
            number,
            organization,
            webhook,
            title: opening.title.to_owned(),
            description: owned(opening.description),
            severity,
            status,
            service: owned(opening.service),
            source_url: owned(opening.source_url),
            dedup_key: owned(opening.dedup_key),
            metadata: draft.metadata,
            occurrences: 1,
            opened_at: now,
            updated_at: now,
            acknowledged_at,
            resolved_at: None,
            cleared_at: None,
            changes: 0,
        })
    }

    /// Applies another delivery. Returns the incident and the events beyond the count: values of the delivery replace
    /// older ones, missing values stay, and the status only moves forward. The dedup key never changes.
    ///
    /// A resolved incident only counts the delivery. New problems open a new incident, so don't pick a resolved one to
    /// absorb them. The exception is a late `resolved`, which belongs to the resolved incident.
    ///
    /// ```
    /// # use hookgate_domain::{Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
    /// # use hookgate_domain::draft::DraftFields;
    /// # use hookgate_domain::{Severity, WebhookHandle};
    /// # use hookgate_domain::incident::IncidentEvent;
    /// # let (now, number) = (Timestamp::from_micros(0), IncidentNumber::new(1).ok_or("zero")?);
    /// # let webhook = WebhookHandle::new(now, [1; 10]);
    /// let draft = |severity: &str| IncidentDraft::check(DraftFields {
    ///     title: Some("Disk full".into()),
    ///     severity: Some(severity.into()),
    ///     ..DraftFields::default()
    /// });
    /// let first = draft("high").map_err(|_| "draft")?;
    /// let incident = Incident::open(number, OrganizationId::FIRST, webhook, first, now).ok_or("opens nothing")?;
    /// let (incident, events) = incident.absorb(draft("critical").map_err(|_| "draft")?, now);
    /// assert_eq!(incident.occurrences, 2);
    /// assert_eq!(events, [IncidentEvent::Severity { from: Severity::Sev1, to: Severity::Sev0 }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn absorb(mut self, draft: IncidentDraft, now: Timestamp) -> (Self, Vec<IncidentEvent>) {
        self.occurrences = self.occurrences.saturating_add(1);
        self.updated_at = now;
        let mut events = Vec::new();
        if self.status == IncidentStatus::Resolved {
            if draft.status == IncidentStatus::Resolved && self.cleared_at.is_none() {
                self.cleared_at = Some(now);
                events.push(IncidentEvent::ResolvedLate);
            }
            return (self, events);
        }
        if let Some(to) = draft.title().filter(|title| *title != self.title) {
            let to = to.to_owned();
            let from = std::mem::replace(&mut self.title, to.clone());
            self.change(IncidentEvent::Title { from, to }, &mut events);
        }
        if let Some(to) = draft.severity.filter(|severity| *severity != self.severity) {
            let from = std::mem::replace(&mut self.severity, to);
            self.change(IncidentEvent::Severity { from, to }, &mut events);
        }
        self.description = owned(draft.description()).or(self.description);
        self.service = owned(draft.service()).or(self.service);
        self.source_url = owned(draft.source_url()).or(self.source_url);
        if !draft.metadata.is_empty() {
            self.metadata = draft.metadata;
        }
        match (self.status, draft.status) {
            (_, IncidentStatus::Resolved) => {
                self.status = IncidentStatus::Resolved;
                (self.resolved_at, self.cleared_at) = (Some(now), Some(now));
                events.push(IncidentEvent::Resolved);
            }
            // A sender that fires again does not undo what people did.
            (IncidentStatus::Open, IncidentStatus::Acknowledged) => {
                self.status = IncidentStatus::Acknowledged;
                self.acknowledged_at = Some(now);
                events.push(IncidentEvent::Acknowledged);
            }
            _ => {}
        }
        (self, events)
    }

    /// Counts the folded problems of a delivery. `opens` is `true` if the delivery opened this incident for them.
    /// Returns the incident and the events: a more severe problem raises the severity.
    #[must_use]
    pub fn fold(mut self, folded: Folded, opens: bool, now: Timestamp) -> (Self, Vec<IncidentEvent>) {
        let mut events = Vec::new();
        let count = self.folded().saturating_add(folded.count);
        self.metadata = Metadata::new(&[(FOLDED.into(), MetadataValue::Integer(count))]);
        self.updated_at = now;
        if opens {
            self.severity = folded.severity;
            return (self, events);
        }
        self.occurrences = self.occurrences.saturating_add(1);
        if folded.severity < self.severity && self.status != IncidentStatus::Resolved {
            let from = std::mem::replace(&mut self.severity, folded.severity);
            let to = self.severity;
            self.change(IncidentEvent::Severity { from, to }, &mut events);
        }
        (self, events)
    }

    /// Number of problems that are folded into this incident.
    #[must_use]
    pub fn folded(&self) -> i64 {
        let is_folding = self.dedup_key.as_deref() == Some(FOLDING_KEY);
        match self.metadata.iter().find(|(name, _)| name == FOLDED) {
            Some((_, MetadataValue::Integer(count))) if is_folding => count,
            _ => 0,
        }
    }

    /// Counts a sender's change, and lists it up to [`MAX_LISTED_CHANGES`].
    fn change(&mut self, event: IncidentEvent, events: &mut Vec<IncidentEvent>) {
        self.changes = self.changes.saturating_add(1);
        if self.changes <= MAX_LISTED_CHANGES {
            events.push(event);
        }
    }

    /// Acknowledges the incident: a member works on it.
    ///
    /// ```
    /// use hookgate_domain::IncidentStatus;
    /// use hookgate_domain::incident::IncidentError;
    /// # use hookgate_domain::{Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
    /// # use hookgate_domain::draft::DraftFields;
    /// # use hookgate_domain::WebhookHandle;
    /// # let (now, number) = (Timestamp::from_micros(0), IncidentNumber::new(1).ok_or("zero")?);
    /// # let webhook = WebhookHandle::new(now, [1; 10]);
    /// # let fields = DraftFields { title: Some("Disk full".into()), ..DraftFields::default() };
    /// # let draft = IncidentDraft::check(fields).map_err(|_| "draft")?;
    /// let incident = Incident::open(number, OrganizationId::FIRST, webhook, draft, now).ok_or("opens nothing")?;
    /// let incident = incident.acknowledge(now)?;
    /// assert_eq!(incident.status, IncidentStatus::Acknowledged);
    /// assert_eq!(incident.acknowledge(now), Err(IncidentError::AlreadyAcknowledged));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`IncidentError`] unless it is open.
    pub fn acknowledge(self, now: Timestamp) -> Result<Self, IncidentError> {
        match self.status {
            IncidentStatus::Open => Ok(Self {
                status: IncidentStatus::Acknowledged,
                updated_at: now,
                acknowledged_at: Some(now),
                ..self
            }),
            IncidentStatus::Acknowledged => Err(IncidentError::AlreadyAcknowledged),
            IncidentStatus::Resolved => Err(IncidentError::AlreadyResolved),
        }
    }

    /// Resolves the incident.
    ///
    /// ```
    /// use hookgate_domain::IncidentStatus;
    /// use hookgate_domain::incident::IncidentError;
    /// # use hookgate_domain::{Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
    /// # use hookgate_domain::draft::DraftFields;
    /// # use hookgate_domain::WebhookHandle;
    /// # let (now, number) = (Timestamp::from_micros(0), IncidentNumber::new(1).ok_or("zero")?);
    /// # let webhook = WebhookHandle::new(now, [1; 10]);
    /// # let fields = DraftFields { title: Some("Disk full".into()), ..DraftFields::default() };
    /// # let draft = IncidentDraft::check(fields).map_err(|_| "draft")?;
    /// let incident = Incident::open(number, OrganizationId::FIRST, webhook, draft, now).ok_or("opens nothing")?;
    /// let incident = incident.resolve(now)?;
    /// assert_eq!(incident.status, IncidentStatus::Resolved);
    /// assert_eq!(incident.resolve(now), Err(IncidentError::AlreadyResolved));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`IncidentError::AlreadyResolved`] if it is resolved.
    pub fn resolve(self, now: Timestamp) -> Result<Self, IncidentError> {
        match self.status {
            IncidentStatus::Open | IncidentStatus::Acknowledged => Ok(Self {
                status: IncidentStatus::Resolved,
                updated_at: now,
                resolved_at: Some(now),
                ..self
            }),
            IncidentStatus::Resolved => Err(IncidentError::AlreadyResolved),
        }
    }

    /// Reopens a resolved incident. It is open and not acknowledged, as when it was created.
    ///
    /// ```
    /// use hookgate_domain::IncidentStatus;
    /// use hookgate_domain::incident::{IncidentError, REOPEN_WINDOW};
    /// # use std::time::Duration;
    /// # use hookgate_domain::{Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
    /// # use hookgate_domain::draft::DraftFields;
    /// # use hookgate_domain::WebhookHandle;
    /// # let (now, number) = (Timestamp::from_micros(0), IncidentNumber::new(1).ok_or("zero")?);
    /// # let webhook = WebhookHandle::new(now, [1; 10]);
    /// # let fields = DraftFields { title: Some("Disk full".into()), ..DraftFields::default() };
    /// # let draft = IncidentDraft::check(fields).map_err(|_| "draft")?;
    /// let incident = Incident::open(number, OrganizationId::FIRST, webhook, draft, now).ok_or("opens nothing")?;
    /// let resolved = incident.resolve(now)?;
    /// let late = now.after(REOPEN_WINDOW + Duration::from_secs(1));
    /// assert_eq!(resolved.clone().reopen(late), Err(IncidentError::TooLateToReopen));
    /// let reopened = resolved.reopen(now.after(REOPEN_WINDOW))?;
    /// assert_eq!((reopened.status, reopened.resolved_at), (IncidentStatus::Open, None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`IncidentError::NotResolved`], or [`IncidentError::TooLateToReopen`] after [`REOPEN_WINDOW`].
    pub fn reopen(self, now: Timestamp) -> Result<Self, IncidentError> {
        if self.status != IncidentStatus::Resolved {
            return Err(IncidentError::NotResolved);
        }
        let resolved_at = self.resolved_at.unwrap_or(self.updated_at);
        if now.since(resolved_at) > REOPEN_WINDOW {
            return Err(IncidentError::TooLateToReopen);
        }
        Ok(Self {
            status: IncidentStatus::Open,
            updated_at: now,
            acknowledged_at: None,
            resolved_at: None,
            cleared_at: None,
            ..self
        })
    }
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

/// Refusals of an action on an incident.
///
/// ```
/// use hookgate_domain::incident::IncidentError;
///
/// assert_eq!(IncidentError::AlreadyResolved.to_string(), "the incident is already resolved");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IncidentError {
    /// It is acknowledged.
    #[error("the incident is already acknowledged")]
    AlreadyAcknowledged,
    /// It is resolved.
    #[error("the incident is already resolved")]
    AlreadyResolved,
    /// It can't be reopened, because it is not resolved.
    #[error("the incident is not resolved")]
    NotResolved,
    /// It was resolved longer ago than [`REOPEN_WINDOW`].
    #[error("the incident was resolved more than 24 hours ago; new events open a new incident")]
    TooLateToReopen,
    /// Another unresolved incident has the same dedup key, and deliveries update that one.
    #[error("{0} is open with the same dedup key; deliveries update that one")]
    DedupKeyTaken(IncidentNumber),
    /// Its timeline has no room for more notes and reopenings.
    #[error("the timeline of the incident is full")]
    TimelineFull,
}
