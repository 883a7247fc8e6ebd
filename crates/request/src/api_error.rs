//! Errors of the console's listener. The JSON envelope is the same as that of the gate.

mod causes;
mod code;

pub use code::ErrorCode;

use std::time::Duration;

use hookgate_domain::leaks::may_hold_secret;
use hookgate_gate::Forbidden;
use hyper::header::{ALLOW, HeaderValue, WWW_AUTHENTICATE};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use hookgate_transport::reply::{self, Reply};

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
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn as_text<S: Serializer>(forbidden: &Forbidden, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(forbidden)
}

/// A failed request.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// The kind of the error.
    pub code: ErrorCode,
    /// The invalid fields, the rule or the role.
    pub(crate) details: Option<Details>,
    /// Time after which a retry may succeed, for `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The permitted methods, for `Allow`.
    allow: Option<&'static str>,
}

impl ApiError {
    /// A field that breaks a rule.
    pub fn field(field: &str, rule: &str, limit: impl Into<RuleLimit>) -> Self {
        Self::fields(vec![InvalidField::new(field, rule, limit)])
    }

    /// Fields that break rules.
    #[must_use]
    pub fn fields(faults: Vec<InvalidField>) -> Self {
        Self {
            details: Some(Details::Fields(faults)),
            ..ErrorCode::ValidationError.into()
        }
    }

    /// A body that is not JSON; `problem` says where.
    #[must_use]
    pub fn json(problem: String) -> Self {
        Self {
            details: Some(Details::Reason(problem)),
            ..ErrorCode::InvalidJson.into()
        }
    }

    /// A conflict with the state of the object; `reason` names the rule.
    pub fn conflict(reason: impl Into<String>) -> Self {
        Self {
            details: Some(Details::Reason(reason.into())),
            ..ErrorCode::Conflict.into()
        }
    }

    /// A method other than those in `allow`.
    #[must_use]
    pub fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..ErrorCode::MethodNotAllowed.into()
        }
    }

    /// Too many requests; `Retry-After` says when to retry.
    #[must_use]
    pub fn too_many(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..ErrorCode::RateLimited.into()
        }
    }

    /// More requests at once than a bound allows; `reason` names the bound.
    #[must_use]
    pub fn busy(retry_after: Duration, reason: String) -> Self {
        Self {
            details: Some(Details::Reason(reason)),
            ..Self::too_many(retry_after)
        }
    }

    /// The password queue is full; `Retry-After` says when to retry.
    #[must_use]
    pub fn password_queue_full(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..ErrorCode::Busy.into()
        }
    }

    /// The error as a sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
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
            None => format!("{}.", self.code.message()),
        }
    }

    /// The invalid fields; empty if the error is about something else.
    #[must_use]
    pub fn field_faults(&self) -> &[InvalidField] {
        match &self.details {
            Some(Details::Fields(faults)) => faults,
            _ => &[],
        }
    }

    /// The answer in the envelope.
    #[must_use]
    pub fn reply(&self) -> Reply {
        self.reply_with(self.details.as_ref())
    }

    /// The answer in the envelope, with other details than those of the error.
    pub fn reply_with<T: Serialize>(&self, details: Option<&T>) -> Reply {
        let (status, message) = self.code.parts();
        let mut reply = reply::failure(status, &self.code, message, details);
        if self.code == ErrorCode::Unauthenticated {
            let challenge = HeaderValue::from_static("Bearer");
            reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        self.set_headers(&mut reply);
        reply
    }

    /// Sets the headers that an error has in every form: `Allow` and `Retry-After`.
    pub fn set_headers(&self, reply: &mut Reply) {
        if let Some(allow) = self.allow {
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(wait) = self.retry_after {
            reply::set_retry_after(reply, wait);
        }
    }
}

/// A field that breaks a rule, as `details` has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InvalidField {
    /// The field of the body, or the parameter of the query.
    pub field: String,
    /// The rule that it breaks.
    rule: String,
    /// The limit of the rule, or the problem in words.
    #[schema(value_type = serde_json::Value)]
    limit: RuleLimit,
}

impl InvalidField {
    /// A field, the rule that it breaks, and the limit of the rule or the problem in words.
    pub fn new(field: &str, rule: &str, limit: impl Into<RuleLimit>) -> Self {
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
    #[must_use]
    pub fn problem(&self) -> String {
        match &self.limit {
            RuleLimit::Number(number) => number.to_string(),
            RuleLimit::Text(text) => text.clone(),
        }
    }
}

/// The limit of a rule, or the problem in words.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum RuleLimit {
    /// A number, such as 1 for a field that may be given once.
    Number(u32),
    /// Words.
    Text(String),
}

impl From<u32> for RuleLimit {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for RuleLimit {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for RuleLimit {
    fn from(text: String) -> Self {
        Self::Text(text)
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
