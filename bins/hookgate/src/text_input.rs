//! Input files and pipes, all decoded by one rule ([`read_text`]). The content may be secret: its memory is wiped, and no
//! error quotes it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use hookgate_domain::text::{TextError, read_line, read_text};
use thiserror::Error;
use zeroize::Zeroizing;

/// Maximum size of an input, in bytes: configurations, URLs and certificates are far smaller.
const MAX_BYTES: u64 = 1024 * 1024;

/// Error of reading text from a file or a pipe. It names the source and quotes nothing of it.
#[derive(Debug, Error)]
pub(crate) enum InputError {
    /// Reading failed.
    #[error("can't read {name}: {source}")]
    Unreadable { name: String, source: io::Error },
    /// The input exceeds the size limit.
    #[error("can't read {name}: it is larger than {} KiB", MAX_BYTES / 1024)]
    TooLarge { name: String },
    /// The bytes are not text.
    #[error("can't read {name}: {source}")]
    NoText { name: String, source: TextError },
}

/// The text of a file.
pub(crate) fn text_file(path: &Path) -> Result<Zeroizing<String>, InputError> {
    let name = path.display().to_string();
    let opened = File::open(path).map_err(|source| InputError::Unreadable {
        name: name.clone(),
        source,
    })?;
    let bytes = bytes(opened, &name)?;
    text(&bytes, &name)
}

/// The one line of a file, without its end.
pub(crate) fn line_file(path: &Path) -> Result<Zeroizing<String>, InputError> {
    let text = text_file(path)?;
    line(text.as_bytes(), &path.display().to_string())
}

/// The text on standard input; `None` if nothing comes.
pub(crate) fn piped_text() -> Result<Option<Zeroizing<String>>, InputError> {
    let bytes = piped_bytes()?;
    if bytes.is_empty() {
        return Ok(None);
    }
    text(&bytes, STANDARD_INPUT).map(Some)
}

/// The one line on standard input, without its end; `None` if nothing comes.
pub(crate) fn piped_line() -> Result<Option<Zeroizing<String>>, InputError> {
    let bytes = piped_bytes()?;
    if bytes.is_empty() {
        return Ok(None);
    }
    line(&bytes, STANDARD_INPUT).map(Some)
}

const STANDARD_INPUT: &str = "standard input";

fn piped_bytes() -> Result<Zeroizing<Vec<u8>>, InputError> {
    bytes(io::stdin(), STANDARD_INPUT)
}

fn bytes(from: impl Read, name: &str) -> Result<Zeroizing<Vec<u8>>, InputError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = from.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|source| InputError::Unreadable {
        name: name.to_owned(),
        source,
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(InputError::TooLarge {
            name: name.to_owned(),
        });
    }
    Ok(bytes)
}

fn text(bytes: &[u8], name: &str) -> Result<Zeroizing<String>, InputError> {
    match read_text(bytes) {
        Ok(text) => Ok(Zeroizing::new(text.into_owned())),
        Err(source) => Err(InputError::NoText {
            name: name.to_owned(),
            source,
        }),
    }
}

fn line(bytes: &[u8], name: &str) -> Result<Zeroizing<String>, InputError> {
    match read_line(bytes) {
        Ok(line) => Ok(Zeroizing::new(line.to_owned())),
        Err(source) => Err(InputError::NoText {
            name: name.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_by_one_rule_and_never_quoted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            line_file(&path).map_err(|error| error.to_string())
        };
        assert_eq!(
            &**read("\u{feff}correct horse\r\n".as_bytes()).unwrap(),
            "correct horse"
        );
        for (bytes, why) in [
            (&b"correct\nhorse\n"[..], "more than one line"),
            (b"\xFF\xFEc\0o\0", "UTF-16"),
            (b"correct h\xF6rse", "not UTF-8"),
        ] {
            let error = read(bytes).unwrap_err();
            assert!(error.contains(why) && error.contains("secret"), "{error}");
            assert!(!error.contains("correct"), "{error}");
        }
        assert!(text_file(&directory.path().join("none")).is_err());
    }
}
