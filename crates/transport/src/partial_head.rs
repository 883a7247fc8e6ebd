//! Finds the webhook IDs that bytes without TLS exposed. The bytes may be a request, the beginning of one, or no HTTP
//! at all: the form and checksum of an ID are recognized anywhere in them.

use hookgate_domain::WebhookId;
use hookgate_domain::webhook_id::{find_webhook_ids, holds_webhook_id};

/// Maximum number of header fields. Known senders use fewer than 30; hyper alone would take 100.
pub(crate) const MAX_HEADERS: usize = 64;

/// Maximum number of IDs of one request that are looked up. A URL with another URL in its query has two.
pub const MAX_IDS: usize = 4;

/// The readable parts of bytes that arrived without TLS. They may hold a live webhook ID and must never be logged.
pub struct PlainHttp<'a> {
    /// The target of the request as it was sent, from its path on. `None` if there is no request line, and no ID in the
    /// first line.
    pub target: Option<&'a str>,
    /// The `User-Agent`; empty if there is none.
    pub user_agent: &'a [u8],
    /// IDs elsewhere: in a header, in a body, or in bytes that are no request.
    pub other_ids: Vec<WebhookId>,
}

impl<'a> PlainHttp<'a> {
    /// Reads the first bytes of a connection.
    #[must_use]
    pub fn of(sent: &'a [u8]) -> Self {
        let (target, user_agent) = match partial_head(sent) {
            Some((target, user_agent)) => (Some(target), user_agent),
            None => (None, &[][..]),
        };
        let in_target = target.map(|target| find_webhook_ids(target.as_bytes()));
        let mut other_ids = find_webhook_ids(sent);
        other_ids.retain(|id| {
            !in_target
                .iter()
                .flatten()
                .any(|found| found.digest() == id.digest())
        });
        other_ids.truncate(MAX_IDS);
        Self {
            target,
            user_agent,
            other_ids,
        }
    }

    /// Reads the IDs in the bytes from `seen` on that do not occur before. `None` if there are none.
    pub(crate) fn of_rest(sent: &'a [u8], seen: usize) -> Option<Self> {
        let before: Vec<_> = find_webhook_ids(&sent[..seen])
            .iter()
            .map(WebhookId::digest)
            .collect();
        let mut other_ids = find_webhook_ids(sent);
        other_ids.retain(|id| !before.contains(&id.digest()));
        other_ids.truncate(MAX_IDS);
        (!other_ids.is_empty()).then_some(Self {
            target: None,
            user_agent: &[],
            other_ids,
        })
    }

    /// `true` if the bytes hold no request and no ID.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.target.is_none() && self.other_ids.is_empty()
    }
}

/// The target and the user agent of an HTTP/1 head that is not served, as far as they can be read. `None` if there is
/// no request line and no ID in the first line.
pub(crate) fn partial_head(head: &[u8]) -> Option<(&str, &[u8])> {
    let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut slots);
    // The result does not matter: the parser keeps the parts that it read before an error.
    let _ = request.parse(head);
    let target = match request.path {
        Some(target) => origin_form(target),
        None => unreadable_target(head)?,
    };
    let user_agent = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("user-agent"));
    Some((target, user_agent.map_or(&[][..], |header| header.value)))
}

/// The word with a webhook ID in a first line that is no request line. The webhook's owner must learn that its ID was
/// exposed.
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

/// The target without scheme and authority, if it is absolute.
fn origin_form(target: &str) -> &str {
    match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("/", |slash| &rest[slash..]),
        _ => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::webhook_id;

    /// The target, the user agent, and the number of IDs elsewhere.
    fn of(sent: &[u8]) -> (Option<&str>, &[u8], usize) {
        let seen = PlainHttp::of(sent);
        (seen.target, seen.user_agent, seen.other_ids.len())
    }

    #[test]
    fn the_target_is_seen_in_whole_and_in_broken_heads() {
        let whole = b"POST /webhooks/custom/wh_1 HTTP/1.1\r\nHost: a\r\nUser-Agent: x/1\r\n\r\nbody";
        assert_eq!(of(whole), (Some("/webhooks/custom/wh_1"), &b"x/1"[..], 0));
        let behind_lines = [b"\r\n\r\n", &whole[..]].concat();
        assert_eq!(of(&behind_lines), (Some("/webhooks/custom/wh_1"), &b"x/1"[..], 0));
        for (head, target) in [
            ("POST /wh_1 HTTP/1.1\r\nHo", "/wh_1"),
            (
                "GET http://a:80/wh_1?x=http://b/ HTTP/1.1\r\n\r\n",
                "/wh_1?x=http://b/",
            ),
            ("GET /?x=http://b/ HTTP/1.1\r\n\r\n", "/?x=http://b/"),
        ] {
            assert_eq!(of(head.as_bytes()).0, Some(target), "{head:?}");
        }
        assert_eq!(of(b"hello\r\n"), (None, &b""[..], 0));
        let id = webhook_id(1);
        let path = format!("/webhooks/custom/{}", id.reveal());
        for head in [
            format!("POST {path}\u{1} HTTP/1.1\r\n\r\n"),
            format!("{path}\r\n\r\n"),
            format!("\r\n\u{0} https://a{path}\r\n"),
        ] {
            let seen = of(head.as_bytes());
            let target = seen.0.map(|target| target.trim_end_matches('\u{1}'));
            assert_eq!((target, seen.2), (Some(path.as_str()), 0), "{head:?}");
        }
        let many = format!("GET /wh_1 HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(70));
        assert_eq!(of(many.as_bytes()).0, Some("/wh_1"));
    }

    #[test]
    fn an_id_is_seen_wherever_it_stands() {
        let (id, other) = (webhook_id(1), webhook_id(2));
        let (id, other) = (id.reveal(), other.reveal());
        for sent in [
            format!("GET / HTTP/1.1\r\nReferer: https://a/webhooks/custom/{id}\r\n\r\n"),
            format!("POST / HTTP/1.1\r\nHost: a\r\n\r\n{{\"url\":\"https://a/webhooks/custom/{id}\"}}"),
            format!("GET /{other} HTTP/1.1\r\nX: wh%5F{}\r\n\r\n", &id[3..]),
        ] {
            assert_eq!(of(sent.as_bytes()).2, 1, "{sent:?}");
        }
        let junk = format!("\u{0}\u{1} {id}\u{2}");
        assert!(of(junk.as_bytes()).0.is_some_and(|target| target.starts_with(id)));
        let long = format!("POST /webhooks/custom/{id}?{}", "a".repeat(8_000));
        assert_eq!(of(long.as_bytes()).0, Some(long[5..].trim()));
        let all = format!("POST /{id} HTTP/1.1\r\n\r\n{other} {id}");
        let head = all.len() - other.len() - id.len() - 1;
        let rest = PlainHttp::of_rest(all.as_bytes(), head).expect("another ID");
        assert_eq!(rest.other_ids.len(), 1);
        assert!(PlainHttp::of_rest(all.as_bytes(), all.len()).is_none());
    }
}
