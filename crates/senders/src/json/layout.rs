//! Formats a JSON text, for people and for answers. Nothing is rounded, reordered or left out.

use hookgate_domain::text::without_mark;

use super::check;
use super::string::{Scanned, scan, unescape};

/// A layout of JSON texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonLayout {
    /// One line, to be embedded in another JSON text. Two things that some JSON parsers fail at are replaced: half of a
    /// surrogate pair becomes U+FFFD, and a number outside the range of a double becomes a string.
    Compact,
    /// Many lines, indented by two spaces.
    Indented,
}

/// Formats a JSON text. Returns `None` if it is not JSON, or is nested more than [`MAX_DEPTH`](super::MAX_DEPTH) levels deep.
#[must_use]
pub fn lay_out(text: &[u8], layout: JsonLayout) -> Option<String> {
    check(text).ok()?;
    let text = str::from_utf8(without_mark(text)).ok()?;
    let mut writer = Writer {
        out: String::with_capacity(text.len()),
        layout,
        level: 0,
    };
    let mut rest = text.trim_start();
    while let Some(first) = rest.bytes().next() {
        rest = writer.token(first, rest).trim_start();
    }
    Some(writer.out)
}

struct Writer {
    out: String,
    layout: JsonLayout,
    level: usize,
}

impl Writer {
    /// Writes the next token, which begins with `first`, and returns the rest. The text is valid JSON.
    fn token<'a>(&mut self, first: u8, rest: &'a str) -> &'a str {
        match first {
            b'"' => {
                let length = scan(&rest[1..]).map_or(rest.len(), |(scanned, length)| {
                    self.string(scanned);
                    1 + length
                });
                &rest[length..]
            }
            b'{' | b'[' => {
                self.out.push(char::from(first));
                let inside = rest[1..].trim_start();
                if inside.starts_with(['}', ']']) {
                    self.out.push_str(&inside[..1]);
                    return &inside[1..];
                }
                self.level += 1;
                self.line();
                inside
            }
            b'}' | b']' => {
                self.level = self.level.saturating_sub(1);
                self.line();
                self.out.push(char::from(first));
                &rest[1..]
            }
            b',' => {
                self.out.push(',');
                self.line();
                &rest[1..]
            }
            b':' => {
                self.out.push(':');
                if self.layout == JsonLayout::Indented {
                    self.out.push(' ');
                }
                &rest[1..]
            }
            _ => {
                let is_end = |c: char| matches!(c, ',' | '}' | ']') || c.is_ascii_whitespace();
                let (scalar, rest) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
                self.scalar(scalar);
                rest
            }
        }
    }

    fn line(&mut self) {
        if self.layout == JsonLayout::Indented {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", self.level));
        }
    }

    fn scalar(&mut self, scalar: &str) {
        let fits =
            !scalar.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) || is_double(scalar);
        if fits || self.layout == JsonLayout::Indented {
            self.out.push_str(scalar);
        } else {
            self.out.extend(["\"", scalar, "\""]);
        }
    }

    fn string(&mut self, scanned: Scanned<'_>) {
        self.out.push('"');
        match scanned {
            Scanned::Escaped(raw) if self.layout == JsonLayout::Compact => self.whole_characters(raw),
            Scanned::Plain(raw) | Scanned::Escaped(raw) => self.out.push_str(raw),
        }
        self.out.push('"');
    }

    /// Writes a string with its escapes. Halves of surrogate pairs become U+FFFD.
    fn whole_characters(&mut self, raw: &str) {
        let mut rest = raw;
        while let Some((plain, escaped)) = rest.split_once('\\') {
            self.out.push_str(plain);
            let (c, length) = unescape(escaped);
            if c.is_some() {
                self.out.push('\\');
                self.out.push_str(&escaped[..length]);
            } else {
                self.out.push(char::REPLACEMENT_CHARACTER);
            }
            rest = &escaped[length..];
        }
        self.out.push_str(rest);
    }
}

/// Returns `true` if the number is in the range of a double. JSON parsers that read all numbers as doubles fail at others.
#[must_use]
pub fn is_double(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_finite)
}
