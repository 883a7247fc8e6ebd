//! The headers of a request as they are recorded: without secrets, bounded, and as one text.
//!
//! The code runs for every delivery. So it writes into one allocation, and checks only the length of values that can't
//! be a secret.

use hookgate_domain::Connection;
use hookgate_domain::client_address::Trail;
use hookgate_domain::leaks::may_hold_secret;
use hookgate_gate::{HIDDEN, MAX_HEADER_BYTES, RequestHeaders};
use hyper::header::{HeaderMap, HeaderValue};

use hookgate_transport::Proxies;

/// Maximum size of the recorded headers of a request.
const MAX_BYTES: usize = 4 * 1024;
/// Initial capacity in bytes, enough for the headers of most senders.
const USUAL_BYTES: usize = 256;
/// Parts of header names that mark the value as a secret, anywhere in the name.
const SECRET: [&str; 14] = [
    "auth",
    "signature",
    "token",
    "secret",
    "api-key",
    "apikey",
    "api_key",
    "cookie",
    "passw",
    "credential",
    "hmac",
    "session",
    "jwt",
    "assertion",
];
/// Words of header names that mark the value as a secret. They count only as whole words, because they are parts of
/// other words.
const SECRET_WORDS: [&str; 8] = ["key", "pass", "pin", "sig", "bearer", "pwd", "passphrase", "otp"];

/// The headers of a request, with the connection and proxies that its source follows from.
pub struct RecordedHeaders<'a> {
    /// The headers as received.
    pub headers: &'a HeaderMap,
    /// The connection of the request.
    pub connection: Connection,
    /// The trusted proxies, which may name a client.
    pub proxies: &'a Proxies,
}

impl RequestHeaders for RecordedHeaders<'_> {
    fn bytes(&self) -> usize {
        let fields = self.headers.iter();
        fields
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum()
    }

    fn recorded(&self) -> Option<String> {
        let mut text = Vec::new();
        for (name, value) in self.headers {
            if !is_recorded(name.as_str()) {
                continue;
            }
            if text.is_empty() {
                text.reserve(USUAL_BYTES);
            }
            let before = text.len();
            text.extend_from_slice(if before == 0 { b"[[\"" } else { b",[\"" });
            // A name has no character that JSON escapes.
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(b"\",");
            push_json(&mut text, shown(value))?;
            text.push(b']');
            if text.len() >= MAX_BYTES {
                text.truncate(before);
                break;
            }
        }
        if text.is_empty() {
            return None;
        }
        text.push(b']');
        String::from_utf8(text).ok()
    }

    fn joined(&self, name: &str) -> Vec<u8> {
        let mut values: Vec<&[u8]> = Vec::new();
        for value in self.headers.get_all(name) {
            let value = value.as_bytes();
            if !value.is_empty() && !values.contains(&value) {
                values.push(value);
            }
        }
        values.join(&b", "[..])
    }

    fn trail(&self) -> Trail {
        self.proxies.trail(self.connection, self.headers)
    }
}

/// `true` if a header of this name is recorded. Left out are headers that the record has elsewhere, and names that mark
/// or contain a secret.
fn is_recorded(name: &str) -> bool {
    match name {
        "accept" | "accept-encoding" | "accept-language" | "connection" | "content-type" | "date"
        | "expect" | "idempotency-key" | "via" | "webhook-id" | "webhook-timestamp" | "x-forwarded-for" => {
            true
        }
        "user-agent" | "host" | "content-length" => false,
        other => !is_of_secret(other) && !may_hold_secret(other.as_bytes()),
    }
}

/// `true` if the name marks its value as a secret.
fn is_of_secret(name: &str) -> bool {
    SECRET.iter().any(|word| name.contains(word))
        || name
            .split(['-', '_', '.'])
            .any(|word| SECRET_WORDS.contains(&word))
}

/// Adds a value as a JSON string. Most values need no escapes and are copied.
fn push_json(text: &mut Vec<u8>, value: &[u8]) -> Option<()> {
    // A loop without an early exit can be vectorized.
    let is_plain = |byte: u8| matches!(byte, b' '..0x7F) && byte != b'"' && byte != b'\\';
    if value.iter().fold(true, |all, byte| all & is_plain(*byte)) {
        text.push(b'"');
        text.extend_from_slice(value);
        text.push(b'"');
        return Some(());
    }
    // Writing texts to memory does not fail.
    serde_json::to_writer(text, &String::from_utf8_lossy(value)).ok()
}

