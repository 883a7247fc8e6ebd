//! What can be read of an HTTP/1 head that is not served, for the record of the one whose URL it was. The head may be
//! broken, cut off, or no HTTP at all.

use hookgate_domain::holds_webhook_id;

use crate::strict::MAX_HEADERS;

/// Path and user agent, as far as the head can be read. `None` when it has no request line.
pub(crate) fn sighting(head: &[u8]) -> Option<(&str, &[u8])> {
    let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut slots);
    // The outcome doesn't matter: the parser keeps what it read before it gave up.
    let _ = request.parse(head);
    let path = match request.path {
        Some(target) => origin_form(target),
        None => unreadable_target(head)?,
    };
    let user_agent = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("user-agent"));
    Some((path, user_agent.map_or(&[][..], |header| header.value)))
}

/// The target in a line that is no request line, if it holds a webhook ID: whose it is shall know.
fn unreadable_target(head: &[u8]) -> Option<&str> {
    let line = head
        .split(|byte| *byte == b'\n')
        .find(|line| !line.trim_ascii().is_empty())?;
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let word = words.find(|word| holds_webhook_id(word))?;
    match str::from_utf8(word) {
        Ok(target) => Some(origin_form(target)),
        Err(error) => str::from_utf8(&word[..error.valid_up_to()]).ok().map(origin_form),
    }
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
        let id = crate::testing::webhook_id(1);
        let path = format!("/webhooks/custom/{}", id.reveal());
        for head in [
            format!("POST {path}\u{1} HTTP/1.1\r\n\r\n"),
            format!("{path}\r\n\r\n"),
            format!("\r\n\u{0} https://a{path}\r\n"),
        ] {
            let seen = sighting(head.as_bytes()).map(|seen| seen.0);
            assert_eq!(
                seen.map(|seen| seen.trim_end_matches('\u{1}')),
                Some(path.as_str()),
                "{head:?}"
            );
        }
        let many = format!("GET /wh_1 HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(70));
        assert_eq!(sighting(many.as_bytes()).map(|seen| seen.0), Some("/wh_1"));
    }
}
