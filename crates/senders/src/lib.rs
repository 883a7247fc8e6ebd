#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! | to | use |
//! |---|---|
//! | read a payload | [`read_payload`], [`PayloadError`] |
//! | check a signature or a credential | [`SignatureScheme`], [`Verifier`], [`SenderSecret`], [`SigningSecret`] |
//! | read a published list of addresses | [`read_address_list`], [`AddressListError`] |
//! | show JSON as it was written | [`lay_out`], [`JsonLayout`] |

mod address_lists;
mod custom;
mod json;
mod signature;

use hookgate_domain::draft::FieldError;
use hookgate_domain::text::without_mark;
use hookgate_domain::{IncidentDraft, SenderFormat};
use thiserror::Error;

pub use address_lists::{AddressListError, read_address_list};
pub use json::{JsonFault, JsonLayout, JsonProblem, MAX_DEPTH, is_double, lay_out};
pub use signature::{
    MAX_SECRETS, RetryId, SecretError, SenderSecret, SignatureError, SignatureHeaders, SignatureScheme,
    SigningSecret, Verified, Verifier, VerifierError,
};

/// Reads a payload of this format. A body is JSON by its content, whatever its `Content-Type`. `declared_json` only chooses
/// the error of a body that is not JSON.
///
/// # Errors
/// [`PayloadError`]. It never quotes the payload.
pub fn read_payload(
    format: SenderFormat,
    payload: &[u8],
    declared_json: bool,
) -> Result<IncidentDraft, PayloadError> {
    let read = match format {
        SenderFormat::Custom => custom::read(payload),
    };
    read.map_err(|fault| refuse(fault, payload, declared_json))?
        .map_err(PayloadError::Fields)
}

/// Chooses the error of a body that is not JSON: [`PayloadError::OtherKind`] if it neither is declared as JSON nor begins
/// with `{` or `[`.
fn refuse(fault: JsonFault, payload: &[u8], declared_json: bool) -> PayloadError {
    let first = without_mark(payload)
        .iter()
        .find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'{' | b'[') | None => PayloadError::Json(fault),
        Some(_) if declared_json || json::is_utf_16(payload) => PayloadError::Json(fault),
        Some(_) => PayloadError::OtherKind,
    }
}

/// The error of reading a payload.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// The payload is not JSON, and not declared as JSON.
    #[error("the payload is not JSON")]
    OtherKind,
    /// The JSON is broken or ambiguous.
    #[error("{0}")]
    Json(JsonFault),
    /// Fields break their rules.
    #[error("{} fields are at fault", .0.len())]
    Fields(Vec<FieldError>),
}
