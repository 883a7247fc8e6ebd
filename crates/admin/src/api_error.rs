//! Errors of the console's listener: a closed set of codes, each with its status and message. The JSON envelope is
//! the same as that of the gate.

mod causes;

use std::time::Duration;

use hookgate_domain::leaks::may_hold_secret;
use hookgate_gate::Forbidden;
use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderValue, WWW_AUTHENTICATE};
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use hookgate_transport::reply::{self, Reply};

/// Error codes of requests at the console's listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ErrorCode {
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
    /// The body came too slowly.
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
    const fn parts(self) -> (StatusCode, &'static str) {
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
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "Body came too slowly"),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many passwords are being checked: this one was not",
            ),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable"),
        }
    }

    pub(crate) const fn status(self) -> StatusCode {
        self.parts().0
    }

    pub(crate) const fn message(self) -> &'static str {
        self.parts().1
    }
}

/// Details of an error, beside its code.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Details {
    /// Fields that break rules.
    Fields(Vec<InvalidField>),
    /// The rule, in words.
    Reason(String),
    /// The role that the request needs.
    #[serde(serialize_with = "as_text")]
    Role(Forbidden),
    /// The parts of the server that fail.
    Parts(Value),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn as_text<S: Serializer>(forbidden: &Forbidden, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(forbidden)
}

/// A failed request.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) code: ErrorCode,
    /// The invalid fields, the rule, the role or the failing parts.
    pub(crate) details: Option<Details>,
    pub(crate) retry_after: Option<Duration>,
    /// The permitted methods, for `Allow`.
    allow: Option<&'static str>,
}

impl ApiError {
    /// A field that breaks a rule.
    pub(crate) fn field(field: &str, rule: &str, limit: impl Into<Value>) -> Self {
        Self::fields(vec![InvalidField::new(field, rule, limit)])
    }

    /// Fields that break rules.
    pub(crate) fn fields(faults: Vec<InvalidField>) -> Self {
        Self {
            details: Some(Details::Fields(faults)),
            ..ErrorCode::ValidationError.into()
        }
    }

    /// A body that is not JSON; `problem` says where.
    pub(crate) fn json(problem: String) -> Self {
        Self {
            details: Some(Details::Reason(problem)),
            ..ErrorCode::InvalidJson.into()
        }
    }

    /// A conflict with the state of the object; `reason` names the rule.
    pub(crate) fn conflict(reason: impl Into<String>) -> Self {
        Self {
            details: Some(Details::Reason(reason.into())),
            ..ErrorCode::Conflict.into()
        }
    }

    /// A method other than those in `allow`.
    pub(crate) fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..ErrorCode::MethodNotAllowed.into()
        }
    }

    /// The server can't do its work; `details` has the failing parts.
    pub(crate) fn not_ready(details: Option<Value>) -> Self {
        Self {
            details: details.map(Details::Parts),
            ..ErrorCode::Unavailable.into()
        }
    }

    /// Too many requests; `Retry-After` says when to retry.
    pub(crate) fn too_many(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..ErrorCode::RateLimited.into()
        }
    }

    /// More requests at once than a bound allows; `reason` names the bound.
    pub(crate) fn busy(retry_after: Duration, reason: String) -> Self {
        Self {
            details: Some(Details::Reason(reason)),
            ..Self::too_many(retry_after)
        }
    }

    /// Too many passwords wait to be checked; `Retry-After` says when to retry.
    pub(crate) fn no_turn(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..ErrorCode::Busy.into()
        }
    }

    /// The error as a sentence for people.
    pub(crate) fn sentence(&self) -> String {
        match &self.details {
            Some(Details::Role(Forbidden(role))) => format!("You need the {role} role for this."),
            Some(Details::Reason(reason)) if self.code == ErrorCode::Conflict => {
                format!("{}.", capitalized(reason))
            }
            Some(Details::Reason(reason)) => format!("{}: {reason}.", self.code.message()),
            Some(Details::Fields(faults)) => {
                let sentences = faults
                    .iter()
                    .map(|fault| format!("{}: {}.", fault.field, fault.problem()));
                sentences.collect::<Vec<_>>().join(" ")
            }
            Some(Details::Parts(_)) | None => format!("{}.", self.code.message()),
        }
    }

    /// The invalid fields; empty if the error is about something else.
    pub(crate) fn field_faults(&self) -> &[InvalidField] {
        match &self.details {
            Some(Details::Fields(faults)) => faults,
            _ => &[],
        }
    }

    /// Each invalid field with its problem.
    pub(crate) fn field_problems(&self) -> Vec<(String, String)> {
        let problems = self.field_faults().iter();
        problems
            .map(|fault| (fault.field.clone(), fault.problem()))
            .collect()
    }

    /// The answer in the envelope.
    pub(crate) fn reply(&self) -> Reply {
        let (status, message) = self.code.parts();
        let mut reply = reply::failure(status, &self.code, message, self.details.as_ref());
        let headers = reply.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.code == ErrorCode::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            reply::set_retry_after(&mut reply, wait);
        }
        reply
    }
}

/// A field that breaks a rule, as `details` has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct InvalidField {
    /// The field of the body, or the parameter of the query.
    pub(crate) field: String,
    /// The rule that it breaks.
    rule: String,
    /// The limit of the rule, or the problem in words.
    limit: Value,
}

impl InvalidField {
    pub(crate) fn new(field: &str, rule: &str, limit: impl Into<Value>) -> Self {
        // The client chose the name of an unknown parameter, and may have put a secret there by mistake.
        let field = if may_hold_secret(field.as_bytes()) {
            "(hidden)"
        } else {
            field
        };
        Self {
            field: field.to_owned(),
            rule: rule.to_owned(),
            limit: limit.into(),
        }
    }

    /// The problem in words.
    pub(crate) fn problem(&self) -> String {
        match &self.limit {
            Value::String(text) => text.clone(),
            limit => limit.to_string(),
        }
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            details: None,
            retry_after: (code == ErrorCode::Unavailable).then_some(reply::RETRY_SOON),
            allow: None,
        }
    }
}
