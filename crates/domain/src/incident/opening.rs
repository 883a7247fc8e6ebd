//! The rules for the incident that a draft opens.

use crate::draft::Metadata;
use crate::{IncidentDraft, IncidentStatus, Severity, Timestamp};

/// An incident that a draft opens, with the texts of the draft. [`Incident::open`](crate::Incident::open) makes it an
/// incident of its own; a store that only writes it needs no copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opening<'a> {
    /// Summary of the problem.
    pub title: &'a str,
    /// Description.
    pub description: Option<&'a str>,
    /// Its severity: the default if the draft has none.
    pub severity: Severity,
    /// Its status: open or acknowledged.
    pub status: IncidentStatus,
    /// The affected service.
    pub service: Option<&'a str>,
    /// Link to more information.
    pub source_url: Option<&'a str>,
    /// Dedup key.
    pub dedup_key: Option<&'a str>,
    /// Metadata.
    pub metadata: &'a Metadata,
}

impl Opening<'_> {
    /// Time of the acknowledgement if it opens at this time: a draft may report a problem that is acknowledged already.
    #[must_use]
    pub fn acknowledged_at(&self, now: Timestamp) -> Option<Timestamp> {
        (self.status == IncidentStatus::Acknowledged).then_some(now)
    }
}

impl IncidentDraft {
    /// The incident that this draft opens; `None` for a draft that says `resolved`, which has nothing to open.
    ///
    /// ```
    /// use hookgate_domain::{IncidentDraft, Severity};
    /// use hookgate_domain::draft::DraftFields;
    ///
    /// let draft = IncidentDraft::check(DraftFields { title: Some("Disk full".into()), ..DraftFields::default() })?;
    /// assert_eq!(draft.opening().map(|opening| opening.severity), Some(Severity::default()));
    ///
    /// let fields = DraftFields { status: Some("resolved".into()), ..DraftFields::default() };
    /// assert_eq!(IncidentDraft::check(fields)?.opening(), None);
    /// # Ok::<(), Vec<hookgate_domain::draft::FieldError>>(())
    /// ```
    #[must_use]
    pub fn opening(&self) -> Option<Opening<'_>> {
        let title = self.title().filter(|_| !self.resolves())?;
        Some(Opening {
            title,
            description: self.description(),
            severity: self.severity.unwrap_or_default(),
            status: self.status,
            service: self.service(),
            source_url: self.source_url(),
            dedup_key: self.dedup_key(),
            metadata: &self.metadata,
        })
    }
}
