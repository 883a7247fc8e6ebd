//! Notes of a delivery: each one records a change that made the delivery acceptable. An alert is not lost because of an
//! optional field that is wrong.

use std::borrow::Cow;

use super::words::Severity;
use crate::keywords::keywords;

/// Longest word of a sender that a note quotes, in characters: longer than any word in use, shorter than a secret.
const MAX_WORD: usize = 32;

/// One change of a delivery.
///
/// ```
/// use hookgate_domain::IncidentDraft;
/// use hookgate_domain::draft::{DraftFields, NoteCode};
///
/// let fields = DraftFields { title: Some("é".repeat(501).into()), ..DraftFields::default() };
/// let draft = IncidentDraft::check(fields)?;
/// let note = &draft.notes()[0];
/// assert_eq!((&*note.field, note.code, note.detail.as_deref()), ("title", NoteCode::Cut, Some("500")));
/// assert_eq!(
///     note.sentence(),
///     "The title was longer than 500 characters, so it was cut. The payload has the full value."
/// );
/// # Ok::<(), Vec<hookgate_domain::draft::FieldError>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Name of the field in the payload, or of the header. `payload` stands for the whole payload.
    pub field: Cow<'static, str>,
    /// The kind of change.
    pub code: NoteCode,
    /// The limit that was exceeded, the number of folded problems, or the sender's word that is unknown or ambiguous.
    pub detail: Option<Box<str>>,
}

impl Note {
    /// Makes a note without a detail.
    #[must_use]
    pub const fn new(field: &'static str, code: NoteCode) -> Self {
        Self {
            field: Cow::Borrowed(field),
            code,
            detail: None,
        }
    }

    /// Makes a note with the limit that was exceeded.
    #[must_use]
    pub fn limit(field: &'static str, code: NoteCode, limit: usize) -> Self {
        Self {
            detail: Some(limit.to_string().into()),
            ..Self::new(field, code)
        }
    }

    /// Makes a note with a word of the sender. A word of more than 32 characters is left out: it is no keyword, and may be a
    /// secret.
    #[must_use]
    pub fn word(field: &'static str, code: NoteCode, word: &str) -> Self {
        Self {
            detail: (word.chars().count() <= MAX_WORD).then(|| word.into()),
            ..Self::new(field, code)
        }
    }

    /// The same note without the sender's word, for members who may not see payloads.
    ///
    /// ```
    /// use hookgate_domain::draft::{Note, NoteCode};
    ///
    /// let note = Note::word("severity", NoteCode::UnknownWord, "frightful");
    /// assert_eq!(
    ///     note.without_word().sentence(),
    ///     "The severity is not a known value. It was ignored."
    /// );
    /// let limit = Note::limit("title", NoteCode::Cut, 500);
    /// assert_eq!(limit.clone().without_word(), limit);
    /// ```
    #[must_use]
    pub fn without_word(self) -> Self {
        match self.code {
            NoteCode::UnknownWord | NoteCode::AmbiguousWord | NoteCode::OtherEvent => {
                Self { detail: None, ..self }
            }
            _ => self,
        }
    }

    /// The change in one or more sentences for people. They may quote a word of the sender.
    ///
    /// ```
    /// use hookgate_domain::draft::{Note, NoteCode};
    ///
    /// assert_eq!(
    ///     Note::new("source_url", NoteCode::NotALink).sentence(),
    ///     "The source_url is not an http or https URL, so it was left out."
    /// );
    /// ```
    #[must_use]
    pub fn sentence(&self) -> String {
        let field = &*self.field;
        let limit = self.detail.as_deref().unwrap_or("its limit of");
        match self.code {
            NoteCode::Cut if field == "dedup_key" => format!(
                "The {field} was longer than {limit} characters, so it was cut. It now ends with a hash of the full value."
            ),
            NoteCode::Cut => {
                format!(
                    "The {field} was longer than {limit} characters, so it was cut. The payload has the full value."
                )
            }
            NoteCode::TooLong => {
                format!("The {field} was longer than {limit} characters, so it was left out.")
            }
            NoteCode::TooMany => format!("The {field} had more than {limit} entries. The rest was left out."),
            NoteCode::NotALink => format!("The {field} is not an http or https URL, so it was left out."),
            NoteCode::WrongType => format!("The {field} has the wrong type, so it was left out."),
            NoteCode::Nested => {
                format!("The {field} had values that are arrays or objects. They were left out.")
            }
            NoteCode::ReadAsText => format!("The {field} was not a JSON string. It was read as text."),
            NoteCode::UnknownWord => {
                let word = self.quoted();
                format!("The {field}{word} is not a known value. It was ignored.")
            }
            NoteCode::AmbiguousWord => self.ambiguous(),
            NoteCode::PercentEncoded => {
                format!(
                    "The {field} had characters that are not allowed in a URL. They were percent-encoded."
                )
            }
            NoteCode::ReplacedCharacters => {
                format!("The {field} had characters that are not valid text. Each was replaced by U+FFFD.")
            }
            NoteCode::DuplicateKey if field == "payload" => {
                "An unused part of the payload has the same key twice.".to_owned()
            }
            NoteCode::DuplicateKey => {
                format!("The {field} has the same key twice. The first entry was used.")
            }
            NoteCode::JoinedHeaders => {
                format!("The request had several different {field} headers. They were joined to one key.")
            }
            NoteCode::TestMessage => {
                "The delivery is a test message of the sender. It opened no incident.".to_owned()
            }
            NoteCode::OtherEvent => {
                let word = self.quoted();
                format!("The event{word} is about no problem. It changed no incident.")
            }
            NoteCode::Incomplete => {
                let count = self.detail.as_deref().unwrap_or("some");
                format!("The sender left out {count} of the {field}. Their incidents stayed as they were.")
            }
            NoteCode::Folded => {
                let count = self.detail.as_deref().unwrap_or("some");
                format!(
                    "The {field} had {count} problems beyond the most that may be new within a minute. One incident counts them."
                )
            }
        }
    }

