//! The shapes of a body: JSON, a form, a form in parts (`multipart/form-data`), each of them also compressed with gzip. All are
//! bounded.

mod form;
mod gzip;
mod multipart;

use std::borrow::Cow;

use hookgate_domain::draft::{Note, NoteCode};

use form::Form;
pub(crate) use gzip::decompressed;

use crate::error::{PayloadError, first_byte};
use crate::json::{Document, Value, is_utf_16};
use crate::payload::Payload;

/// The fields of a form that may hold the whole payload as JSON: `payload` at Slack and GitHub, `data` at Uptime Kuma.
const JSON_FIELDS: [&str; 2] = ["payload", "data"];

/// A body, parsed.
pub(crate) enum Content<'a> {
    Json(Document<'a>),
    Form(Form<'a>),
}

impl<'a> Content<'a> {
    /// Parses a body, which is not compressed any more. It is JSON by its content, whatever its `Content-Type`.
    pub(crate) fn of(body: &'a [u8], payload: &Payload<'_>) -> Result<Self, PayloadError> {
        let media_type = payload.media_type();
        let is = |other: &str| media_type.eq_ignore_ascii_case(other);
        let form = match first_byte(body) {
            // Some requests below the webhook's URL say all by their path, such as Opsgenie's to close an alert.
            None if !payload.path.is_empty() => Some(Form::default()),
            Some(b'{' | b'[') | None => None,
            Some(_) if payload.declares_json() || is_utf_16(body) => None,
            Some(b'-') if is("multipart/form-data") => {
                let boundary = multipart::boundary(payload.header("content-type").unwrap_or_default());
                Some(multipart::parse(body, boundary.ok_or(PayloadError::OtherKind)?)?)
            }
            // Clients that post a form without its type are common.
            Some(_) if is("application/x-www-form-urlencoded") || body.starts_with(b"payload=") => {
                Some(form::parse(body))
            }
            Some(_) => None,
        };
        match form {
            Some(form) => Self::of_form(form),
            None => Document::parse(body)
                .map(Self::Json)
                .map_err(|fault| PayloadError::of_json(fault, body, payload.declares_json())),
        }
    }

    /// A form, or the JSON in a field of it.
    fn of_form(mut form: Form<'a>) -> Result<Self, PayloadError> {
        let holds_json = |name: &&&str| {
            let value = form.get(name).unwrap_or_default();
            matches!(first_byte(value.as_bytes()), Some(b'{' | b'['))
        };
        match JSON_FIELDS.iter().find(holds_json) {
            Some(name) => Document::of_text(form.take(name))
                .map(Self::Json)
                .map_err(PayloadError::Json),
            None => Ok(Self::Form(form)),
        }
    }

    /// The same content with texts of its own.
    pub(crate) fn into_owned(self) -> Content<'static> {
        match self {
            Self::Json(document) => Content::Json(document.into_owned()),
            Self::Form(form) => Content::Form(form.into_owned()),
        }
    }

    /// The value of the whole JSON.
    ///
    /// # Errors
    /// It is a form, or the JSON is not an object: no format has other payloads, but for lists of events.
    pub(crate) fn object(&self) -> Result<Value<'_>, PayloadError> {
        match self {
            Self::Json(document) if document.root().is_object() => Ok(document.root()),
            _ => Err(PayloadError::NOT_THIS_FORMAT),
        }
    }

    /// A text of a JSON object or of a form, for formats that have the same fields in both.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Json(document) => document.root().get(name).text(),
            Self::Form(form) => {
                let text = form.get(name)?.trim();
                (!text.is_empty()).then_some(Cow::Borrowed(text))
            }
        }
    }

    /// The notes about defects that were tolerated.
    pub(crate) fn notes(&self) -> Vec<Note> {
        let (replaced, duplicate) = match self {
            Self::Json(document) => (document.has_lone_surrogate, document.has_duplicate_key),
            Self::Form(form) => (form.has_replaced, false),
        };
        let codes = [
            (replaced, NoteCode::ReplacedCharacters),
            (duplicate, NoteCode::DuplicateKey),
        ];
        let found = codes.into_iter().filter(|(is_found, _)| *is_found);
        found.map(|(_, code)| Note::new("payload", code)).collect()
    }
}

#[cfg(test)]
mod tests;
