//! An incident: what an accepted delivery opens or updates. Its rules are here; where it is kept is the store's
//! business.

mod event;

use std::time::Duration;

use thiserror::Error;

pub use event::{IncidentEvent, IncidentNote, IncidentNoteError, MAX_NOTE};

use crate::{
    IncidentDraft, IncidentNumber, IncidentStatus, MetadataValue, OrganizationId, Severity, Timestamp,
    WebhookHandle,
};

/// Most changes of title and severity of one incident that are kept one by one. A sender that puts a measured value into
/// the title changes it with each delivery; the changes beyond are counted.
pub const MAX_LISTED_CHANGES: i64 = 100;
/// How long after its resolve an incident can be reopened. Trouble that comes back later is another incident.
pub const REOPEN_WINDOW: Duration = Duration::from_hours(24);

/// Trouble, as its senders tell it and as people work on it.
///
/// ```
/// use hookgate_domain::{DraftFields, Incident, IncidentDraft, IncidentNumber, IncidentStatus};
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
/// // Firing again counts, and takes nobody's acknowledgement away.
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
    /// Who owns it.
    pub organization: OrganizationId,
    /// The webhook whose deliveries tell of it.
    pub webhook: WebhookHandle,
    /// One line that says what is wrong.
    pub title: String,
    /// The rest of the story.
    pub description: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: IncidentStatus,
    /// What is affected.
    pub service: Option<String>,
    /// Where to look.
    pub source_url: Option<String>,
    /// What makes two deliveries the same trouble.
    pub dedup_key: Option<String>,
    /// A few named values.
    pub metadata: Vec<(String, MetadataValue)>,
    /// How many deliveries told of it, 1 or more.
    pub occurrences: i64,
    /// When the first delivery came.
    pub opened_at: Timestamp,
    /// When the last delivery or action came.
    pub updated_at: Timestamp,
    /// When it was acknowledged, unless it was reopened since.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was resolved, while it is.
    pub resolved_at: Option<Timestamp>,
    /// When a sender reported it as resolved, while it is resolved: at once, or late.
    pub cleared_at: Option<Timestamp>,
    /// How often senders changed its title or severity.
    pub changes: i64,
}

impl Incident {
    /// The incident that a draft opens; `None` for a draft that says `resolved`, which has nothing to open.
    ///
    /// ```
    /// # use hookgate_domain::{DraftFields, Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
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
        let title = draft.title?;
        if draft.status == IncidentStatus::Resolved {
            return None;
        }
        Some(Self {
            number,
            organization,
            webhook,
            title,
            description: draft.description,
            severity: draft.severity.unwrap_or_default(),
            status: draft.status,
            service: draft.service,
            source_url: draft.source_url,
            dedup_key: draft.dedup_key,
            metadata: draft.metadata,
            occurrences: 1,
            opened_at: now,
            updated_at: now,
            acknowledged_at: (draft.status == IncidentStatus::Acknowledged).then_some(now),
            resolved_at: None,
            cleared_at: None,
            changes: 0,
        })
    }

    /// The incident after another delivery told of it, and what that changed beyond the count: the newest words count,
    /// what the delivery leaves out stays, and the status moves forward only. The dedup key is the incident's own and stays.
    ///
    /// A resolved incident only counts: new trouble opens a new one, so don't look for a resolved one to absorb it. A late
    /// `resolved` belongs to it all the same.
    ///
    /// ```
    /// # use hookgate_domain::{DraftFields, Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
    /// # use hookgate_domain::{IncidentEvent, Severity, WebhookHandle};
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
        if let Some(to) = draft.title.filter(|title| *title != self.title) {
            let from = std::mem::replace(&mut self.title, to.clone());
            self.change(IncidentEvent::Title { from, to }, &mut events);
        }
        if let Some(to) = draft.severity.filter(|severity| *severity != self.severity) {
            let from = std::mem::replace(&mut self.severity, to);
            self.change(IncidentEvent::Severity { from, to }, &mut events);
        }
        self.description = draft.description.or(self.description);
        self.service = draft.service.or(self.service);
        self.source_url = draft.source_url.or(self.source_url);
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

    /// Counts a change by a sender, and lists it if there are not too many.
    fn change(&mut self, event: IncidentEvent, events: &mut Vec<IncidentEvent>) {
        self.changes = self.changes.saturating_add(1);
        if self.changes <= MAX_LISTED_CHANGES {
            events.push(event);
        }
    }

    /// Somebody works on it.
    ///
    /// ```
    /// use hookgate_domain::{IncidentError, IncidentStatus};
    /// # use hookgate_domain::{DraftFields, Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
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

    /// It is over.
    ///
    /// ```
    /// use hookgate_domain::{IncidentError, IncidentStatus};
    /// # use hookgate_domain::{DraftFields, Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
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
    /// [`IncidentError::AlreadyResolved`]: resolved is final.
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

    /// It is not over after all. Nobody has it then, as when it was opened.
    ///
    /// ```
    /// use hookgate_domain::{IncidentError, IncidentStatus, REOPEN_WINDOW};
    /// # use std::time::Duration;
    /// # use hookgate_domain::{DraftFields, Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
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

/// Why an action on an incident is refused.
///
/// ```
/// use hookgate_domain::IncidentError;
///
/// assert_eq!(IncidentError::AlreadyResolved.to_string(), "the incident is already resolved");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IncidentError {
    /// Somebody works on it already.
    #[error("the incident is already acknowledged")]
    AlreadyAcknowledged,
    /// It is over already.
    #[error("the incident is already resolved")]
    AlreadyResolved,
    /// It can't be reopened: it is not over.
    #[error("the incident is not resolved")]
    NotResolved,
    /// It was resolved longer ago than [`REOPEN_WINDOW`].
    #[error("the incident was resolved more than 24 hours ago; new events open a new incident")]
    TooLateToReopen,
    /// Another incident has its dedup key by now, and deliveries update that one.
    #[error("{0} is open with the same dedup key; deliveries update that one")]
    DedupKeyTaken(IncidentNumber),
    /// Its timeline has no room for more notes and reopenings.
    #[error("the timeline of the incident is full")]
    TimelineFull,
}