    fn ambiguous(&self) -> String {
        let (field, word) = (&*self.field, self.quoted());
        match self.detail.as_deref().map(str::parse::<Severity>) {
            Some(Ok(read)) => format!(
                "The {field}{word} was read as {read}. Tools differ in its meaning. Use SEV0 to SEV4 to be clear."
            ),
            _ => format!("The {field} has other meanings in other tools. Use SEV0 to SEV4 to be clear."),
        }
    }

    fn quoted(&self) -> String {
        self.detail
            .as_deref()
            .map_or_else(String::new, |word| format!(" \u{201C}{word}\u{201D}"))
    }
}

/// A kind of change. The set is closed: answers, exports and stores use [`as_str`](Self::as_str).
///
/// ```
/// use hookgate_domain::draft::NoteCode;
///
/// for code in NoteCode::ALL {
///     assert_eq!(code.as_str().parse(), Ok(*code));
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteCode {
    /// A text was longer than its limit and was cut.
    Cut,
    /// A value was longer than its limit and can't be cut, so it was left out.
    TooLong,
    /// Entries beyond the limit were left out.
    TooMany,
    /// The value is not an http or https URL and was left out.
    NotALink,
    /// The value is of a type that the field can't have and was left out.
    WrongType,
    /// Values that are arrays or objects were left out.
    Nested,
    /// A value that is not a string was taken as text.
    ReadAsText,
    /// The word is unknown and counts as absent.
    UnknownWord,
    /// The word has different meanings in different tools. It was read as [`Severity::WORDS`] says.
    AmbiguousWord,
    /// Characters that a URL can't have were percent-encoded.
    PercentEncoded,
    /// NUL or halves of surrogate pairs became U+FFFD.
    ReplacedCharacters,
    /// An object has the same key twice.
    DuplicateKey,
    /// Several different values of one header were joined.
    JoinedHeaders,
    /// The delivery is a test message of a tool and opens nothing.
    TestMessage,
    /// The event is neither the begin nor the end of a problem, and changes nothing.
    OtherEvent,
    /// The sender left entries out. The detail is their number.
    Incomplete,
    /// New problems were counted in one incident. The detail is their number.
    Folded,
}

keywords! {
    NoteCode {
        Cut = "cut",
        TooLong = "too_long",
        TooMany = "too_many",
        NotALink = "not_a_link",
        WrongType = "wrong_type",
        Nested = "nested",
        ReadAsText = "read_as_text",
        UnknownWord = "unknown_word",
        AmbiguousWord = "ambiguous_word",
        PercentEncoded = "percent_encoded",
        ReplacedCharacters = "replaced_characters",
        DuplicateKey = "duplicate_key",
        JoinedHeaders = "joined_headers",
        TestMessage = "test_message",
        OtherEvent = "other_event",
        Incomplete = "incomplete",
        Folded = "folded",
    }
    /// The text is not the code of a note.
    ///
    /// ```
    /// use hookgate_domain::draft::{NoteCode, UnknownNoteCode};
    ///
    /// assert_eq!("shortened".parse::<NoteCode>(), Err(UnknownNoteCode));
    /// ```
    UnknownNoteCode = "no code of a note"
}
