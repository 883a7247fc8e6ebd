//! The closed set of error codes, each with its status and message.

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// Error codes of requests at the console's listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The request or a parameter of it is malformed.
    BadRequest,
    /// A trusted proxy sent a malformed forwarding header, so the source is not known.
    SourceUnknown,
    /// The body is not the JSON it should be.
    InvalidJson,
    /// There is no token, or it is unknown, expired or revoked.
    Unauthenticated,
    /// The role of the caller does not permit the request.
    Forbidden,
    /// The form was not made by a page of this session.
    ForeignForm,
    /// The object does not exist.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The state of the object does not permit the request.
    Conflict,
    /// The webhook is revoked, and that is final.
    WebhookRevoked,
    /// The `Idempotency-Key` was used with another request.
    IdempotencyConflict,
    /// The object has changed since it was read.
    PreconditionFailed,
    /// `If-Match` is missing, and this change needs it.
    PreconditionRequired,
    /// The body is over the limit.
    PayloadTooLarge,
    /// `Content-Type` is not JSON.
    UnsupportedMediaType,
    /// `Host` does not name this console.
    MisdirectedRequest,
    /// Fields are invalid; `details` lists them.
    ValidationError,
    /// The body arrived too slowly.
    RequestTimeout,
    /// Too many attempts, or too many requests at once.
    RateLimited,
    /// Too many passwords wait to be checked: the password of this request was not checked.
    Busy,
    /// The server failed; the cause is in its log.
    Internal,
    /// The store is unavailable, or the server can't do its work now.
    Unavailable,
}

impl ErrorCode {
    /// Status and message.
    pub(crate) const fn parts(self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "Request can't be understood"),
            Self::SourceUnknown => (
                StatusCode::BAD_REQUEST,
                "Source address is not known: the proxy in front sends a malformed header",
            ),
            Self::InvalidJson => (StatusCode::BAD_REQUEST, "Body is not valid JSON"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "A valid API token is required"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Role does not permit this"),
            Self::ForeignForm => (
                StatusCode::FORBIDDEN,
                "The form does not come from this session: load the page again",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method is not allowed here"),
            Self::Conflict => (StatusCode::CONFLICT, "Not possible in the present state"),
            Self::WebhookRevoked => (StatusCode::GONE, "Webhook has been revoked"),
            Self::IdempotencyConflict => (
                StatusCode::CONFLICT,
                "Idempotency key was used with another request",
            ),
            Self::PreconditionFailed => (
                StatusCode::PRECONDITION_FAILED,
                "Changed by somebody else meanwhile: read it again",
            ),
            Self::PreconditionRequired => (
                StatusCode::PRECONDITION_REQUIRED,
                "If-Match with the ETag that was read is required",
            ),
            Self::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Body is too large"),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Content-Type must be application/json",
            ),
            Self::MisdirectedRequest => (
                StatusCode::MISDIRECTED_REQUEST,
                "This console is not served under this host name: set console.public_url",
            ),
            Self::ValidationError => (StatusCode::UNPROCESSABLE_ENTITY, "Request has invalid fields"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "Body arrived too slowly"),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many passwords are being checked: this one was not",
            ),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable"),
        }
    }

    /// HTTP status of an answer with this code.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.parts().0
    }

    /// The meaning in a sentence, without its full stop.
    #[must_use]
    pub const fn message(self) -> &'static str {
        self.parts().1
    }
}
