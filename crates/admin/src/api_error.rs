//! What the console's listener answers when it can't do what was asked: one closed set of codes, each with its status
//! and message. The envelope is the gate's.

mod causes;

use std::time::Duration;

use hookgate_domain::may_hold_secret;
use hookgate_gate::Forbidden;
use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderValue, WWW_AUTHENTICATE};
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use hookgate_transport::reply::{self, Reply};

/// Why a request at the console's listener failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ErrorCode {
    /// HTTP or a parameter that can't be read.
    BadRequest,
    /// A trusted proxy says who called it in a way that nobody can read.
    SourceUnknown,
    /// The body is not the JSON it should be.
    InvalidJson,
    /// No token, or one that is unknown, expired or revoked.
    Unauthenticated,
    /// The role of who asks does not reach so far.
    Forbidden,
    /// A form that no page of this session made.
    ForeignForm,
    /// There is no such thing.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// A rule of the thing's life forbids it.
    Conflict,
    /// The webhook is revoked, and that is final.
    WebhookRevoked,
    /// A known `Idempotency-Key` with another request.
    IdempotencyConflict,
    /// It has changed since it was read.
    PreconditionFailed,
    /// A change needs `If-Match`.
    PreconditionRequired,
    /// The body is over the limit.
    PayloadTooLarge,
    /// The body is not JSON by its media type.
    UnsupportedMediaType,
    /// The name in `Host` is not this console's.
    MisdirectedRequest,
    /// Fields are at fault; `details` says which.
    ValidationError,
    /// The body came too slowly.
    RequestTimeout,
    /// Too many attempts, or too much at a time.
    RateLimited,
    /// More passwords are to be checked than can be: this request was not looked at.
    Busy,
    /// A fault of the server; the cause is in its log.
    Internal,
    /// The store can't be reached.
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

/// The part of a failure that its code does not tell.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Details {
    /// Fields that break rules.
    Fields(Vec<InvalidField>),
    /// The rule, in words.
    Reason(String),
    /// The role that it takes.
    #[serde(serialize_with = "as_text")]
    Role(Forbidden),
    /// The parts that fail.
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
    /// The fields at fault, or the rule.
    pub(crate) details: Option<Details>,
    pub(crate) retry_after: Option<Duration>,
    /// The methods that a refused one could have been.
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

    /// A body that is no JSON, and where.
    pub(crate) fn json(problem: String) -> Self {
        Self {
            details: Some(Details::Reason(problem)),
            ..ErrorCode::InvalidJson.into()
        }
    }

    /// Refused by a rule that `reason` names.
    pub(crate) fn conflict(reason: impl Into<String>) -> Self {
        Self {
            details: Some(Details::Reason(reason.into())),
            ..ErrorCode::Conflict.into()
        }
    }

    /// Another method than these.
    pub(crate) fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..ErrorCode::MethodNotAllowed.into()
        }
    }

    /// Not able to do its work, and what it is that fails.
    pub(crate) fn not_ready(details: Option<Value>) -> Self {
        Self {
            details: details.map(Details::Parts),
            ..ErrorCode::Unavailable.into()
        }
    }

    /// To be repeated after a while.
    pub(crate) fn too_many(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..ErrorCode::RateLimited.into()
        }
    }

    /// More than a bound allows at a time; which one is said in words.
    pub(crate) fn busy(retry_after: Duration, reason: String) -> Self {
        Self {
            details: Some(Details::Reason(reason)),
            ..Self::too_many(retry_after)
        }
    }

    /// To be repeated when there are fewer passwords to check.
    pub(crate) fn no_turn(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..ErrorCode::Busy.into()
        }
    }

    /// What went wrong, in a sentence for people.
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

    /// The fields at fault.
    pub(crate) fn field_faults(&self) -> &[InvalidField] {
        match &self.details {
            Some(Details::Fields(faults)) => faults,
            _ => &[],
        }
    }

    /// Each field at fault with what is wrong with it.
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

/// A field that breaks a rule, as `details` tells it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct InvalidField {
    /// The field of the body, or the parameter of the query.
    pub(crate) field: String,
    /// The rule that it breaks.
    rule: String,
    /// What the rule allows, or the problem in words.
    limit: Value,
}

impl InvalidField {
    pub(crate) fn new(field: &str, rule: &str, limit: impl Into<Value>) -> Self {
        // The name of an unknown parameter is the caller's own word, and may be a secret in the wrong place.
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

    /// What is wrong, in words.
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
