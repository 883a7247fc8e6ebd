//! What a sender says about an incident, checked field by field. A sender format fills [`DraftFields`]; the rules and
//! limits stand here, once for all formats. What does not fit is repaired or left out, and noted; only an incident without
//! a title is refused. How a payload is written is not known here.

mod cut;
mod faults;
mod link;
mod metadata;
mod notes;
mod repair;
mod words;

pub use faults::{FieldError, FieldRule};
pub use metadata::{MetadataValue, NotANumber, NumberText};
pub use notes::{Note, NoteCode, UnknownNoteCode};
use repair::Repairs;
pub use words::{IncidentStatus, Severity, UnknownWord};

/// Longest title, in characters. A longer one is cut.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MAX_TITLE};
///
/// let title = |length| DraftFields { title: Some("é".repeat(length)), ..DraftFields::default() };
/// let draft = IncidentDraft::check(title(MAX_TITLE + 1))?;
/// assert_eq!(draft.title(), Some(&*("é".repeat(MAX_TITLE - 1) + "…")));
/// assert!(IncidentDraft::check(title(MAX_TITLE))?.notes().is_empty());
/// # Ok::<(), Vec<hookgate_domain::FieldError>>(())
/// ```
pub const MAX_TITLE: usize = 500;
/// Longest description, in characters. A longer one is cut.
pub const MAX_DESCRIPTION: usize = 5_000;
/// Longest service name, in characters. A longer one is cut.
pub const MAX_SERVICE: usize = 100;
/// Longest dedup key, in characters. A longer one is cut, and ends in a hash of all of it, so that two keys stay two.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MAX_DEDUP_KEY};
///
/// let key = |end: &str| {
///     let dedup_key = Some("k".repeat(MAX_DEDUP_KEY) + end);
///     let draft = IncidentDraft::check(DraftFields { title: Some("t".into()), dedup_key, ..DraftFields::default() });
///     draft.map(|draft| draft.dedup_key().map(str::to_owned))
/// };
/// assert_eq!(key("1")?, key("1")?);
/// assert_ne!(key("1")?, key("2")?);
/// # Ok::<(), Vec<hookgate_domain::FieldError>>(())
/// ```
pub const MAX_DEDUP_KEY: usize = 255;
/// Longest source URL, in characters: what browsers and proxies take. A longer one is left out: cut, it would lead elsewhere.
pub const MAX_SOURCE_URL: usize = 2_048;
/// Most metadata entries. Those behind them are left out.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MAX_METADATA_KEYS, MetadataValue, Note, NoteCode};
///
/// let metadata = (0..=MAX_METADATA_KEYS).map(|key| (key.to_string(), MetadataValue::Null)).collect();
/// let draft = IncidentDraft::check(DraftFields { title: Some("t".into()), metadata, ..DraftFields::default() })?;
/// assert_eq!(draft.notes(), [Note::limit("metadata", NoteCode::TooMany, MAX_METADATA_KEYS)]);
/// # Ok::<(), Vec<hookgate_domain::FieldError>>(())
/// ```
pub const MAX_METADATA_KEYS: usize = 10;
/// Longest value of a metadata entry, in characters, as long as a description. A longer one is cut: an incident that is not
/// resolved stays in the store however full that is.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MAX_METADATA_VALUE, MetadataValue, Note, NoteCode};
///
/// let metadata = vec![("log".into(), MetadataValue::Text("é".repeat(MAX_METADATA_VALUE + 1)))];
/// let draft = IncidentDraft::check(DraftFields { title: Some("t".into()), metadata, ..DraftFields::default() })?;
/// assert_eq!(draft.notes(), [Note::limit("metadata", NoteCode::Cut, MAX_METADATA_VALUE)]);
/// # Ok::<(), Vec<hookgate_domain::FieldError>>(())
/// ```
pub const MAX_METADATA_VALUE: usize = 5_000;

/// The fields of a payload as a sender format found them, not yet checked. Absent, `null` and empty are the same.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft};
///
/// let fields = DraftFields {
///     title: Some(" Disk full ".into()),
///     severity: Some("high".into()),
///     service: Some(String::new()),
///     ..DraftFields::default()
/// };
/// assert_eq!(IncidentDraft::check(fields)?.title(), Some("Disk full"));
/// # Ok::<(), Vec<hookgate_domain::FieldError>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DraftFields {
    /// One line that says what is wrong. Required, unless the status is `resolved`.
    pub title: Option<String>,
    /// The rest of the story.
    pub description: Option<String>,
    /// One of [`Severity::WORDS`].
    pub severity: Option<String>,
    /// One of [`IncidentStatus::WORDS`].
    pub status: Option<String>,
    /// What is affected.
    pub service: Option<String>,
    /// Where to look: an http or https URL.
    pub source_url: Option<String>,
    /// What makes two deliveries the same trouble.
    pub dedup_key: Option<String>,
    /// A few named values.
    pub metadata: Vec<(String, MetadataValue)>,
    /// What the sender format changed already.
    pub notes: Vec<Note>,
}

