//! Incident drafts: the fields of a payload, checked one by one. A sender format parses the payload into [`DraftFields`]; the
//! rules and limits here apply to all formats. A value that breaks a rule is repaired or left out, with a note. Only a
//! missing title is an error, and only if the draft opens an incident.

mod change;
mod cut;
mod faults;
mod link;
mod metadata;
mod notes;
mod repair;
mod texts;
mod words;

use std::borrow::Cow;

pub use change::{ChangeAction, IncidentChange};
pub use faults::{FieldError, FieldRule};
pub use metadata::{Metadata, MetadataEntries, MetadataValue, NotANumber, NotMetadata, NumberText};
pub use notes::{Note, NoteCode, UnknownNoteCode};
use repair::Repairs;
use texts::{TextField, Texts};
pub use words::{IncidentStatus, Severity, UnknownWord};

/// Longest title, in characters. A longer one is cut.
pub const MAX_TITLE: usize = 500;
/// Longest description, in characters. A longer one is cut.
pub const MAX_DESCRIPTION: usize = 5_000;
/// Longest service name, in characters. A longer one is cut.
pub const MAX_SERVICE: usize = 100;
/// Longest dedup key, in characters. A longer one is cut and ends with a hash of the whole key, so that different keys stay
/// different.
pub const MAX_DEDUP_KEY: usize = 255;
/// Longest source URL, in characters, as browsers and proxies accept it. A longer one is left out: cut, it would lead
/// elsewhere.
pub const MAX_SOURCE_URL: usize = 2_048;
/// Most metadata entries. Further entries are left out.
pub const MAX_METADATA_KEYS: usize = 10;
/// Longest value of a metadata entry, in characters. A longer one is cut. The limit is that of a description; it bounds the
/// size of incidents, because unresolved ones stay in the store even if it is full.
pub const MAX_METADATA_VALUE: usize = 5_000;

/// The unchecked fields of a payload, as a sender format parsed them. Absent, `null` and empty mean the same.
///
/// ```
/// use hookgate_domain::IncidentDraft;
/// use hookgate_domain::draft::DraftFields;
///
/// let fields = DraftFields {
///     title: Some(" Disk full ".into()),
///     severity: Some("high".into()),
///     service: Some("".into()),
///     ..DraftFields::default()
/// };
/// assert_eq!(IncidentDraft::check(fields)?.title(), Some("Disk full"));
/// # Ok::<(), Vec<hookgate_domain::draft::FieldError>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DraftFields<'a> {
    /// The problem in one line. Required, unless the status is `resolved`.
    pub title: Option<Cow<'a, str>>,
    /// Details of the problem.
    pub description: Option<Cow<'a, str>>,
    /// One of [`Severity::WORDS`].
    pub severity: Option<Cow<'a, str>>,
    /// One of [`IncidentStatus::WORDS`].
    pub status: Option<Cow<'a, str>>,
    /// The affected service.
    pub service: Option<Cow<'a, str>>,
    /// Link to the problem at the sender: an http or https URL.
    pub source_url: Option<Cow<'a, str>>,
    /// Key of the problem: deliveries with the same key belong to the same unresolved incident.
    pub dedup_key: Option<Cow<'a, str>>,
    /// Further values with names.
    pub metadata: Vec<(Cow<'a, str>, MetadataValue<'a>)>,
    /// Notes of the sender format about its own changes.
    pub notes: Vec<Note>,
}

/// A checked draft: every field is within its limits.
///
/// ```
/// use hookgate_domain::IncidentDraft;
/// use hookgate_domain::draft::{DraftFields, FieldRule};
///
/// let fields = DraftFields { title: Some("Disk full on db1".into()), ..DraftFields::default() };
/// assert_eq!(IncidentDraft::check(fields)?.title(), Some("Disk full on db1"));
///
/// let errors = IncidentDraft::check(DraftFields::default()).unwrap_err();
/// assert_eq!((errors[0].field, errors[0].rule), ("title", FieldRule::Required));
/// # Ok::<(), Vec<hookgate_domain::draft::FieldError>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentDraft {
    texts: Texts,
    pub(crate) severity: Option<Severity>,
    pub(crate) status: IncidentStatus,
    pub(crate) metadata: Metadata,
    notes: Vec<Note>,
}

