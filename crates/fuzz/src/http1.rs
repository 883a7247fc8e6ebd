//! The guard in front of hyper: its output must not depend on how the stream is split, and a second, stricter parser must
//! find the same requests in it.

use std::sync::LazyLock;

use hookgate_transport::{Probe, ProbeEnd, guarded};
use tokio::runtime::{Builder, Runtime};

/// Most fields of a head.
const MAX_FIELDS: usize = 64;
/// Bytes of the longest head.
const MAX_HEAD: usize = 16 * 1024;
/// The method of the rejection request.
const REJECTION_METHOD: &[u8] = b"REFUSED";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime")
});

/// Reads a stream of HTTP/1. The first byte chooses the sizes of its pieces.
pub fn http1(data: &[u8]) {
    let Some((choice, stream)) = data.split_first() else {
        return;
    };
    let _runtime = RUNTIME.enter();
    let seen = guarded([stream], 8_192);
    let length = usize::from(choice % 32) + 1;
    assert_eq!(guarded(stream.chunks(length), usize::from(choice / 32) + 1), seen);

    let requests = requests(&seen);
    let refused = requests
        .last()
        .filter(|request| request.method == REJECTION_METHOD);
    assert_eq!(refused.is_some(), seen.end == ProbeEnd::Silent);
    let passed = seen.bytes.len() - refused.map_or(0, |request| request.length);
    assert_eq!(
        seen.bytes[..passed],
        stream[..passed],
        "what passes is not changed"
    );
    let stand_ins = requests
        .iter()
        .filter(|request| request.method == REJECTION_METHOD);
    assert!(stand_ins.count() <= 1, "nobody else uses that method");
}

/// A request as the second parser finds it.
struct Request<'a> {
    method: &'a [u8],
    /// Head and body, in bytes.
    length: usize,
}

/// Parses the requests in the guard's output. Only the body of the last one may be incomplete.
fn requests(seen: &Probe) -> Vec<Request<'_>> {
    let mut found = Vec::new();
    let mut rest = &seen.bytes[..];
    while !rest.is_empty() {
        let start = if rest.starts_with(b"\r\n") { 2 } else { 0 };
        let end = rest[start..].windows(4).position(|four| four == b"\r\n\r\n");
        let end = start + end.expect("heads pass whole");
        assert!(end + 4 <= MAX_HEAD);
        let (method, body) = head(&rest[start..end]);
        let body = match body {
            Body::Length(length) => length.min(rest.len() - end - 4),
            Body::Chunked => chunks(&rest[end + 4..]),
        };
        let (request, behind) = rest.split_at(end + 4 + body);
        found.push(Request {
            method,
            length: request.len(),
        });
        rest = behind;
    }
    found
}

enum Body {
    Length(usize),
    Chunked,
}

/// Parses a head, given without its empty line: the method, and the framing of the body.
fn head(head: &[u8]) -> (&[u8], Body) {
    let text = head.escape_ascii().to_string();
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first: Vec<_> = lines
        .next()
        .expect("a line")
        .split(|byte| *byte == b' ')
        .collect();
    let [method, target, version] = first[..] else {
        panic!("a request line has three words: {text}");
    };
    assert!(
        !method.is_empty() && method.iter().all(|byte| is_token(*byte)),
        "{text}"
    );
    assert!(
        !target.is_empty() && target.iter().all(u8::is_ascii_graphic),
        "{text}"
    );
    assert!(version == b"HTTP/1.1" || version == b"HTTP/1.0", "{text}");
    let fields: Vec<_> = lines.map(|line| field(line, &text)).collect();
    assert!(fields.len() <= MAX_FIELDS);
    let only = |wanted: &str| {
        let mut with_name = fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
        let value = with_name.next().map(|(_, value)| *value);
        assert!(with_name.next().is_none(), "{wanted} stands twice: {text}");
        value
    };
    assert!(only("host").is_some_and(|host| !host.is_empty()), "{text}");
    assert!(only("upgrade").is_none(), "{text}");
    let body = match (only("content-length"), only("transfer-encoding")) {
        (None, None) => Body::Length(0),
        (Some(length), None) => Body::Length(decimal(length).unwrap_or_else(|| panic!("a length: {text}"))),
        (None, Some(coding)) => {
            assert!(
                coding.eq_ignore_ascii_case(b"chunked") && version == b"HTTP/1.1",
                "{text}"
            );
            Body::Chunked
        }
        (Some(_), Some(_)) => panic!("two framings: {text}"),
    };
    (method, body)
}

/// Name and value of a field.
fn field<'a>(line: &'a [u8], text: &str) -> (&'a [u8], &'a [u8]) {
    let colon = line.iter().position(|byte| *byte == b':');
    let (name, value) = line.split_at(colon.unwrap_or_else(|| panic!("a field has a colon: {text}")));
    assert!(
        !name.is_empty() && name.iter().all(|byte| is_token(*byte)),
        "{text}"
    );
    let is_text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    assert!(value.iter().all(is_text), "{text}");
    (name, value[1..].trim_ascii())
}

/// `tchar` of RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn decimal(digits: &[u8]) -> Option<usize> {
    let text = str::from_utf8(digits)
        .ok()
        .filter(|_| digits.iter().all(u8::is_ascii_digit))?;
    text.parse().ok()
}

/// Length of a chunked body in bytes, or of all the bytes if the body is incomplete.
fn chunks(body: &[u8]) -> usize {
    let mut rest = body;
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let text = str::from_utf8(&rest[..line]).expect("a size");
        let size = u64::from_str_radix(text, 16).expect("a size");
        let end = usize::try_from(size)
            .unwrap_or(usize::MAX)
            .saturating_add(line + 4);
        let Some((chunk, behind)) = rest.split_at_checked(end) else {
            break;
        };
        assert!(chunk.ends_with(b"\r\n"), "a chunk ends where it says");
        rest = behind;
        if size == 0 {
            return body.len() - rest.len();
        }
    }
    body.len()
}
