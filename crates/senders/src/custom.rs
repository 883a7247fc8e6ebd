//! The format `custom`, Hookgate's own: a flat JSON object with a title. Unknown fields are ignored. A value of the wrong
//! type is read as text or left out, with a note. Only for the title and the dedup key an array or an object is an error.

use hookgate_domain::IncidentDraft;
use hookgate_domain::draft::{DraftFields, FieldError, MetadataValue, Note, NoteCode};

use crate::json::{Json, Reading, Role};

/// The role of a member of the payload, by its name.
pub(crate) fn role(name: &str) -> Role {
    match name {
        "title" | "description" | "severity" | "status" | "service" | "service_id" | "source_url"
        | "dedup_key" => Role::Field,
        "metadata" => Role::Map,
        _ => Role::Ignored,
    }
}

/// Makes the draft. The error lists every field that breaks a rule.
pub(crate) fn draft(payload: Reading<'_>) -> Result<IncidentDraft, Vec<FieldError>> {
    let mut reader = Fields::default();
    if payload.has_lone_surrogate {
        reader.note("payload", NoteCode::ReplacedCharacters);
    }
    if payload.has_duplicate_key {
        reader.note("payload", NoteCode::DuplicateKey);
    }
    let Json::Object(entries) = payload.json else {
        return Err(vec![FieldError::wrong_type("payload", "object")]);
    };
    let mut fields = DraftFields::default();
    let mut service_id = None;
    for (key, value) in entries {
        match &*key {
            "title" => fields.title = reader.key("title", value),
            "description" => fields.description = reader.prose("description", value),
            "severity" => fields.severity = reader.text("severity", value),
            "status" => fields.status = reader.text("status", value),
            "service" => fields.service = reader.text("service", value),
            "service_id" => service_id = reader.text("service_id", value),
            "source_url" => fields.source_url = reader.text("source_url", value),
            "dedup_key" => fields.dedup_key = reader.key("dedup_key", value),
            "metadata" => fields.metadata = reader.metadata("metadata", value),
            _ => {}
        }
    }
    fields.service = fields.service.or(service_id);
    let Fields { notes, mut faults } = reader;
    fields.notes = notes;
    match IncidentDraft::check(fields) {
        Ok(draft) if faults.is_empty() => Ok(draft),
        Ok(_) => Err(faults),
        Err(checked) => {
            let known: Vec<&str> = faults.iter().map(|fault| fault.field).collect();
            let more: Vec<_> = checked
                .into_iter()
                .filter(|fault| !known.contains(&fault.field))
                .collect();
            faults.extend(more);
            Err(faults)
        }
    }
}

/// Reads fields, and collects the notes and errors.
#[derive(Default)]
struct Fields {
    notes: Vec<Note>,
    faults: Vec<FieldError>,
}

impl Fields {
    fn note(&mut self, field: &'static str, code: NoteCode) {
        self.notes.push(Note::new(field, code));
    }

    /// Reads an optional text. Numbers and booleans become texts; arrays and objects are left out, with a note.
    fn text(&mut self, field: &'static str, value: Json<'_>) -> Option<String> {
        let text = self.scalar(field, value);
        text.unwrap_or_else(|_| {
            self.note(field, NoteCode::WrongType);
            None
        })
    }

    /// Reads the title or the dedup key. These identify the incident, so an array or object is an error.
    fn key(&mut self, field: &'static str, value: Json<'_>) -> Option<String> {
        let text = self.scalar(field, value);
        text.unwrap_or_else(|_| {
            self.faults.push(FieldError::wrong_type(field, "string"));
            None
        })
    }

    /// Reads a text for people. An array becomes one line for each item, an object becomes compact JSON.
    fn prose(&mut self, field: &'static str, value: Json<'_>) -> Option<String> {
        match self.scalar(field, value) {
            Ok(text) => text,
            Err(composite) => {
                self.note(field, NoteCode::ReadAsText);
                Some(lines(&composite))
            }
        }
    }

    /// The text of a scalar; `None` for `null`. Arrays and objects are returned as the error.
    fn scalar<'a>(&mut self, field: &'static str, value: Json<'a>) -> Result<Option<String>, Json<'a>> {
        let text = match value {
            Json::Text(text) => return Ok(Some(text.into_owned())),
            Json::Null => return Ok(None),
            Json::Number(number) => number.to_owned(),
            Json::Bool(value) => value.to_string(),
            Json::Array(_) | Json::Object(_) => return Err(value),
        };
        self.note(field, NoteCode::ReadAsText);
        Ok(Some(text))
    }

    /// Reads the metadata. Entries whose values are arrays or objects are left out, with a note.
    fn metadata(&mut self, field: &'static str, value: Json<'_>) -> Vec<(String, MetadataValue)> {
        let entries = match value {
            Json::Object(entries) => entries,
            Json::Null => return Vec::new(),
            _ => {
                self.note(field, NoteCode::WrongType);
                return Vec::new();
            }
        };
        let count = entries.len();
        let flat: Vec<_> = entries
            .into_iter()
            .filter_map(|(key, value)| Some((key.into_owned(), plain(value)?)))
            .collect();
        if flat.len() < count {
            self.note(field, NoteCode::Nested);
        }
        flat
    }
}

fn plain(value: Json<'_>) -> Option<MetadataValue> {
    match value {
        Json::Null => Some(MetadataValue::Null),
        Json::Bool(value) => Some(MetadataValue::Bool(value)),
        Json::Number(text) => MetadataValue::number(text),
        Json::Text(value) => Some(MetadataValue::Text(value.into_owned())),
        Json::Array(_) | Json::Object(_) => None,
    }
}

fn lines(value: &Json<'_>) -> String {
    let mut text = String::new();
    match value {
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "\n" });
                match item {
                    Json::Text(line) => text.push_str(line),
                    other => other.write(&mut text),
                }
            }
        }
        other => other.write(&mut text),
    }
    text
}

#[cfg(test)]
mod tests;
