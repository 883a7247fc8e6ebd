//! The request that hyper gets in place of a refused one. The guard refuses its method to senders, so a request with
//! that method comes from the guard. It carries the code, and the target and `User-Agent` as far as they could be read,
//! because the refusal belongs on the record of the webhook whose URL was used.

use std::fmt::Write;

use hookgate_domain::RefusalCode;
use hyper::Request;

use super::head::{self, REJECTION_METHOD};
use crate::partial_head::partial_head;

/// Maximum size of the path, the query and the user agent. Longer paths and queries are cut, and longer user agents
/// left out: no URL of ours is so long, and the rejection request stays small.
const MAX_KEPT: usize = 1024;

/// A well-formed request for the same path. Its query is `code`, followed by the sender's query. `head` has the whole
/// lines of the refused head, and may be any bytes.
///
/// Forwarding headers are not copied: the last one counts, and it may not have arrived.
pub(super) fn request(code: RefusalCode, head: &[u8]) -> Vec<u8> {
    let (target, user_agent) = partial_head(head).unwrap_or(("/", b""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, mut query) = (well_formed(path), well_formed(query));
    if !query.is_empty() {
        query.insert(0, '&');
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    let target = format!("{slash}{path}?{code}{query}");
    let mut request = format!("{REJECTION_METHOD} {target} HTTP/1.1\r\nhost: refused\r\n").into_bytes();
    if matches!(user_agent.len(), 1..=MAX_KEPT) {
        request.extend_from_slice(b"user-agent: ");
        request.extend_from_slice(user_agent);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// Percent-encodes the bytes of `part` that parsers read differently, and cuts it to [`MAX_KEPT`] bytes. An ID in it
/// can still be found.
fn well_formed(part: &str) -> String {
    let mut text = String::new();
    for byte in part.bytes().take(MAX_KEPT) {
        if head::is_target_byte(byte) && byte != b'?' {
            text.push(byte.into());
        } else {
            // Writing to a `String` does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The code of a rejection request. `None` for a sender's own request.
pub(crate) fn refusal_of<B>(request: &Request<B>) -> Option<RefusalCode> {
    if request.method().as_str() != REJECTION_METHOD {
        return None;
    }
    let name = request.uri().query().and_then(|query| query.split('&').next());
    let code = name.and_then(|name| name.parse().ok());
    Some(code.unwrap_or(RefusalCode::BadRequest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: [RefusalCode; 3] = [
        RefusalCode::BadRequest,
        RefusalCode::HeadersTooLarge,
        RefusalCode::RequestTimeout,
    ];

    fn rejection_request(code: RefusalCode, head: &[u8]) -> String {
        String::from_utf8(request(code, head)).expect("UTF-8")
    }

    #[test]
    fn a_rejection_request_names_its_code() {
        for code in CODES {
            for head in [&b""[..], b"POST /a?b HTTP/1.1\r\n"] {
                let text = rejection_request(code, head);
                let mut words = text.split(' ');
                let made = Request::builder()
                    .method(words.next().expect("a method"))
                    .uri(words.next().expect("a path"))
                    .body(())
                    .expect("a request");
                assert_eq!(refusal_of(&made), Some(code));
            }
        }
        assert_eq!(refusal_of(&Request::new(())), None);
    }

    #[test]
    fn what_can_be_read_of_the_request_is_taken_over() {
        let long = format!("POST /{} HTTP/1.1\r\n", "a".repeat(MAX_KEPT));
        let cut = format!("/{}", "a".repeat(MAX_KEPT - 1));
        let cases: [(&[u8], &str); 10] = [
            (b"", "/"),
            (b"POST /wh_1 HTTP/1.1\r\n", "/wh_1"),
            (b"\r\nPOST /wh_1?x=y HTTP/1.1\r\nhost a\r\n", "/wh_1?&x=y"),
            (b"POST https://a/wh_1?x=/y HTTP/1.1\r\n", "/wh_1?&x=/y"),
            (b"POST /wh_1\\ HTTP/1.1\r\n", "/wh_1%5C"),
            (
                "POST /wh_1\u{e9}#a?b#c HTTP/1.1\r\n".as_bytes(),
                "/wh_1%C3%A9%23a?&b%23c",
            ),
            (b"POST wh_1 HTTP/1.1\r\n", "/wh_1"),
            (b"OPTIONS * HTTP/1.1\r\n", "/*"),
            (b"\x16\x03\x01\r\n", "/"),
            (long.as_bytes(), &cut),
        ];
        for (head, target) in cases {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let expected = format!("REFUSED {path}?BAD_REQUEST{query} HTTP/1.1\r\nhost: refused\r\n\r\n");
            assert_eq!(rejection_request(RefusalCode::BadRequest, head), expected);
        }
        let head = b"POST / HTTP/1.1\r\nUser-Agent: x/1\r\nx-forwarded-for: 192.0.2.1\r\n";
        let expected = "REFUSED /?HEADERS_TOO_LARGE HTTP/1.1\r\nhost: refused\r\nuser-agent: x/1\r\n\r\n";
        assert_eq!(rejection_request(RefusalCode::HeadersTooLarge, head), expected);
    }
}
