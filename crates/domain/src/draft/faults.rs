//! What is said of a field without which there is no incident.

use thiserror::Error;

/// A field of a payload that breaks a rule which can't be repaired. It holds nothing of the payload.
///
/// ```
/// use hookgate_domain::{DraftFields, FieldError, FieldRule, IncidentDraft};
///
/// let error = FieldError { field: "title", rule: FieldRule::Required, limit: None };
/// assert_eq!(error.to_string(), "title: required");
/// assert_eq!(IncidentDraft::check(DraftFields::default()), Err(vec![error]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field}: {rule}", rule = .rule.as_str())]
pub struct FieldError {
    /// The field, as senders write it.
    pub field: &'static str,
    /// The rule that it breaks.
    pub rule: FieldRule,
    /// The type that the rule asks for.
    pub limit: Option<&'static str>,
}

impl FieldError {
    /// The field must be there and not be empty.
    ///
    /// ```
    /// assert_eq!(hookgate_domain::FieldError::required("title").to_string(), "title: required");
    /// ```
    #[must_use]
    pub const fn required(field: &'static str) -> Self {
        Self {
            field,
            rule: FieldRule::Required,
            limit: None,
        }
    }

    /// The field must be of this type.
    ///
    /// ```
    /// assert_eq!(hookgate_domain::FieldError::wrong_type("title", "string").to_string(), "title: type");
    /// ```
    #[must_use]
    pub const fn wrong_type(field: &'static str, wanted: &'static str) -> Self {
        Self {
            field,
            rule: FieldRule::Type,
            limit: Some(wanted),
        }
    }
}

/// A rule for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldRule {
    /// It must be there and not be empty.
    Required,
    /// It must be of a type, which the limit names.
    Type,
}

impl FieldRule {
    /// The rule as answers name it, for instance `required`.
    ///
    /// ```
    /// assert_eq!(hookgate_domain::FieldRule::Type.as_str(), "type");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Type => "type",
        }
    }
}
