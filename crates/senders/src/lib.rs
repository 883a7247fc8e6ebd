#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! | to | use |
//! |---|---|
//! | read the message of a tool | [`read_message`], [`Payload`], [`Message`], [`FormatOptions`] |
//! | guess whose payload it is | [`recognise`] |
//! | map any JSON or form by templates | [`Mapping`], [`Preview`], [`preset`] |
//! | read Hookgate's own JSON | [`read_payload`], [`PayloadError`] |
//! | check a signature or a credential | [`SignatureScheme`], [`Verifier`], [`SenderSecret`], [`SigningSecret`] |
//! | read a published list of addresses | [`read_address_list`], [`AddressListError`] |
//! | show JSON as it was written | [`lay_out`], [`JsonLayout`] |

mod address_lists;
mod content;
mod custom;
mod error;
mod formats;
mod json;
mod mapping;
mod message;
mod options;
mod payload;
mod presets;
mod signature;

use hookgate_domain::{IncidentDraft, SenderFormat};

pub use address_lists::{AddressListError, read_address_list};
pub use error::PayloadError;
pub use formats::{read_message, recognise};
pub use json::{JsonFault, JsonLayout, JsonProblem, MAX_DEPTH, is_double, lay_out};
pub use mapping::{MAX_MAPPING, MAX_TEMPLATE, Mapping, MappingError, Preview};
pub use message::{Handshake, MAX_CHANGES, Message, MessageKind};
pub use options::{FormatOptions, Grouping};
pub use payload::{Headers, Payload};
pub use presets::preset;
pub use signature::{
    MAX_SECRETS, RetryId, SecretError, SenderSecret, SignatureError, SignatureHeaders, SignatureScheme,
    SigningSecret, Verified, Verifier, VerifierError,
};

/// Reads a payload of the format `custom`. A body is JSON by its content, whatever its `Content-Type`. `declared_json` only
/// chooses the error of a body that is not JSON.
///
/// # Errors
/// [`PayloadError`]. It never quotes the payload. Other formats are read by [`read_message`] and refused here.
pub fn read_payload(
    format: SenderFormat,
    payload: &[u8],
    declared_json: bool,
) -> Result<IncidentDraft, PayloadError> {
    match format {
        SenderFormat::Custom => custom::read(payload, declared_json),
        _ => Err(PayloadError::NOT_THIS_FORMAT),
    }
}
