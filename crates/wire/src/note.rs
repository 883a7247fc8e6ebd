//! A note of a delivery.

use hookgate_domain::Note as DomainNote;
use serde::Serialize;
use utoipa::ToSchema;

use super::words;

/// Something that was changed about a delivery so that it could be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Note {
    /// The change.
    #[schema(value_type = words::NoteCode)]
    pub code: &'static str,
    /// The field of the payload, or the header; `payload` for the whole.
    pub field: String,
    /// The limit that was exceeded, or the sender's word that was not clear; null for other changes.
    #[schema(required)]
    pub detail: Option<String>,
    /// The change in words.
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
