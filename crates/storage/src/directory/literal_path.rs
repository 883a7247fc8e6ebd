//! Reads a path that a person wrote. Only a shell expands `~` and `$HOME`; taken literally they would create
//! a directory of that name in a surprising place.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

/// Errors of a text that is not taken as a path. They do not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnexpandedPath {
    /// It begins with `~`.
    #[error(
        "only shells expand a path that begins with ~: write the full path (or ./~ for a directory of that name)"
    )]
    Home,
    /// A part of it begins with `$`, or holds `${` or `$(`.
    #[error("only shells expand $ variables in a path: write the full path")]
    Variable,
}

/// Takes a path literally, and refuses one that is meant to be expanded.
///
/// # Errors
///
/// [`UnexpandedPath`], with the reason.
pub fn literal_path(text: impl AsRef<OsStr>) -> Result<PathBuf, UnexpandedPath> {
    let path = Path::new(text.as_ref());
    if path.as_os_str().as_encoded_bytes().starts_with(b"~") {
        return Err(UnexpandedPath::Home);
    }
    if path.components().any(|part| is_variable(&part)) {
        return Err(UnexpandedPath::Variable);
    }
    Ok(path.to_owned())
}

fn is_variable(part: &Component<'_>) -> bool {
    let bytes = part.as_os_str().as_encoded_bytes();
    bytes.starts_with(b"$") || bytes.windows(2).any(|pair| pair == b"${" || pair == b"$(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_expand_is_refused() {
        for text in ["~", "~/data", "~ada/data"] {
            assert_eq!(literal_path(text), Err(UnexpandedPath::Home), "{text}");
        }
        for text in [
            "$HOME/data",
            "${HOME}/data",
            "/var/$NAME/x",
            "/var/a-${NAME}",
            "$(pwd)/a",
        ] {
            assert_eq!(literal_path(text), Err(UnexpandedPath::Variable), "{text}");
        }
        for text in ["", "/var/lib", "a/b", "./~", "/home/a~", "/srv/a$b", "c~1/d"] {
            assert_eq!(literal_path(text), Ok(PathBuf::from(text)), "{text}");
        }
    }
}