/// What a delivery says about an incident, every field within its limits.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, FieldRule};
///
/// let fields = DraftFields { title: Some("Disk full on db1".into()), ..DraftFields::default() };
/// assert_eq!(IncidentDraft::check(fields)?.title(), Some("Disk full on db1"));
///
/// let errors = IncidentDraft::check(DraftFields::default()).unwrap_err();
/// assert_eq!((errors[0].field, errors[0].rule), ("title", FieldRule::Required));
/// # Ok::<(), Vec<hookgate_domain::FieldError>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentDraft {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) severity: Option<Severity>,
    pub(crate) status: IncidentStatus,
    pub(crate) service: Option<String>,
    pub(crate) source_url: Option<String>,
    pub(crate) dedup_key: Option<String>,
    pub(crate) metadata: Vec<(String, MetadataValue)>,
    notes: Vec<Note>,
}

impl IncidentDraft {
    /// Checks every field against its rule, repairs or leaves out what breaks it, and notes that.
    ///
    /// Texts lose the space around them, and a NUL in them becomes U+FFFD because not every database can hold one;
    /// lengths are counted in characters (Unicode scalar values) after that.
    ///
    /// ```
    /// use hookgate_domain::{DraftFields, IncidentDraft, Note, NoteCode};
    ///
    /// let fields = DraftFields {
    ///     title: Some("Disk full".into()),
    ///     severity: Some("catastrophic".into()),
    ///     ..DraftFields::default()
    /// };
    /// let draft = IncidentDraft::check(fields)?;
    /// assert_eq!(draft.notes(), [Note::word("severity", NoteCode::UnknownWord, "catastrophic")]);
    /// # Ok::<(), Vec<hookgate_domain::FieldError>>(())
    /// ```
    ///
    /// # Errors
    /// There is no title; never empty.
    pub fn check(fields: DraftFields) -> Result<Self, Vec<FieldError>> {
        let mut repairs = Repairs(fields.notes);
        let mut draft = Self {
            title: repairs.text("title", fields.title, MAX_TITLE),
            description: repairs.text("description", fields.description, MAX_DESCRIPTION),
            severity: repairs.severity("severity", fields.severity),
            status: repairs.status("status", fields.status).unwrap_or_default(),
            service: repairs.text("service", fields.service, MAX_SERVICE),
            source_url: repairs.link("source_url", fields.source_url),
            dedup_key: repairs.key("dedup_key", fields.dedup_key),
            metadata: repairs.metadata("metadata", fields.metadata),
            notes: Vec::new(),
        };
        draft.notes = repairs.0;
        // What is over has a title already. Without one, nothing could be opened.
        if draft.title.is_none() && !draft.resolves() {
            return Err(vec![FieldError::required("title")]);
        }
        Ok(draft)
    }

    /// What was changed about the delivery; mostly nothing.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Notes a change outside the fields, such as in a header.
    ///
    /// ```
    /// use hookgate_domain::{DraftFields, IncidentDraft, Note, NoteCode};
    ///
    /// let mut draft = IncidentDraft::check(DraftFields { title: Some("t".into()), ..DraftFields::default() })?;
    /// draft.add_note(Note::new("Idempotency-Key", NoteCode::JoinedHeaders));
    /// assert_eq!(draft.notes().len(), 1);
    /// # Ok::<(), Vec<hookgate_domain::FieldError>>(())
    /// ```
    pub fn add_note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// The title, 1 to 500 characters; only a draft that says `resolved` may have none.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Whether it says that the trouble is over. It opens nothing then.
    ///
    /// ```
    /// use hookgate_domain::{DraftFields, IncidentDraft};
    ///
    /// let fields = DraftFields { status: Some("resolved".into()), ..DraftFields::default() };
    /// assert!(IncidentDraft::check(fields)?.resolves());
    /// # Ok::<(), Vec<hookgate_domain::FieldError>>(())
    /// ```
    #[must_use]
    pub fn resolves(&self) -> bool {
        self.status == IncidentStatus::Resolved
    }

    /// What makes two deliveries the same trouble, if the sender says so.
    ///
    /// ```
    /// use hookgate_domain::{DraftFields, IncidentDraft};
    ///
    /// let fields = DraftFields {
    ///     title: Some("Disk full".into()),
    ///     dedup_key: Some("db1/disk".into()),
    ///     ..DraftFields::default()
    /// };
    /// assert_eq!(IncidentDraft::check(fields)?.dedup_key(), Some("db1/disk"));
    /// # Ok::<(), Vec<hookgate_domain::FieldError>>(())
    /// ```
    #[must_use]
    pub fn dedup_key(&self) -> Option<&str> {
        self.dedup_key.as_deref()
    }
}
