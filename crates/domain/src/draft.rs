//! What a sender says about an incident, checked field by field. A sender format fills [`DraftFields`]; the rules and
//! limits stand here, once for all formats. How a payload is written is not known here.

mod faults;
mod words;

use faults::Faults;
pub use faults::{FieldError, FieldLimit, FieldRule};
pub use words::{IncidentStatus, Severity, UnknownWord};

/// Longest title, in characters.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MAX_TITLE};
///
/// let fields = |length| DraftFields { title: Some("é".repeat(length)), ..DraftFields::default() };
/// assert!(IncidentDraft::check(fields(MAX_TITLE)).is_ok());
/// assert!(IncidentDraft::check(fields(MAX_TITLE + 1)).is_err());
/// ```
pub const MAX_TITLE: usize = 500;
/// Longest description, in characters.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MAX_DESCRIPTION};
///
/// let titled = || DraftFields { title: Some("t".into()), ..DraftFields::default() };
/// let fields = |length| DraftFields { description: Some("é".repeat(length)), ..titled() };
/// assert!(IncidentDraft::check(fields(MAX_DESCRIPTION)).is_ok());
/// assert!(IncidentDraft::check(fields(MAX_DESCRIPTION + 1)).is_err());
/// ```
pub const MAX_DESCRIPTION: usize = 5_000;
/// Longest service name, in characters.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MAX_SERVICE};
///
/// let titled = || DraftFields { title: Some("t".into()), ..DraftFields::default() };
/// let fields = |length| DraftFields { service: Some("é".repeat(length)), ..titled() };
/// assert!(IncidentDraft::check(fields(MAX_SERVICE)).is_ok());
/// assert!(IncidentDraft::check(fields(MAX_SERVICE + 1)).is_err());
/// ```
pub const MAX_SERVICE: usize = 100;
/// Longest dedup key, in characters.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MAX_DEDUP_KEY};
///
/// let titled = || DraftFields { title: Some("t".into()), ..DraftFields::default() };
/// let fields = |length| DraftFields { dedup_key: Some("é".repeat(length)), ..titled() };
/// assert!(IncidentDraft::check(fields(MAX_DEDUP_KEY)).is_ok());
/// assert!(IncidentDraft::check(fields(MAX_DEDUP_KEY + 1)).is_err());
/// ```
pub const MAX_DEDUP_KEY: usize = 255;
/// Longest source URL, in characters: what browsers and proxies take.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MAX_SOURCE_URL};
///
/// let url = |length: usize| "https://".to_owned() + &"h".repeat(length - "https://".len());
/// let fields =
///     |length| DraftFields { title: Some("t".into()), source_url: Some(url(length)), ..DraftFields::default() };
/// assert!(IncidentDraft::check(fields(MAX_SOURCE_URL)).is_ok());
/// assert!(IncidentDraft::check(fields(MAX_SOURCE_URL + 1)).is_err());
/// ```
pub const MAX_SOURCE_URL: usize = 2_048;
/// Most metadata entries.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MAX_METADATA_KEYS, MetadataValue};
///
/// let metadata = |count| (0..count).map(|key: usize| (key.to_string(), MetadataValue::Null)).collect();
/// let fields =
///     |count| DraftFields { title: Some("t".into()), metadata: metadata(count), ..DraftFields::default() };
/// assert!(IncidentDraft::check(fields(MAX_METADATA_KEYS)).is_ok());
/// assert!(IncidentDraft::check(fields(MAX_METADATA_KEYS + 1)).is_err());
/// ```
pub const MAX_METADATA_KEYS: usize = 10;

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
    /// `SEV0` to `SEV4`, or critical, high, medium, low, info.
    pub severity: Option<String>,
    /// `open` (`new`), `acknowledged` (`investigating`) or `resolved`.
    pub status: Option<String>,
    /// What is affected.
    pub service: Option<String>,
    /// Where to look: an http or https URL.
    pub source_url: Option<String>,
    /// What makes two deliveries the same trouble.
    pub dedup_key: Option<String>,
    /// A few named values.
    pub metadata: Vec<(String, MetadataValue)>,
}

/// A value in an incident's metadata: what JSON (RFC 8259) knows, without arrays and objects.
///
/// ```
/// use hookgate_domain::{DraftFields, IncidentDraft, MetadataValue};
///
/// let metadata = vec![("rack".into(), MetadataValue::Integer(12)), ("hall".into(), MetadataValue::Text("B".into()))];
/// let fields = DraftFields { title: Some("Disk full".into()), metadata, ..DraftFields::default() };
/// assert!(IncidentDraft::check(fields).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataValue {
    /// JSON `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
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
}

impl IncidentDraft {
    /// Checks every field against its rule. Texts lose the space around them, and a NUL in them becomes U+FFFD
    /// because not every database can hold one; lengths are counted in characters (Unicode scalar values) after that.
    ///
    /// ```
    /// use hookgate_domain::{DraftFields, IncidentDraft};
    ///
    /// let errors = IncidentDraft::check(DraftFields { severity: Some("SEV5".into()), ..DraftFields::default() });
    /// let fields: Vec<_> = errors.unwrap_err().iter().map(|error| error.field).collect();
    /// assert_eq!(fields, ["title", "severity"]);
    /// ```
    ///
    /// # Errors
    /// All fields at fault, in the order of the documentation; never empty.
    pub fn check(fields: DraftFields) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::default();
        // What is over has a title already. Without one, nothing could be opened.
        let resolves = fields
            .status
            .as_deref()
            .is_some_and(|word| word.trim().parse() == Ok(IncidentStatus::Resolved));
        let draft = Self {
            title: if resolves {
                faults.text("title", fields.title, MAX_TITLE)
            } else {
                Some(faults.required_text("title", fields.title, MAX_TITLE))
            },
            description: faults.text("description", fields.description, MAX_DESCRIPTION),
            severity: faults.word("severity", fields.severity, "SEV0, SEV1, SEV2, SEV3, SEV4"),
            status: faults
                .word("status", fields.status, "open, acknowledged, resolved")
                .unwrap_or_default(),
            service: faults.text("service", fields.service, MAX_SERVICE),
            source_url: faults.url("source_url", fields.source_url),
            dedup_key: faults.text("dedup_key", fields.dedup_key, MAX_DEDUP_KEY),
            metadata: faults.metadata("metadata", fields.metadata),
        };
        if faults.0.is_empty() {
            Ok(draft)
        } else {
            Err(faults.0)
        }
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
