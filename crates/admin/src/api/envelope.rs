//! The envelopes of answers, as the `OpenAPI` document describes them.

use serde::Serialize;
use utoipa::ToSchema;

use hookgate_request::{ErrorCode, InvalidField};

/// Envelope of a success.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Success<T> {
    /// Always `true`.
    success: bool,
    /// The result.
    data: T,
}

/// Envelope of an error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// Always `false`.
    success: bool,
    error: FailureError,
}

/// The error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailureError {
    code: ErrorCode,
    /// The meaning of the code, in a sentence.
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

/// Details of the error, for codes that have some.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "what is answered is a value of its own; this is its schema"
)]
pub(crate) enum Details {
    /// The invalid fields.
    Fields(Vec<InvalidField>),
    /// The rule, or the position in the JSON.
    Text(String),
}
