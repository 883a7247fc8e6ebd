//! Links that a sender gives: http and https only, and nothing in them that breaks out of a page or misleads.

use std::borrow::Cow;
use std::fmt::Write;

use crate::invisible::{has_hidden, is_invisible};

/// A URL that can be shown as a link, with what no URL may hold percent-encoded (RFC 3986, section 2.1); `None` if the text
/// is another scheme, has no host, or could lead elsewhere than it seems to.
pub(super) fn http_url(url: &str) -> Option<Cow<'_, str>> {
    let scheme = |name: &&str| {
        url.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let start = ["https://", "http://"].iter().find(|name| scheme(name))?.len();
    let rest = &url[start..];
    if is_plain(rest) {
        return Some(Cow::Borrowed(url));
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // In a host, an encoded character would be part of another name.
    let is_fit = authority.starts_with(|c: char| c.is_alphanumeric() || c == '[')
        && !authority.contains(is_unfit)
        && !has_hidden(path);
    if !is_fit {
        return None;
    }
    Some(if path.contains(is_unfit) {
        let mut encoded = url[..start + authority.len()].to_owned();
        path.chars().for_each(|c| encode(c, &mut encoded));
        Cow::Owned(encoded)
    } else {
        Cow::Borrowed(url)
    })
}

/// Whether this begins with the letter or digit of a host, and has only what a URL may hold in ASCII. Nearly all do, and a
/// byte is looked at faster than a character.
fn is_plain(rest: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\');
    rest.starts_with(|c: char| c.is_ascii_alphanumeric())
        && rest.bytes().fold(true, |sofar, byte| sofar & is_fit(byte))
}

/// Whether a character ends a URL, or breaks out of it, where one is written. Others outside RFC 3986, such as umlauts, are
/// what browsers take.
fn is_unfit(c: char) -> bool {
    is_invisible(c) || c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\')
}

fn encode(c: char, url: &mut String) {
    if is_unfit(c) {
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            // Writing to a text does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    } else {
        url.push(c);
    }
}
