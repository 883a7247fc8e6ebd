//! The error of a file that is not TOML: position and reason, but not its text, because that may hold a password.

use thiserror::Error;

/// A TOML syntax error with its position.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {problem}")]
pub(super) struct NotToml {
    line: usize,
    column: usize,
    problem: String,
}

impl NotToml {
    /// Finds the position of the error: line and character, from 1.
    pub(super) fn new(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            problem: error.message().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_told_and_the_line_is_not() {
        let said = |text: &str| {
            let error = text.parse::<toml::Table>().expect_err("not TOML");
            NotToml::new(text, &error).to_string()
        };
        let text = "[store]\nurl = 'postgres://u:secret@db/h\n";
        assert_eq!(
            said(text),
            "line 2, column 32: invalid literal string, expected `'`"
        );
        assert_eq!(said("x = 'é'\nx = 2"), "line 2, column 1: duplicate key");
        assert!(
            said("x = 'é' y").starts_with("line 1, column 9: "),
            "{}",
            said("x = 'é' y")
        );
    }
}
