//! A note of a delivery.

use hookgate_domain::draft::Note as DomainNote;
use serde::Serialize;
use utoipa::ToSchema;

use super::words;

/// A change to a delivery that was needed to accept it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Note {
    /// Code of the change.
    #[schema(value_type = words::NoteCode)]
    pub code: &'static str,
    /// The changed field of the payload, or the header; `payload` for the whole payload.
    pub field: String,
    /// The exceeded limit, or the sender's unknown word; null for other changes.
    #[schema(required)]
    pub detail: Option<String>,
    /// The change as a sentence.
    pub sentence: String,
}

impl From<&DomainNote> for Note {
    fn from(note: &DomainNote) -> Self {
        Self {
            code: note.code.as_str(),
            field: note.field.to_string(),
            detail: note.detail.as_deref().map(str::to_owned),
            sentence: note.sentence(),
        }
    }
}
