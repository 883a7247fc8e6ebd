//! Checks an HTTP/1 request head and returns its length and the framing of its body. A head passes only if hyper and every
//! proxy in front read it in the same way. The check does no I/O, keeps no state and copies nothing.

use hookgate_domain::RefusalCode;
use memchr::memchr;

use super::framing::Framing;
use crate::authority;
use crate::partial_head::MAX_HEADERS;

/// The method of a rejection request. Senders may not use it, so a request with it comes from the guard.
pub(super) const REJECTION_METHOD: &str = "REFUSED";

/// Maximum number of digits of `Content-Length`. 18 digits hold up to 888 PiB, and they fit 64 bits.
const MAX_LENGTH_DIGITS: usize = 18;

/// A head that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SoundHead {
    /// Its length in bytes, with the empty line.
    pub(super) length: usize,
    /// The framing of its body.
    pub(super) framing: Framing,
}

/// Checks the head at the start of `bytes`. A head without its empty line is a `BadRequest`.
pub(super) fn judge(bytes: &[u8]) -> Result<SoundHead, RefusalCode> {
    let lines = Lines::read(bytes).ok_or(RefusalCode::BadRequest)?;
    if lines.are_too_many && lines.request.is_well_formed() {
        return Err(RefusalCode::HeadersTooLarge);
    }
    let framing = lines.framing().ok_or(RefusalCode::BadRequest)?;
    Ok(SoundHead {
        length: lines.length,
        framing,
    })
}

/// The lines of a head that follow the grammar of RFC 9112, without the obsolete parts.
struct Lines<'a> {
    request: RequestLine<'a>,
    fields: Fields<'a>,
    /// `true` if there are more than [`MAX_HEADERS`] fields. Those after the first surplus one are not read.
    are_too_many: bool,
    length: usize,
}

impl<'a> Lines<'a> {
    /// `None` if a line breaks the grammar, or if the empty line is missing.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        // RFC 9112 section 2.2 asks servers to ignore one empty line before the request line.
        let (request_line, mut rest) = split_line(bytes.strip_prefix(b"\r\n").unwrap_or(bytes))?;
        let request = RequestLine::read(request_line)?;
        let (mut fields, mut count) = (Fields::default(), 0);
        loop {
            let (line, after) = split_line(rest)?;
            rest = after;
            if line.is_empty() {
                break;
            }
            fields.add(line)?;
            count += 1;
            if count > MAX_HEADERS {
                break;
            }
        }
        let length = bytes.len() - rest.len();
        Some(Self {
            request,
            fields,
            are_too_many: count > MAX_HEADERS,
            length,
        })
    }

    /// The framing of the body. `None` if two parsers could read the head differently.
    fn framing(&self) -> Option<Framing> {
        let (request, fields) = (&self.request, &self.fields);
        let host = fields.host?;
        let is_sound = !self.are_too_many
            && !fields.are_unsound
            && !matches!(request.method, b"CONNECT")
            && request.method != REJECTION_METHOD.as_bytes()
            && authority::is_sound(host)
            && target_is_sound(request.method, request.target, host);
        if !is_sound {
            return None;
        }
        match (fields.length, fields.coding) {
            (None, None) => Some(Framing::EMPTY),
            (Some(length), None) => body_length(length).map(Framing::length),
            (None, Some(coding)) => {
                (request.is_http_11 && coding.eq_ignore_ascii_case(b"chunked")).then(Framing::chunked)
            }
            (Some(_), Some(_)) => None,
        }
    }
}

/// The first line without its `\r\n`, and the bytes behind it. `None` if it has no end, or ends with a bare `\n`.
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b'\n', bytes)?;
    Some((bytes[..end].strip_suffix(b"\r")?, &bytes[end + 1..]))
}

/// `true` if a value has no control characters but tabs.
#[inline(never)]
fn is_text(value: &[u8]) -> bool {
    all_bytes(value, |byte| byte >= b' ' && byte != 0x7F || byte == b'\t')
}

