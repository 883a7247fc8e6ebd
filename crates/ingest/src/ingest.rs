//! The HTTP interface of the gate. It has one route:
//!
//! `POST /webhooks/{format}/{WEBHOOK_ID}`
//!
//! Any other path is `WEBHOOK_NOT_FOUND`, and any other method on that path is `METHOD_NOT_ALLOWED`. The path is a
//! secret: it is passed to the gate and to nothing else. `target` decides which paths are the same URL, and which only
//! contain an ID.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::{Connection, RefusalCode, RequestId, WebhookId};
use hookgate_gate::{DeliveryRequest, Gate, Reply as GateReply, Reservation, SignatureHeaders, Store};
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use hyper::{Method, Request};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::answer;
use crate::metrics::Metrics;
use crate::recorded_headers::RecordedHeaders;
use crate::target::Target;
use hookgate_transport::HandshakeFailure;
use hookgate_transport::PlainHttp;
use hookgate_transport::Proxies;
use hookgate_transport::Reply;
use hookgate_transport::RequestIds;
use hookgate_transport::{Body, BodyFault};
use hookgate_transport::{Exchange, Service};

/// Most look-ups in progress for the records of requests that were refused before routing. Each holds its head of at
/// most 64 KiB. Above the limit, as in a flood, such requests are counted and not recorded.
const MAX_LOOK_UPS: usize = 128;

/// The service that passes deliveries to a gate.
pub struct Ingest<S> {
    gate: Arc<Gate<S>>,
    proxies: Arc<Proxies>,
    request_ids: RequestIds,
    metrics: Arc<Metrics>,
    places: Arc<Semaphore>,
}

impl<S: Store> Ingest<S> {
    /// A service for this gate, behind these trusted proxies, with these request IDs.
    pub fn new(
        gate: Arc<Gate<S>>,
        proxies: Arc<Proxies>,
        request_ids: RequestIds,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            gate,
            proxies,
            request_ids,
            metrics,
            places: Arc::new(Semaphore::new(MAX_LOOK_UPS)),
        }
    }
}

impl<S: Store> Service for Ingest<S> {
    fn request_id(&self) -> RequestId {
        self.request_ids.next(self.gate.now())
    }

    async fn answer(&self, request: Request<Body>, exchange: &Exchange) -> Reply {
        let begun = Instant::now();
        let unanswered = Unanswered(&self.metrics, begun);
        let answer = self.deliver(request, exchange).await;
        std::mem::forget(unanswered);
        let (reply, code) = match &answer {
            GateReply::Accepted(accepted) => (answer::accepted(accepted), None),
            GateReply::Refused(refusal) => (answer::refused(refusal), Some(refusal.code)),
        };
        self.metrics.answered(code, begun.elapsed());
        tracing::debug!(request = %exchange.id, peer = %exchange.connection.peer, status = reply.status().as_u16(), "delivery");
        reply
    }

    fn handshake_failed(&self, failure: HandshakeFailure, source: IpAddr) {
        self.metrics.handshake_failures.count(failure, source);
    }

    fn refused(&self, head: Parts, exchange: &Exchange, code: RefusalCode) {
        self.metrics.answered(Some(code), Duration::ZERO);
        if Target::of(head.uri.path(), head.uri.query()).is_nothing() {
            return;
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return;
        };
        let (gate, proxies, exchange) = (Arc::clone(&self.gate), Arc::clone(&self.proxies), *exchange);
        tokio::spawn(async move {
            let kept = RecordedHeaders {
                headers: &head.headers,
                connection: exchange.connection,
                proxies: &proxies,
            };
            let target = Target::of(head.uri.path(), head.uri.query());
            refuse_target(&gate, &target, &describe("", "", exchange.id, &kept), code).await;
            drop(place);
        });
    }

    async fn plain_http(&self, seen: PlainHttp<'_>, exchange: &Exchange) {
        if seen.target.is_some() {
            self.metrics
                .answered(Some(RefusalCode::HttpsRequired), Duration::ZERO);
        }
        refuse_plain(&self.gate, &self.proxies, seen, exchange).await;
    }
}

/// A request without an answer yet. If it is dropped, the request is counted as `CLIENT_GONE`.
struct Unanswered<'a>(&'a Metrics, Instant);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        // A panic has an answer: the caller sends `INTERNAL`.
        if !std::thread::panicking() {
            self.0.answered(Some(RefusalCode::ClientGone), self.1.elapsed());
        }
    }
}