/// The recorded part of a value.
fn shown(value: &HeaderValue) -> &[u8] {
    let bytes = value.as_bytes();
    if may_hold_secret(bytes) {
        return HIDDEN.as_bytes();
    }
    if bytes.len() <= MAX_HEADER_BYTES {
        return bytes;
    }
    // The cut must not split a UTF-8 character.
    let mut end = MAX_HEADER_BYTES;
    while end > MAX_HEADER_BYTES - 4 && bytes[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;
    use proptest::prelude::*;

    use super::*;

    fn recorded_value(headers: &HeaderMap) -> Option<String> {
        let headers = RecordedHeaders {
            headers,
            connection: Connection::from_peer([192, 0, 2, 1].into()),
            proxies: &Proxies::default(),
        };
        headers.recorded()
    }

    fn recorded(headers: &[(&str, &[u8])]) -> Vec<(String, String)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.append(name, HeaderValue::from_bytes(value).expect("a value"));
        }
        let text = recorded_value(&map);
        text.map_or_else(Vec::new, |text| {
            assert!(text.len() <= MAX_BYTES, "{} bytes", text.len());
            serde_json::from_str(&text).expect("JSON")
        })
    }

    #[test]
    fn what_is_secret_or_elsewhere_is_left_out() {
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "x-hub-signature-256",
            "webhook-signature",
            "stripe-signature",
            "x-gitlab-token",
            "x-amz-security-token",
            "x-shopify-hmac-sha256",
            "x-api-key",
            "api-key",
            "x-functions-key",
            "x-secret",
            "x-auth-request-email",
            "x-goog-iap-jwt-assertion",
            "x-pass",
            "x-bearer",
            "x-sig",
            "x_pin",
            "x-key-2",
            "wh_7kd0nqzr4mt8vxb1lc5yh2js9wf6gp3ea0ui4oqz",
            "x-hgt%5f7kd0nqzr4mt8vxb1lc5yh2js9wf6gp3ea0ui4o",
            "user-agent",
            "host",
            "content-length",
        ] {
            assert_eq!(recorded(&[(name, b"x")]), [], "{name}");
        }
        for name in [
            "accept",
            "x-github-event",
            "x-github-delivery",
            "x-bypass",
            "x-shipping",
            "x-design",
            "idempotency-key",
            "webhook-id",
            "referer",
            "via",
        ] {
            assert_eq!(recorded(&[(name, b"x")]), [(name.to_owned(), "x".to_owned())]);
        }
    }

    #[test]
    fn values_come_back_and_are_bounded() {
        let values: [&[u8]; 4] = [b"a \"b\" \\c", "\u{e9}\tx".as_bytes(), b"\xff", b""];
        let shown: Vec<_> = recorded(&values.map(|value| ("via", value)))
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        assert_eq!(shown, ["a \"b\" \\c", "\u{e9}\tx", "\u{fffd}", ""]);
        let long = "\u{20ac}".repeat(400);
        let cut = recorded(&[("via", long.as_bytes())]);
        assert_eq!(cut[0].1, "\u{20ac}".repeat(170), "no half characters");
        assert_eq!(recorded(&[("via", long.as_bytes()); 60]).len(), 7);
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_stands() {
        let id = format!("wh_{}", "aB3".repeat(13).split_at(38).0);
        let referer = format!("https://hooks.example.org/webhooks/custom/{id}?x");
        for value in [id.as_str(), &referer, &format!("{}{id}", "x".repeat(600))] {
            assert_eq!(recorded(&[("referer", value.as_bytes())])[0].1, HIDDEN);
        }
        assert_eq!(recorded(&[("referer", &id.as_bytes()[..40])])[0].1, HIDDEN);
        assert_eq!(recorded(&[("x-ref", b"hgt_77")])[0].1, HIDDEN);
        assert_eq!(
            recorded(&[("referer", b"https://h.example/kWh_total?a=b")])[0].1,
            "https://h.example/kWh_total?a=b"
        );
    }

    proptest! {
        #[test]
        fn it_is_always_json(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 0..20)) {
            let mut map = HeaderMap::new();
            for value in values.iter().filter_map(|value| HeaderValue::from_bytes(value).ok()) {
                map.append("x-any", value);
            }
            if let Some(text) = recorded_value(&map) {
                prop_assert!(text.len() <= MAX_BYTES && !text.contains('\0'));
                prop_assert!(serde_json::from_str::<Vec<(String, String)>>(&text).is_ok());
            }
        }
    }
}
