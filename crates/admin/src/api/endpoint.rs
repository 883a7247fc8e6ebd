//! Helpers of all endpoints: fields of a body, answers to repeated requests, and `ETag`.

use std::fmt::Display;
use std::str::FromStr;

use hookgate_people::AuditSubject;
use hyper::header::{ETAG, HeaderValue};

use hookgate_request::ApiError;
use hookgate_transport::Reply;

/// The ID of the object that an earlier request created.
pub(super) fn made_before<T: FromStr>(made: &AuditSubject) -> Result<T, ApiError> {
    made.id.parse().map_err(|_| gone())
}

/// The error of a repeated request whose object no longer exists.
pub(super) fn gone() -> ApiError {
    ApiError::conflict("what this request created no longer exists")
}

/// Parses a field of a body.
pub(super) fn read<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, ApiError> {
    text.parse()
        .map_err(|error: T::Err| ApiError::field(field, "form", error.to_string()))
}

/// Adds the revision as `ETag`, for the `If-Match` of a later change.
pub(super) fn tagged(mut reply: Reply, revision: i64) -> Reply {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{revision}\"")) {
        reply.headers_mut().insert(ETAG, tag);
    }
    reply
}
