//! Checks one complete HTTP/1 request head and returns the framing of its body. A head passes only if hyper and every
//! proxy in front read it in the same way. The check does no I/O and keeps no state.

use std::mem::MaybeUninit;

use hookgate_domain::RefusalCode;

use super::framing::Framing;
use crate::authority;
use crate::partial_head::MAX_HEADERS;

/// The method of a rejection request. Senders may not use it, so a request with it comes from the guard.
pub(super) const REJECTION_METHOD: &str = "REFUSED";

/// Maximum number of digits of `Content-Length`. 18 digits hold up to 888 PiB, and they fit 64 bits.
const MAX_LENGTH_DIGITS: usize = 18;

const HTTP_11: u8 = 1;

/// Checks `head`, which ends with its empty line.
pub(super) fn judge(head: &[u8]) -> Result<Framing, RefusalCode> {
    let mut slots = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, &mut slots) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(RefusalCode::HeadersTooLarge),
        Ok(_) | Err(_) => return Err(RefusalCode::BadRequest),
    }
    framing(&request).ok_or(RefusalCode::BadRequest)
}

fn framing(request: &httparse::Request<'_, '_>) -> Option<Framing> {
    let fields = Fields::collect(request.headers)?;
    let (method, target) = (request.method?, request.path?.as_bytes());
    let sound = !matches!(method, "CONNECT" | REJECTION_METHOD)
        && authority::is_sound(fields.host?)
        && target_is_sound(method, target, fields.host?);
    if !sound {
        return None;
    }
    match (fields.length, fields.coding) {
        (None, None) => Some(Framing::EMPTY),
        (Some(length), None) => body_length(length).map(Framing::length),
        (None, Some(coding)) => (request.version == Some(HTTP_11) && coding.eq_ignore_ascii_case(b"chunked"))
            .then(Framing::chunked),
        (Some(_), Some(_)) => None,
    }
}

/// The fields that decide the end of a message and its server. Each may occur once.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// `None` if a field occurs twice, or if `Upgrade` asks for another protocol.
    fn collect(headers: &[httparse::Header<'a>]) -> Option<Self> {
        let mut fields = Self::default();
        for header in headers {
            // The names differ in length, so most fields cost one comparison of integers.
            let (slot, name) = match header.name.len() {
                4 => (&mut fields.host, "host"),
                14 => (&mut fields.length, "content-length"),
                17 => (&mut fields.coding, "transfer-encoding"),
                7 if header.name.eq_ignore_ascii_case("upgrade") => return None,
                _ => continue,
            };
            if header.name.eq_ignore_ascii_case(name) && slot.replace(header.value).is_some() {
                return None;
            }
        }
        Some(fields)
    }
}

fn body_length(digits: &[u8]) -> Option<u64> {
    if !matches!(digits.len(), 1..=MAX_LENGTH_DIGITS) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |length, digit| length * 10 + u64::from(digit - b'0')),
    )
}

/// `true` if every parser reads these bytes as the same path and query.
fn is_path(target: &[u8]) -> bool {
    target.first() == Some(&b'/') && target.iter().all(|byte| is_target_byte(*byte))
}

/// `true` if every parser reads this byte as a part of a path or query.
pub(super) const fn is_target_byte(byte: u8) -> bool {
    TARGET_BYTES[byte as usize]
}

/// `true` for the origin form, for `*` with OPTIONS, and for an absolute `https` URL whose authority equals `Host`.
fn target_is_sound(method: &str, target: &[u8], host: &[u8]) -> bool {
    const SCHEME: &[u8] = b"https://";
    if target.first() == Some(&b'/') {
        return is_path(target);
    }
    if target == b"*" {
        return method == "OPTIONS";
    }
    let Some((scheme, rest)) = target.split_at_checked(SCHEME.len()) else {
        return false;
    };
    let end = rest
        .iter()
        .position(|byte| b"/?".contains(byte))
        .unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    scheme.eq_ignore_ascii_case(SCHEME)
        && authority::is_sound(authority)
        && authority::is_same(authority, host)
        && path.iter().all(|byte| is_target_byte(*byte))
}

/// The bytes of RFC 3986 paths and queries, and `[ ] { } |`, which senders write unescaped. Parsers disagree on
/// fragments, backslashes and bytes above ASCII.
const TARGET_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let allowed = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/?%[]{}|";
    let mut index = 0;
    while index < allowed.len() {
        table[allowed[index] as usize] = true;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn framing_of(fields: &str) -> Result<Framing, RefusalCode> {
        judge(format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n").as_bytes())
    }

    #[test]
    fn the_body_follows_from_the_head() {
        assert_eq!(framing_of(""), Ok(Framing::EMPTY));
        assert_eq!(framing_of("Content-Length: 12\r\n"), Ok(Framing::length(12)));
        assert_eq!(framing_of("content-length:0\r\n"), Ok(Framing::EMPTY));
        assert_eq!(
            framing_of("Transfer-Encoding: Chunked\r\n"),
            Ok(Framing::chunked())
        );
    }

    #[test]
    fn a_length_has_an_end() {
        assert!(framing_of(&format!("content-length: {}\r\n", "9".repeat(18))).is_ok());
        assert!(framing_of(&format!("content-length: {}\r\n", "9".repeat(19))).is_err());
    }

    #[test]
    fn the_number_of_fields_is_bounded() {
        let fields = |count: usize| "x: y\r\n".repeat(count - 1);
        assert!(framing_of(&fields(MAX_HEADERS)).is_ok());
        assert_eq!(
            framing_of(&fields(MAX_HEADERS + 1)),
            Err(RefusalCode::HeadersTooLarge)
        );
    }
}
