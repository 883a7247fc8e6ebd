//! An incident: what an accepted delivery opens or updates. Its rules are here; where it is kept is the store's
//! business.

use thiserror::Error;

use crate::{
    IncidentDraft, IncidentNumber, IncidentStatus, MetadataValue, OrganizationId, Severity, Timestamp,
    WebhookHandle,
};

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
/// let incident = Incident::open(number, organization, webhook, firing.clone(), now).acknowledge(now)?;
///
/// // Firing again counts, and takes nobody's acknowledgement away.
/// let incident = incident.absorb(firing, now);
/// assert_eq!((incident.occurrences, incident.status), (2, IncidentStatus::Acknowledged));
///
/// let incident = incident.absorb(draft("resolved").map_err(|_| "draft")?, now);
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
}

impl Incident {
    /// The incident that a draft opens. A draft that says `resolved` makes one that is resolved from the start, so
    /// that an all-clear without an alarm is on the record too.
    #[must_use]
    pub fn open(
        number: IncidentNumber,
        organization: OrganizationId,
        webhook: WebhookHandle,
        draft: IncidentDraft,
        now: Timestamp,
    ) -> Self {
        Self {
            number,
            organization,
            webhook,
            title: draft.title,
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
        }
    }

    /// The incident after another delivery told of it: the newest words count, what the delivery leaves out stays,
    /// and the status moves forward only. The dedup key is the incident's own and stays.
    ///
    /// Resolved is final: a delivery that comes later opens a new incident, so don't look for a resolved one to absorb
    /// it. One that comes while the incident is being resolved may be absorbed; it does not reopen it.
    ///
    /// ```
    /// # use hookgate_domain::{DraftFields, Incident, IncidentDraft, IncidentNumber, OrganizationId, Timestamp};
    /// # use hookgate_domain::WebhookHandle;
    /// # let (now, number) = (Timestamp::from_micros(0), IncidentNumber::new(1).ok_or("zero")?);
    /// # let webhook = WebhookHandle::new(now, [1; 10]);
    /// # let fields = DraftFields { title: Some("Disk full".into()), ..DraftFields::default() };
    /// # let draft = IncidentDraft::check(fields).map_err(|_| "draft")?;
    /// let incident = Incident::open(number, OrganizationId::FIRST, webhook, draft.clone(), now);
    /// assert_eq!(incident.absorb(draft, now).occurrences, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn absorb(self, draft: IncidentDraft, now: Timestamp) -> Self {
        Self {
            title: draft.title,
            description: draft.description.or(self.description),
            severity: draft.severity.unwrap_or(self.severity),
            status: further(self.status, draft.status),
            service: draft.service.or(self.service),
            source_url: draft.source_url.or(self.source_url),
            metadata: if draft.metadata.is_empty() {
                self.metadata
            } else {
                draft.metadata
            },
            occurrences: self.occurrences.saturating_add(1),
            updated_at: now,
            ..self
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
    /// let incident = Incident::open(number, OrganizationId::FIRST, webhook, draft, now).acknowledge(now)?;
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
    /// let incident = Incident::open(number, OrganizationId::FIRST, webhook, draft, now).resolve(now)?;
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
                ..self
            }),
            IncidentStatus::Resolved => Err(IncidentError::AlreadyResolved),
        }
    }
}

/// The status that is further along: a sender that fires again does not undo what people did.
const fn further(current: IncidentStatus, told: IncidentStatus) -> IncidentStatus {
    match (current, told) {
        (IncidentStatus::Resolved, _) | (_, IncidentStatus::Resolved) => IncidentStatus::Resolved,
        (IncidentStatus::Acknowledged, _) | (_, IncidentStatus::Acknowledged) => IncidentStatus::Acknowledged,
        (IncidentStatus::Open, IncidentStatus::Open) => IncidentStatus::Open,
    }
}

/// Why an action on an incident is refused.
///
/// ```
/// use hookgate_domain::IncidentError;
///
/// assert_eq!(IncidentError::AlreadyResolved.to_string(), "the incident is resolved already");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IncidentError {
    /// Somebody works on it already.
    #[error("the incident is acknowledged already")]
    AlreadyAcknowledged,
    /// Resolved is final; new trouble opens a new incident.
    #[error("the incident is resolved already")]
    AlreadyResolved,
}