impl<S: Store> Ingest<S> {
    async fn deliver(&self, request: Request<Body>, exchange: &Exchange) -> GateReply {
        let (head, body) = request.into_parts();
        let target = Target::of(head.uri.path(), head.uri.query());
        let kept = self.kept(exchange.connection, &head.headers);
        let Target::Webhook {
            format,
            webhook_id,
            others,
        } = &target
        else {
            let request = describe("", "", exchange.id, &kept);
            Box::pin(refuse_target(
                &self.gate,
                &target,
                &request,
                RefusalCode::WebhookNotFound,
            ))
            .await;
            return GateReply::Refused(RefusalCode::WebhookNotFound.into());
        };
        if !others.is_empty() {
            let request = describe("", "", exchange.id, &kept);
            // Boxed, because it is rare and large.
            Box::pin(refuse_ids(
                &self.gate,
                others,
                &request,
                RefusalCode::WebhookNotFound,
            ))
            .await;
        }
        let delivery = describe(format, webhook_id, exchange.id, &kept);
        if head.method != Method::POST {
            // Boxed, because it is rare and large, and would enlarge the future of every delivery.
            Box::pin(self.gate.refuse(delivery, RefusalCode::MethodNotAllowed)).await;
            return GateReply::Refused(RefusalCode::MethodNotAllowed.into());
        }
        self.gate.receive(delivery, RequestBody(body)).await
    }

    fn kept<'a>(&'a self, connection: Connection, headers: &'a HeaderMap) -> RecordedHeaders<'a> {
        RecordedHeaders {
            headers,
            connection,
            proxies: &self.proxies,
        }
    }
}

/// The body of a request, as the gate reads it.
struct RequestBody(Body);

impl hookgate_gate::Body for RequestBody {
    async fn read(self, limit: usize, held: &Reservation<'_>) -> Result<Bytes, hookgate_gate::BodyFault> {
        let read = self.0.read_within(limit, |bytes| held.take(bytes));
        read.await.map_err(|fault| match fault {
            BodyFault::TooLarge => hookgate_gate::BodyFault::TooLarge,
            BodyFault::NoRoom => hookgate_gate::BodyFault::NoRoom,
            BodyFault::TimedOut => hookgate_gate::BodyFault::TimedOut,
            BodyFault::Malformed => hookgate_gate::BodyFault::Malformed,
            BodyFault::Gone => hookgate_gate::BodyFault::Gone,
        })
    }
}

/// Refuses a request to a webhook's URL, or one that contains its ID elsewhere. Both are recorded at the webhook.
pub async fn refuse_target<S: Store>(
    gate: &Gate<S>,
    target: &Target<'_>,
    request: &DeliveryRequest<'_>,
    code: RefusalCode,
) {
    match target {
        Target::Webhook {
            format,
            webhook_id,
            others,
        } => {
            let request = DeliveryRequest {
                format,
                webhook_id,
                ..*request
            };
            gate.refuse(request, code).await;
            refuse_ids(gate, others, &request, code).await;
        }
        Target::NearMiss(ids) => refuse_ids(gate, ids, request, code).await,
    }
}

/// Records a request at each webhook whose ID it contains.
async fn refuse_ids<S: Store>(
    gate: &Gate<S>,
    ids: &[WebhookId],
    request: &DeliveryRequest<'_>,
    code: RefusalCode,
) {
    for id in ids {
        let request = DeliveryRequest {
            format: "",
            webhook_id: id.reveal(),
            ..*request
        };
        gate.refuse(request, code).await;
    }
}

/// Records bytes that arrived without TLS: every webhook whose ID is in them is flagged as exposed, and records the
/// refusal.
pub async fn refuse_plain<S: Store>(
    gate: &Gate<S>,
    proxies: &Proxies,
    seen: PlainHttp<'_>,
    exchange: &Exchange,
) {
    let headers = HeaderMap::new();
    let kept = RecordedHeaders {
        headers: &headers,
        connection: exchange.connection,
        proxies,
    };
    let request = DeliveryRequest {
        user_agent: Some(seen.user_agent).filter(|bytes| !bytes.is_empty()),
        ..describe("", "", exchange.id, &kept)
    };
    let target = seen.target.map(Target::of_text);
    for target in target.into_iter().chain([Target::NearMiss(seen.other_ids)]) {
        if !target.is_nothing() {
            refuse_target(gate, &target, &request, RefusalCode::HttpsRequired).await;
        }
    }
}

/// Describes a request to the gate by its head.
pub fn describe<'a>(
    format: &'a str,
    webhook_id: &'a str,
    request_id: RequestId,
    kept: &'a RecordedHeaders<'a>,
) -> DeliveryRequest<'a> {
    let fields = Fields::of(kept.headers);
    DeliveryRequest {
        format,
        webhook_id,
        request_id,
        source: kept.proxies.client(kept.connection, kept.headers),
        user_agent: fields.user_agent,
        declared_json: fields.content_type.is_some_and(is_json),
        compressed: fields.compressed,
        idempotency_key: fields.idempotency_key,
        has_repeated_key: fields.has_repeated_key,
        signature: fields.signature,
        headers: kept,
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
