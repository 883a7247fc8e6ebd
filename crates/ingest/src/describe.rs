//! A request's head as the gate takes it.

use hookgate_domain::RequestId;
use hookgate_gate::{DeliveryRequest, SignatureHeaders};
use hyper::header::HeaderMap;

use crate::recorded_headers::RecordedHeaders;

/// Describes a request to the gate by its head.
pub fn describe<'a>(
    format: &'a str,
    webhook_id: &'a str,
    request_id: RequestId,
    recorded: &'a RecordedHeaders<'a>,
) -> DeliveryRequest<'a> {
    let fields = Fields::of(recorded.headers);
    DeliveryRequest {
        format,
        webhook_id,
        request_id,
        source: recorded.proxies.client(recorded.connection, recorded.headers),
        user_agent: fields.user_agent,
        declared_json: fields.content_type.is_some_and(is_json),
        compressed: fields.compressed,
        idempotency_key: fields.idempotency_key,
        has_repeated_key: fields.has_repeated_key,
        signature: fields.signature,
        headers: recorded,
    }
}

/// The header fields that concern a delivery. If a name occurs several times, the first value counts.
#[derive(Default)]
struct Fields<'a> {
    user_agent: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    idempotency_key: Option<&'a [u8]>,
    signature: SignatureHeaders<'a>,
    /// `true` if `Idempotency-Key` or `webhook-id` occurs again with another value.
    has_repeated_key: bool,
    /// `true` if any `Content-Encoding` but `identity` is named.
    compressed: bool,
}

impl<'a> Fields<'a> {
    /// Collects the fields in one pass, because a look-up of each name costs more than reading all fields.
    fn of(headers: &'a HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            let value = value.as_bytes();
            let field = match name.as_str() {
                "user-agent" => &mut fields.user_agent,
                "content-type" => &mut fields.content_type,
                // An empty value counts as absent.
                "idempotency-key" | "webhook-id" if value.is_empty() => continue,
                "idempotency-key" => {
                    name_of(&mut fields.idempotency_key, value, &mut fields.has_repeated_key)
                }
                "webhook-id" => name_of(&mut fields.signature.id, value, &mut fields.has_repeated_key),
                "webhook-timestamp" => &mut fields.signature.timestamp,
                "webhook-signature" => &mut fields.signature.signature,
                "content-encoding" => {
                    fields.compressed |= !value.eq_ignore_ascii_case(b"identity");
                    continue;
                }
                _ => continue,
            };
            field.get_or_insert(value);
        }
        fields
    }
}

/// Returns `field`, and notes whether it already has another value.
fn name_of<'f, 'a>(
    field: &'f mut Option<&'a [u8]>,
    value: &[u8],
    has_repeated_key: &mut bool,
) -> &'f mut Option<&'a [u8]> {
    *has_repeated_key |= field.is_some_and(|first| first != value);
    field
}

/// `true` for `application/json` and for any type with the suffix `+json` (RFC 6839). Parameters are ignored.
#[must_use]
pub fn is_json(content_type: &[u8]) -> bool {
    if content_type == b"application/json" {
        return true;
    }
    let end = content_type.iter().position(|byte| *byte == b';');
    let essence = end.map_or(content_type, |end| &content_type[..end]).trim_ascii();
    let suffix = essence
        .len()
        .checked_sub(b"+json".len())
        .map_or(&b""[..], |start| &essence[start..]);
    essence.eq_ignore_ascii_case(b"application/json") || suffix.eq_ignore_ascii_case(b"+json")
}

#[cfg(test)]
mod tests {
    use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn the_first_field_of_a_name_counts_and_any_coding_compresses() {
        let mut headers = HeaderMap::new();
        let mut append = |name, value| headers.append(name, HeaderValue::from_static(value));
        append(CONTENT_TYPE, "application/json");
        append(CONTENT_TYPE, "text/plain");
        append(CONTENT_ENCODING, "Identity");
        append(HeaderName::from_static("webhook-id"), "msg_1");
        append(HeaderName::from_static("webhook-id"), "msg_2");
        let fields = Fields::of(&headers);
        assert_eq!(fields.content_type, Some(&b"application/json"[..]));
        assert_eq!(fields.signature.id, Some(&b"msg_1"[..]));
        assert_eq!(fields.user_agent, None);
        assert!(!fields.compressed);
        headers.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(Fields::of(&headers).compressed);
    }

    #[test]
    fn json_is_told_by_its_media_type() {
        for text in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/cloudevents+json",
        ] {
            assert!(is_json(text.as_bytes()), "{text}");
        }
        for text in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "",
            "json",
            "application/jsonp",
        ] {
            assert!(!is_json(text.as_bytes()), "{text}");
        }
    }
}
