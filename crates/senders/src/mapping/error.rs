//! The errors of mappings.

use thiserror::Error;

/// The error of a mapping, or of one of its templates with a payload. It may quote the payload.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{}{problem}", self.line.map(|line| format!("line {line}: ")).unwrap_or_default(), self.field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default())]
pub struct MappingError {
    /// The field of the mapping, such as `title` or `metadata.region`. `None` if the text is not a mapping at all.
    pub field: Option<String>,
    /// The line in the text of the mapping, from 1.
    pub line: Option<usize>,
    /// The error in words.
    pub problem: String,
}

impl MappingError {
    pub(super) fn new(field: &str, line: Option<usize>, problem: String) -> Self {
        let field = Some(field.to_owned());
        Self { field, line, problem }
    }

    /// The error of a template that the engine found.
    pub(super) fn of_engine(error: &minijinja::Error) -> String {
        match (error.kind(), error.detail()) {
            (minijinja::ErrorKind::OutOfFuel, _) => "the template does too much work".to_owned(),
            (kind, Some(detail)) => format!("{kind}: {detail}"),
            (kind, None) => kind.to_string(),
        }
    }
}
