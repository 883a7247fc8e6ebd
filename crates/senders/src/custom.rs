//! The format `custom`, Hookgate's own: a flat JSON object with a title. Unknown fields are ignored. A value of the wrong
//! type is read as text or left out, with a note. Only for the title and the dedup key an array or an object is an error.

use std::borrow::Cow;

use hookgate_domain::IncidentDraft;
use hookgate_domain::draft::{DraftFields, FieldError, MAX_METADATA_KEYS, MetadataValue, Note, NoteCode};

use crate::error::PayloadError;
use crate::json::{self, Json, Reading, Role};

/// A field of the payload.
#[derive(Clone, Copy)]
enum Field {
    Title,
    Description,
    Severity,
    Status,
    Service,
    ServiceId,
    SourceUrl,
    DedupKey,
    Metadata,
}

impl From<Field> for u8 {
    fn from(field: Field) -> Self {
        field as Self
    }
}

/// The role of a member of the payload, by its name.
fn role(name: &str) -> Role<Field> {
    Role::Field(match name {
        "title" => Field::Title,
        "description" => Field::Description,
        "severity" => Field::Severity,
        "status" => Field::Status,
        "service" => Field::Service,
        "service_id" => Field::ServiceId,
        "source_url" => Field::SourceUrl,
        "dedup_key" => Field::DedupKey,
        "metadata" => return Role::Map(Field::Metadata),
        _ => return Role::Ignored,
    })
}

/// Reads the draft. `declared_json` only chooses the error of a payload that is not JSON.
pub(crate) fn read(payload: &[u8], declared_json: bool) -> Result<IncidentDraft, PayloadError> {
    let mut fields = Fields::default();
    let reading = json::parse(payload, role, |field, value| fields.set(field, value))
        .map_err(|fault| PayloadError::of_json(fault, payload, declared_json))?;
    fields.draft(reading).map_err(PayloadError::Fields)
}

/// Reads fields, and collects the notes and errors.
#[derive(Default)]
struct Fields<'a> {
    draft: DraftFields<'a>,
    service_id: Option<Cow<'a, str>>,
    faults: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    fn set(&mut self, field: Field, value: Json<'a>) {
        match field {
            Field::Title => self.draft.title = self.key("title", value),
            Field::Description => self.draft.description = self.prose("description", value),
            Field::Severity => self.draft.severity = self.text("severity", value),
            Field::Status => self.draft.status = self.text("status", value),
            Field::Service => self.draft.service = self.text("service", value),
            Field::ServiceId => self.service_id = self.text("service_id", value),
            Field::SourceUrl => self.draft.source_url = self.text("source_url", value),
            Field::DedupKey => self.draft.dedup_key = self.key("dedup_key", value),
            Field::Metadata => self.draft.metadata = self.metadata("metadata", value),
        }
    }

    /// Makes the draft. The error lists every field that breaks a rule.
    fn draft(self, reading: Reading) -> Result<IncidentDraft, Vec<FieldError>> {
        if !reading.is_object {
            return Err(vec![FieldError::wrong_type("payload", "object")]);
        }
        let Self {
            mut draft,
            service_id,
            mut faults,
        } = self;
        draft.service = draft.service.or(service_id);
        // The notes about the whole payload come first.
        let tolerated = [
            (reading.has_duplicate_key, NoteCode::DuplicateKey),
            (reading.has_lone_surrogate, NoteCode::ReplacedCharacters),
        ];
        for (_, code) in tolerated.into_iter().filter(|(is_found, _)| *is_found) {
            draft.notes.insert(0, Note::new("payload", code));
        }
        match IncidentDraft::check(draft) {
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

    fn note(&mut self, field: &'static str, code: NoteCode) {
        self.draft.notes.push(Note::new(field, code));
    }

    /// Reads an optional text. Numbers and booleans become texts; arrays and objects are left out, with a note.
    fn text(&mut self, field: &'static str, value: Json<'a>) -> Option<Cow<'a, str>> {
        let text = self.scalar(field, value);
        text.unwrap_or_else(|_| {
            self.note(field, NoteCode::WrongType);
            None
        })
    }

    /// Reads the title or the dedup key. These identify the incident, so an array or object is an error.
    fn key(&mut self, field: &'static str, value: Json<'a>) -> Option<Cow<'a, str>> {
        let text = self.scalar(field, value);
        text.unwrap_or_else(|_| {
            self.faults.push(FieldError::wrong_type(field, "string"));
            None
        })
    }

    /// Reads a text for people. An array becomes one line for each item, an object becomes compact JSON.
    fn prose(&mut self, field: &'static str, value: Json<'a>) -> Option<Cow<'a, str>> {
        match self.scalar(field, value) {
            Ok(text) => text,
            Err(composite) => {
                self.note(field, NoteCode::ReadAsText);
                Some(lines(&composite).into())
            }
        }
    }

    /// The text of a scalar; `None` for `null`. Arrays and objects are returned as the error.
    fn scalar(&mut self, field: &'static str, value: Json<'a>) -> Result<Option<Cow<'a, str>>, Json<'a>> {
        let text = match value {
            Json::Text(text) => return Ok(Some(text)),
            Json::Null => return Ok(None),
            Json::Number(number) => number,
            Json::Bool(true) => "true",
            Json::Bool(false) => "false",
            Json::Array(_) | Json::Object(_) => return Err(value),
        };
        self.note(field, NoteCode::ReadAsText);
        Ok(Some(Cow::Borrowed(text)))
    }

    /// Reads the metadata. Entries whose values are arrays or objects are left out, with a note.
    fn metadata(&mut self, field: &'static str, value: Json<'a>) -> Vec<(Cow<'a, str>, MetadataValue<'a>)> {
        let entries = match value {
            Json::Object(entries) => entries,
            Json::Null => return Vec::new(),
            _ => {
                self.note(field, NoteCode::WrongType);
                return Vec::new();
            }
        };
        if entries.iter().any(|(_, value)| value.is_nested()) {
            self.note(field, NoteCode::Nested);
        }
        let plain = entries
            .into_iter()
            .filter_map(|(key, value)| Some((key, plain(value)?)));
        // The check of the draft leaves further ones out, and says so.
        plain.take(MAX_METADATA_KEYS + 1).collect()
    }
}

fn plain(value: Json<'_>) -> Option<MetadataValue<'_>> {
    match value {
        Json::Null => Some(MetadataValue::Null),
        Json::Bool(value) => Some(MetadataValue::Bool(value)),
        Json::Number(text) => MetadataValue::number(text),
        Json::Text(value) => Some(MetadataValue::Text(value)),
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
