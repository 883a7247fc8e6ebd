//! The error of a file that is not TOML: position and reason, but not its text, because that may hold a password.

use std::fmt::{self, Display};

use thiserror::Error;

/// A TOML syntax error with its position.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) struct NotToml {
    /// Line and column, from 1.
    position: Option<(usize, usize)>,
    problem: String,
}

impl Display for NotToml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.position {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.problem)
    }
}

impl NotToml {
    /// The error without the text, at its position if the parser knows it.
    pub(super) fn new(text: &str, error: &toml::de::Error) -> Self {
        let before = error.span().and_then(|span| text.get(..span.start));
        Self {
            position: before.map(position_after),
            problem: error.message().to_owned(),
        }
    }
}

/// The line and column of the character that follows this text.
fn position_after(text: &str) -> (usize, usize) {
    let line_start = text.rfind('\n').map_or(0, |end| end + 1);
    (
        text.matches('\n').count() + 1,
        text[line_start..].chars().count() + 1,
    )
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
