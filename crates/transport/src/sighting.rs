//! What can be read of an HTTP/1 head that is not served, for the record of the one whose URL it was. The head may be
//! broken, cut off, or no HTTP at all.

use crate::strict::MAX_HEADERS;

/// Path and user agent, as far as the head can be read. `None` when it has no request line.
pub(crate) fn sighting(head: &[u8]) -> Option<(&str, &[u8])> {
    let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut slots);
    // The outcome doesn't matter: the parser keeps what it read before it gave up.
    let _ = request.parse(head);
    let path = origin_form(request.path?);
    let user_agent = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("user-agent"));
    Some((path, user_agent.map_or(&[][..], |header| header.value)))
}

/// The part from the path on of an absolute target.
fn origin_form(target: &str) -> &str {
    match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("/", |slash| &rest[slash..]),
        _ => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_seen_in_whole_and_in_broken_heads() {
        let whole = b"POST /webhooks/custom/wh_1 HTTP/1.1\r\nHost: a\r\nUser-Agent: x/1\r\n\r\nbody";
        assert_eq!(sighting(whole), Some(("/webhooks/custom/wh_1", &b"x/1"[..])));
        assert_eq!(sighting(b"POST /wh_1 HTTP/1.1\r\nHo"), Some(("/wh_1", &b""[..])));
        assert_eq!(
            sighting(b"GET http://a:80/wh_1?x=http://b/ HTTP/1.1\r\n\r\n").map(|seen| seen.0),
            Some("/wh_1?x=http://b/")
        );
        assert_eq!(
            sighting(b"GET /?x=http://b/ HTTP/1.1\r\n\r\n").map(|seen| seen.0),
            Some("/?x=http://b/")
        );
        assert_eq!(sighting(b"hello\r\n"), None);
        let many = format!("GET /wh_1 HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(70));
        assert_eq!(sighting(many.as_bytes()).map(|seen| seen.0), Some("/wh_1"));
    }
}
