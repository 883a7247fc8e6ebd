//! Links from senders: http and https only, without characters that break out of an HTML attribute or mislead people.

use std::borrow::Cow;
use std::fmt::Write;

use crate::invisible::{has_hidden, is_invisible};

/// Makes a URL that can be shown as a link. Forbidden characters in the path are percent-encoded (RFC 3986, section 2.1).
/// `None` if the text has another scheme, has no host, has a forbidden character in its host, or has hidden characters.
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
    // Percent-encoding in a host would make the name of another host.
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

/// Returns `true` if the text begins with an ASCII letter or digit and has only ASCII characters that a URL may have. A fast
/// path for nearly all URLs: bytes are checked faster than characters.
fn is_plain(rest: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\');
    rest.starts_with(|c: char| c.is_ascii_alphanumeric())
        && rest.bytes().fold(true, |sofar, byte| sofar & is_fit(byte))
}

/// Returns `true` if a character is invisible, or would end or break out of a URL in a text or in HTML. Others outside RFC
/// 3986, such as umlauts, are allowed: browsers accept them.
fn is_unfit(c: char) -> bool {
    is_invisible(c) || c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\')
}

fn encode(c: char, url: &mut String) {
    if is_unfit(c) {
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            // Writing to a `String` does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    } else {
        url.push(c);
    }
}