/// `true` if all bytes are allowed. `a` must be. Works on 16 bytes at once, without an early exit, so that the compiler
/// vectorizes `is_allowed`. It does so only if the caller is not inlined in turn.
fn all_bytes(bytes: &[u8], is_allowed: impl Fn(u8) -> bool) -> bool {
    let (chunks, rest) = bytes.as_chunks::<16>();
    let mut last = [b'a'; 16];
    last[..rest.len()].copy_from_slice(rest);
    let mut faults = [0; 16];
    for chunk in chunks.iter().chain([&last]) {
        for (fault, byte) in faults.iter_mut().zip(chunk) {
            *fault |= u8::from(!is_allowed(*byte));
        }
    }
    faults == [0; 16]
}

struct RequestLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
    is_http_11: bool,
}

impl<'a> RequestLine<'a> {
    /// Splits the line. The target may be any bytes.
    fn read(line: &'a [u8]) -> Option<Self> {
        let (line, version) = line.split_last_chunk()?;
        let is_http_11 = match version {
            b" HTTP/1.1" => true,
            b" HTTP/1.0" => false,
            _ => return None,
        };
        let (method, target) = split_token(line, b' ')?;
        Some(Self {
            method,
            target,
            is_http_11,
        })
    }

    /// `true` if the target is one word, whatever its form.
    fn is_well_formed(&self) -> bool {
        let target = str::from_utf8(self.target);
        target
            .is_ok_and(|target| !target.is_empty() && target.bytes().all(|byte| byte > b' ' && byte != 0x7F))
    }
}

/// The token (RFC 9110, section 5.6.2) before the first `separator`, and the bytes behind the separator.
fn split_token(line: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| !TOKEN_BYTES[usize::from(*byte)])?;
    let (token, rest) = line.split_at(end);
    let rest = rest.strip_prefix(&[separator])?;
    (!token.is_empty()).then_some((token, rest))
}

/// The fields that decide the end of a message and its server. Each may occur once.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
    /// `true` if a field occurred twice, or if `Upgrade` asked for another protocol.
    are_unsound: bool,
}

impl<'a> Fields<'a> {
    /// `None` if the line is no field.
    fn add(&mut self, line: &'a [u8]) -> Option<()> {
        let (name, value) = split_token(line, b':')?;
        if !is_text(value) {
            return None;
        }
        // The names differ in length, so most fields cost one comparison of integers.
        let (slot, is_name) = match name.len() {
            4 => (&mut self.host, is_name(name, b"host")),
            14 => (&mut self.length, is_name(name, b"content-length")),
            17 => (&mut self.coding, is_name(name, b"transfer-encoding")),
            7 => {
                self.are_unsound |= is_name(name, b"upgrade");
                return Some(());
            }
            _ => return Some(()),
        };
        if is_name {
            self.are_unsound |= slot.replace(value.trim_ascii()).is_some();
        }
        Some(())
    }
}

/// `true` if `token` is this name of lower-case letters and hyphens, in any case. In a token, only a letter's two forms
/// and the hyphen itself become a letter or a hyphen when bit 5 is set.
fn is_name<const LENGTH: usize>(token: &[u8], name: &[u8; LENGTH]) -> bool {
    <&[u8; LENGTH]>::try_from(token).is_ok_and(|token| {
        let pairs = token.iter().zip(name);
        pairs.fold(true, |is_name, (byte, known)| is_name && byte | 0x20 == *known)
    })
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
    target.first() == Some(&b'/') && are_target_bytes(target)
}

/// `true` if every parser reads these bytes as parts of a path or query.
#[inline(never)]
fn are_target_bytes(bytes: &[u8]) -> bool {
    all_bytes(bytes, is_target_byte)
}

/// `true` if every parser reads this byte as a part of a path or query: the bytes of RFC 3986, and `[ ] { } |`, which
/// senders write unescaped. Parsers disagree on fragments, backslashes and bytes above ASCII.
pub(super) const fn is_target_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`')
}

/// `true` for the origin form, for `*` with OPTIONS, and for an absolute `https` URL whose authority equals `Host`.
fn target_is_sound(method: &[u8], target: &[u8], host: &[u8]) -> bool {
    const SCHEME: &[u8] = b"https://";
    if target.first() == Some(&b'/') {
        return is_path(target);
    }
    if target == b"*" {
        return method == b"OPTIONS";
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
        && are_target_bytes(path)
}

/// The bytes of a token.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!#$%&'*+^`|";
    let mut index = 0;
    while index < bytes.len() {
        table[bytes[index] as usize] = true;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests;