impl IncidentDraft {
    /// Checks every field against its rule. A value that breaks a rule is repaired or left out, with a note.
    ///
    /// Texts are trimmed, and NUL becomes U+FFFD, because PostgreSQL can't store it in a text. Lengths are counted in
    /// characters (Unicode scalar values) after that.
    ///
    /// ```
    /// use hookgate_domain::IncidentDraft;
    /// use hookgate_domain::draft::{DraftFields, Note, NoteCode};
    ///
    /// let fields = DraftFields {
    ///     title: Some("Disk full".into()),
    ///     severity: Some("catastrophic".into()),
    ///     ..DraftFields::default()
    /// };
    /// let draft = IncidentDraft::check(fields)?;
    /// assert_eq!(draft.notes(), [Note::word("severity", NoteCode::UnknownWord, "catastrophic")]);
    /// # Ok::<(), Vec<hookgate_domain::draft::FieldError>>(())
    /// ```
    ///
    /// # Errors
    /// The title is missing, and the draft is not `resolved`. The list is never empty.
    pub fn check(fields: DraftFields<'_>) -> Result<Self, Vec<FieldError>> {
        let draft = Self::repair(fields);
        // A resolved draft opens no incident, so it needs no title.
        if draft.title().is_none() && !draft.resolves() {
            return Err(vec![FieldError::required("title")]);
        }
        Ok(draft)
    }

    /// Checks every field. The title may be missing.
    fn repair(fields: DraftFields<'_>) -> Self {
        let mut repairs = Repairs(fields.notes);
        let title = repairs.text("title", fields.title, MAX_TITLE);
        let description = repairs.text("description", fields.description, MAX_DESCRIPTION);
        let severity = repairs.severity("severity", fields.severity);
        let status = repairs.status("status", fields.status).unwrap_or_default();
        let service = repairs.text("service", fields.service, MAX_SERVICE);
        let source_url = repairs.link("source_url", fields.source_url);
        let dedup_key = repairs.key("dedup_key", fields.dedup_key);
        let metadata = repairs.metadata("metadata", fields.metadata);
        Self {
            texts: Texts::join([title, description, service, source_url, dedup_key]),
            severity,
            status,
            metadata,
            notes: repairs.0,
        }
    }

    /// A draft of Hookgate itself, with a dedup key that no sender can have.
    pub(crate) fn with_key(fields: DraftFields<'_>, dedup_key: &'static str) -> Self {
        let draft = Self::repair(fields);
        let texts = [
            draft.title(),
            draft.description(),
            draft.service(),
            draft.source_url(),
            Some(dedup_key),
        ];
        Self {
            texts: Texts::join(texts.map(|text| text.map(Cow::Borrowed))),
            ..draft
        }
    }

    /// Notes about changes of the delivery. Most deliveries have none.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Bytes of its texts and metadata.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.texts.bytes() + self.metadata.json().map_or(0, str::len)
    }

    /// Takes the notes out of the draft, for the record of the delivery.
    ///
    /// ```
    /// use hookgate_domain::IncidentDraft;
    /// use hookgate_domain::draft::DraftFields;
    ///
    /// let fields = DraftFields { title: Some("é".repeat(501).into()), ..DraftFields::default() };
    /// let mut draft = IncidentDraft::check(fields)?;
    /// assert_eq!(draft.take_notes().len(), 1);
    /// assert!(draft.notes().is_empty());
    /// # Ok::<(), Vec<hookgate_domain::draft::FieldError>>(())
    /// ```
    #[must_use]
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// The title, 1 to 500 characters. Only a draft with the status `resolved` may have none.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.texts.get(TextField::Title)
    }

    pub(crate) fn description(&self) -> Option<&str> {
        self.texts.get(TextField::Description)
    }

    pub(crate) fn service(&self) -> Option<&str> {
        self.texts.get(TextField::Service)
    }

    pub(crate) fn source_url(&self) -> Option<&str> {
        self.texts.get(TextField::SourceUrl)
    }

    /// Returns `true` if the status is `resolved`. Such a draft opens no incident.
    ///
    /// ```
    /// use hookgate_domain::IncidentDraft;
    /// use hookgate_domain::draft::DraftFields;
    ///
    /// let fields = DraftFields { status: Some("resolved".into()), ..DraftFields::default() };
    /// assert!(IncidentDraft::check(fields)?.resolves());
    /// # Ok::<(), Vec<hookgate_domain::draft::FieldError>>(())
    /// ```
    #[must_use]
    pub fn resolves(&self) -> bool {
        self.status == IncidentStatus::Resolved
    }

    /// The dedup key. Deliveries of a webhook with the same key belong to the same unresolved incident.
    ///
    /// ```
    /// use hookgate_domain::IncidentDraft;
    /// use hookgate_domain::draft::DraftFields;
    ///
    /// let fields = DraftFields {
    ///     title: Some("Disk full".into()),
    ///     dedup_key: Some("db1/disk".into()),
    ///     ..DraftFields::default()
    /// };
    /// assert_eq!(IncidentDraft::check(fields)?.dedup_key(), Some("db1/disk"));
    /// # Ok::<(), Vec<hookgate_domain::draft::FieldError>>(())
    /// ```
    #[must_use]
    pub fn dedup_key(&self) -> Option<&str> {
        self.texts.get(TextField::DedupKey)
    }
}
