//! The errors of reading a payload.

use hookgate_domain::SenderFormat;
use hookgate_domain::draft::FieldError;
use hookgate_domain::text::without_mark;
use thiserror::Error;

use crate::json::{self, JsonFault};

/// The error of reading a payload. It never quotes the payload.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// The payload is not JSON, and not declared as JSON. It isn't a form that the format knows either.
    #[error("the payload is not JSON")]
    OtherKind,
    /// The JSON is broken or ambiguous.
    #[error("{0}")]
    Json(JsonFault),
    /// Fields break their rules.
    #[error("{} fields are at fault", .0.len())]
    Fields(Vec<FieldError>),
    /// The payload lacks what identifies a payload of the webhook's format.
    #[error("the payload is not of the webhook's format")]
    NotThisFormat {
        /// The format that the payload seems to have.
        looks_like: Option<SenderFormat>,
    },
    /// The payload has more bytes than allowed after it was decompressed.
    #[error("the decompressed payload has more than {limit} bytes")]
    TooLarge {
        /// Most bytes.
        limit: usize,
    },
    /// The payload has more alerts than a delivery may have.
    #[error("the payload has more than {limit} alerts")]
    TooManyAlerts {
        /// Most alerts.
        limit: usize,
    },
}

impl PayloadError {
    /// The error of a payload that lacks what identifies the format.
    pub(crate) const NOT_THIS_FORMAT: Self = Self::NotThisFormat { looks_like: None };

    /// Chooses the error of a body that is not JSON: [`Self::OtherKind`] if it neither is declared as JSON nor begins with `{`
    /// or `[`.
    pub(crate) fn of_json(fault: JsonFault, body: &[u8], declared_json: bool) -> Self {
        match first_byte(body) {
            Some(b'{' | b'[') | None => Self::Json(fault),
            Some(_) if declared_json || json::is_utf_16(body) => Self::Json(fault),
            Some(_) => Self::OtherKind,
        }
    }
}

impl From<Vec<FieldError>> for PayloadError {
    fn from(faults: Vec<FieldError>) -> Self {
        Self::Fields(faults)
    }
}

/// The first byte of a body that is not white space.
pub(crate) fn first_byte(body: &[u8]) -> Option<u8> {
    let mut bytes = without_mark(body).iter();
    bytes.find(|byte| !byte.is_ascii_whitespace()).copied()
}
