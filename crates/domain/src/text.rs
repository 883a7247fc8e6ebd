//! Decoding of texts that people make.

use std::borrow::Cow;

use thiserror::Error;

/// Byte-order mark of UTF-8, which editors write before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Byte-order marks of UTF-16, in both orders of bytes.
const UTF_16_MARKS: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];

/// Decodes a text file, a pipe or a body that people made, always by the same rule: UTF-8 with or without a byte-order
/// mark. Concatenated files may have a mark at the start of any line; no mark is part of the text.
///
/// # Errors
/// [`TextError`], which never quotes the text: it may be a secret.
///
/// ```
/// use hookgate_domain::text::{TextError, read_text};
///
/// assert_eq!(read_text("\u{feff}192.0.2.1\r\n".as_bytes())?, "192.0.2.1\r\n");
/// assert_eq!(read_text(b"\xFF\xFEa\0"), Err(TextError::Utf16));
/// # Ok::<(), TextError>(())
/// ```
pub fn read_text(bytes: &[u8]) -> Result<Cow<'_, str>, TextError> {
    match read_text_bytes(bytes)? {
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Err(TextError::NotUtf8),
        },
        Cow::Owned(bytes) => String::from_utf8(bytes)
            .map(Cow::Owned)
            .map_err(|_| TextError::NotUtf8),
    }
}

/// As [`read_text`], for formats whose lines are ASCII and whose comments may be in any encoding, such as PEM.
///
/// # Errors
/// [`TextError::Utf16`], or [`TextError::Nul`], which most binary files such as DER give.
///
/// ```
/// use hookgate_domain::text::{TextError, read_text_bytes};
///
/// let pem = b"Soci\xE9t\xE9\n\xEF\xBB\xBF-----BEGIN CERTIFICATE-----\n";
/// assert_eq!(&*read_text_bytes(pem)?, b"Soci\xE9t\xE9\n-----BEGIN CERTIFICATE-----\n");
/// # Ok::<(), TextError>(())
/// ```
pub fn read_text_bytes(bytes: &[u8]) -> Result<Cow<'_, [u8]>, TextError> {
    if UTF_16_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(TextError::Utf16);
    }
    let bytes = without_mark(bytes);
    if bytes.contains(&0) {
        return Err(TextError::Nul);
    }
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    if !lines.any(|line| line.starts_with(BYTE_ORDER_MARK)) {
        return Ok(Cow::Borrowed(bytes));
    }
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    Ok(Cow::Owned(lines.flat_map(without_mark).copied().collect()))
}

/// Decodes one line, such as a password, a URL or a token, from a file or a pipe: as [`read_text`], without line breaks
/// at the end.
///
/// # Errors
/// [`TextError`]; [`TextError::Lines`] if something follows the first line.
///
/// ```
/// use hookgate_domain::text::{TextError, read_line};
///
/// assert_eq!(read_line("\u{feff}correct horse\r\n".as_bytes())?, "correct horse");
/// assert_eq!(read_line(b"one\ntwo\n"), Err(TextError::Lines));
/// # Ok::<(), TextError>(())
/// ```
pub fn read_line(bytes: &[u8]) -> Result<&str, TextError> {
    // A mark at the start of a later line is of no account: more than one line is refused.
    let line = match read_text(bytes)? {
        Cow::Borrowed(text) => text.trim_end_matches(['\r', '\n']),
        Cow::Owned(_) => return Err(TextError::Lines),
    };
    if line.contains(['\r', '\n']) {
        return Err(TextError::Lines);
    }
    Ok(line)
}

/// The bytes after the byte-order mark, if there is one (RFC 8259, section 8.1 lets readers of JSON ignore it).
///
/// ```
/// assert_eq!(hookgate_domain::text::without_mark(b"\xEF\xBB\xBF{}"), b"{}");
/// assert_eq!(hookgate_domain::text::without_mark(b"{}"), b"{}");
/// ```
#[must_use]
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// Errors of decoding a text. They never quote it.
///
/// ```
/// assert_eq!(
///     hookgate_domain::text::TextError::Utf16.to_string(),
///     "it is UTF-16; save it as UTF-8"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// It has a UTF-16 byte-order mark, as PowerShell's `>` and some editors write it.
    #[error("it is UTF-16; save it as UTF-8")]
    Utf16,
    /// It is another encoding, or no text at all.
    #[error("it is not UTF-8 text")]
    NotUtf8,
    /// UTF-16 without a mark, or a binary file.
    #[error("it has NUL characters; it is UTF-16 or a binary file, not UTF-8 text")]
    Nul,
    /// One line is expected.
    #[error("it has more than one line")]
    Lines,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_are_no_part_of_a_text_wherever_files_were_joined() {
        assert_eq!(
            read_text("\u{feff}a\r\n\u{feff}b\n".as_bytes()).unwrap(),
            "a\r\nb\n"
        );
        assert_eq!(read_text("a\u{feff}b".as_bytes()).unwrap(), "a\u{feff}b");
        assert_eq!(read_text(b"").unwrap(), "");
    }

    #[test]
    fn other_encodings_are_named() {
        for (bytes, error) in [
            (&b"\xFF\xFEa\0b\0"[..], TextError::Utf16),
            (b"\xFE\xFF\0a", TextError::Utf16),
            (b"a\0b\0", TextError::Nul),
            (b"caf\xE9", TextError::NotUtf8),
        ] {
            assert_eq!(read_text(bytes), Err(error), "{bytes:?}");
            assert_eq!(read_line(bytes), Err(error), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn a_line_is_the_same_however_an_editor_saves_it(line in "[^\u{0}\r\n\u{feff}]{0,40}", mark: bool, end in "(\r?\n){0,2}") {
            let mark = if mark { "\u{feff}" } else { "" };
            let file = format!("{mark}{line}{end}");
            prop_assert_eq!(read_line(file.as_bytes()), Ok(&*line));
        }
    }
}
