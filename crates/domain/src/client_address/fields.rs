//! Parses the addresses of forwarding headers from the last one to the first. Proxies append to a header, so a client's own
//! part comes first. Parsed from the end, that part can't change the meaning of the rest, not even with an unclosed quote.

use std::net::IpAddr;

use super::node::{bare_node, node};
use super::{ForwardingFields, ForwardingHeader, SourceFault};

/// Parses the addresses in a header's lines: last line first, last element first.
pub(super) fn addresses(
    header: ForwardingHeader,
    fields: &(impl ForwardingFields + ?Sized),
) -> impl Iterator<Item = Result<IpAddr, SourceFault>> {
    fields
        .lines(header)
        .rev()
        .flat_map(move |line| Elements::of(header, line))
        .map(move |element| match header {
            ForwardingHeader::XForwardedFor => bare_node(element),
            ForwardingHeader::Forwarded => forwarded(element),
        })
}

/// The elements of one line, last one first, trimmed. An empty line has one empty element: a proxy wrote it that knew no
/// client, so the line before must not be read in its place.
struct Elements<'a> {
    rest: Option<&'a [u8]>,
    quotes: bool,
}

impl<'a> Elements<'a> {
    const fn of(header: ForwardingHeader, line: &'a [u8]) -> Self {
        Self {
            rest: Some(line),
            quotes: matches!(header, ForwardingHeader::Forwarded),
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let (before, element) = split_last(rest, b',', self.quotes);
        self.rest = before;
        Some(element.trim_ascii())
    }
}

/// Splits a text at its last separator. With `quotes`, separators in quoted strings are skipped, as seen from the end of the
/// text. Escapes in a quoted string are not interpreted here: [`forwarded`] refuses them.
fn split_last(text: &[u8], separator: u8, quotes: bool) -> (Option<&[u8]>, &[u8]) {
    let mut inside = false;
    for (at, byte) in text.iter().enumerate().rev() {
        if quotes && *byte == b'"' {
            inside = !inside;
        } else if *byte == separator && !inside {
            return (Some(&text[..at]), &text[at + 1..]);
        }
    }
    (None, text)
}

/// Parses the address of a `forwarded-element` (RFC 7239, section 4), which must have exactly one `for`.
fn forwarded(element: &[u8]) -> Result<IpAddr, SourceFault> {
    let mut named = None;
    let mut rest = Some(element);
    while let Some(text) = rest {
        let (before, pair) = split_last(text, b';', true);
        rest = before;
        let pair = pair.trim_ascii();
        if pair.is_empty() {
            continue;
        }
        let (name, value) = read_pair(pair).ok_or(SourceFault::Malformed)?;
        if name.eq_ignore_ascii_case(b"for") && named.replace(value).is_some() {
            return Err(SourceFault::Malformed);
        }
    }
    node(named.ok_or(SourceFault::Malformed)?)
}

/// Parses a `forwarded-pair` into its name and its value without quotes.
fn read_pair(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (&pair[..equals], &pair[equals + 1..]);
    let is_token = |text: &[u8]| !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte));
    if !is_token(name) {
        return None;
    }
    if is_token(value) {
        return Some((name, value));
    }
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    // Escapes are refused: no address and no host needs one, and parsers disagree on where an escaped string ends.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | 0x80..) && !matches!(byte, b'"' | b'\\');
    inner.iter().all(plain).then_some((name, inner))
}

/// `tchar` of RFC 9110, section 5.6.2.
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}
