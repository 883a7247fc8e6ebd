//! Errors of fields that can't be repaired, so that the payload is refused.

use thiserror::Error;

/// A field of a payload that breaks a rule and can't be repaired. The error quotes nothing of the payload.
///
/// ```
/// use hookgate_domain::IncidentDraft;
/// use hookgate_domain::draft::{DraftFields, FieldError, FieldRule};
///
/// let error = FieldError { field: "title", rule: FieldRule::Required, limit: None };
/// assert_eq!(error.to_string(), "title: required");
/// assert_eq!(IncidentDraft::check(DraftFields::default()), Err(vec![error]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field}: {rule}", rule = .rule.as_str())]
pub struct FieldError {
    /// Name of the field in the payload.
    pub field: &'static str,
    /// The broken rule.
    pub rule: FieldRule,
    /// The type that the rule requires.
    pub limit: Option<&'static str>,
}

impl FieldError {
    /// The error of a required field that is missing or empty.
    #[must_use]
    pub const fn required(field: &'static str) -> Self {
        Self {
            field,
            rule: FieldRule::Required,
            limit: None,
        }
    }

    /// The error of a field that must have the type `wanted`.
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
    /// The field must be there and not be empty.
    Required,
    /// The field must have the type in [`FieldError::limit`].
    Type,
}

impl FieldRule {
    /// The name of the rule in answers to senders, such as `required`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Type => "type",
        }
    }
}
