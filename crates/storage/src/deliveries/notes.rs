//! The notes of a delivery as a JSON list: `[{"field":"title","code":"cut","detail":"500"}]`.

use std::borrow::Cow;

use diesel::result::{Error, QueryResult};
use hookgate_domain::draft::Note;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    field: Cow<'a, str>,
    #[serde(borrow)]
    code: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'a, str>>,
}

/// The text for the column; `None` if there are no notes, as for most deliveries.
pub(crate) fn notes_text(notes: &[Note]) -> QueryResult<Option<String>> {
    if notes.is_empty() {
        return Ok(None);
    }
    let written = notes.iter().map(|note| Written {
        field: Cow::Borrowed(&note.field),
        code: Cow::Borrowed(note.code.as_str()),
        detail: note.detail.as_deref().map(Cow::Borrowed),
    });
    serde_json::to_string(&written.collect::<Vec<_>>())
        .map(Some)
        .map_err(|error| Error::SerializationError(error.into()))
}

/// The notes from the text of the column; `None` if they can't be read.
pub(crate) fn read_notes(text: Option<&str>) -> Option<Vec<Note>> {
    let Some(text) = text else {
        return Some(Vec::new());
    };
    let written: Vec<Written<'_>> = serde_json::from_str(text).ok()?;
    let read = |note: Written<'_>| {
        Some(Note {
            field: Cow::Owned(note.field.into_owned()),
            code: note.code.parse().ok()?,
            detail: note.detail.map(Into::into),
        })
    };
    written.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use hookgate_domain::draft::NoteCode;

    use super::*;

    #[test]
    fn notes_come_back_as_they_were() {
        let mut notes: Vec<Note> = NoteCode::ALL
            .iter()
            .map(|code| Note::new("title", *code))
            .collect();
        notes.push(Note::word("severity", NoteCode::UnknownWord, "\"\\ é"));
        notes.push(Note::limit("title", NoteCode::Cut, 500));
        let text = notes_text(&notes).unwrap();
        assert_eq!(read_notes(text.as_deref()), Some(notes));
        assert_eq!(notes_text(&[]).unwrap(), None);
        assert_eq!(read_notes(None), Some(Vec::new()));
        for damaged in ["", "{}", r#"[{"field":"title","code":"unheard_of"}]"#] {
            assert_eq!(read_notes(Some(damaged)), None);
        }
    }
}
