//! The HTTP interface of the gate. It has one route:
//!
//! `POST /webhooks/{format}/{WEBHOOK_ID}`
//!
//! Any other path is `WEBHOOK_NOT_FOUND`, and any other method on that path is `METHOD_NOT_ALLOWED`. The path is a
//! secret: it is passed to the gate and to nothing else. `target` decides which paths are the same URL, and which only
//! contain an ID.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::{Connection, RefusalCode, RequestId, WebhookId};
use hookgate_gate::{DeliveryRequest, Gate, Reply as GateReply, Reservation, Store};
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use hyper::{Method, Request};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::answer;
use crate::describe::describe;
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

/// Maximum number of look-ups in progress for the records of requests that were refused before routing. Each holds its
/// head of at most 64 KiB. Above the limit, as in a flood, such requests are counted and not recorded.
const MAX_LOOK_UPS: usize = 128;

/// The service that passes deliveries to a gate.
pub struct Ingest<S> {
    gate: Arc<Gate<S>>,
    proxies: Arc<Proxies>,
    request_ids: RequestIds,
    metrics: Arc<Metrics>,
    lookup_permits: Arc<Semaphore>,
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
            lookup_permits: Arc::new(Semaphore::new(MAX_LOOK_UPS)),
        }
    }
}

impl<S: Store> Service for Ingest<S> {
    fn request_id(&self) -> RequestId {
        self.request_ids.next(self.gate.now())
    }

    fn answer(&self, request: Request<Body>, exchange: &Exchange) -> impl Future<Output = Reply> + Send {
        // The head stays where it is, because it is large: an `async fn` would move it into its future and there again.
        let (head, body) = request.into_parts();
        async move {
            let begun = Instant::now();
            let unanswered = Unanswered(&self.metrics, begun);
            let answer = self.deliver(&head, body, exchange).await;
            std::mem::forget(unanswered);
            let (reply, code) = match &answer {
                GateReply::Accepted(accepted) => (answer::accepted(accepted), None),
                GateReply::Refused(refusal) => (answer::refused(refusal), Some(refusal.code)),
            };
            self.metrics.answered(code, begun.elapsed());
            tracing::debug!(request = %exchange.id, peer = %exchange.connection.peer, status = reply.status().as_u16(), "delivery");
            reply
        }
    }

    fn handshake_failed(&self, failure: HandshakeFailure, source: IpAddr) {
        self.metrics.handshake_failures.count(failure, source);
    }

    fn refused(&self, head: Parts, exchange: &Exchange, code: RefusalCode) {
        self.metrics.answered(Some(code), Duration::ZERO);
        if Target::of(head.uri.path(), head.uri.query()).is_nothing() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.lookup_permits).try_acquire_owned() else {
            return;
        };
        let (gate, proxies, exchange) = (Arc::clone(&self.gate), Arc::clone(&self.proxies), *exchange);
        tokio::spawn(async move {
            let recorded = RecordedHeaders {
                headers: &head.headers,
                connection: exchange.connection,
                proxies: &proxies,
            };
            let target = Target::of(head.uri.path(), head.uri.query());
            refuse_target(&gate, &target, &describe("", "", exchange.id, &recorded), code).await;
            drop(permit);
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
    async fn deliver(&self, head: &Parts, body: Body, exchange: &Exchange) -> GateReply {
        let target = Target::of(head.uri.path(), head.uri.query());
        let recorded = self.recorded(exchange.connection, &head.headers);
        let Target::Webhook {
            format,
            webhook_id,
            others,
        } = &target
        else {
            let request = describe("", "", exchange.id, &recorded);
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
            let request = describe("", "", exchange.id, &recorded);
            // Boxed, because it is rare and large.
            Box::pin(refuse_ids(
                &self.gate,
                others,
                &request,
                RefusalCode::WebhookNotFound,
            ))
            .await;
        }
        let delivery = describe(format, webhook_id, exchange.id, &recorded);
        if head.method != Method::POST {
            // Boxed, because it is rare and large, and would enlarge the future of every delivery.
            Box::pin(self.gate.refuse(delivery, RefusalCode::MethodNotAllowed)).await;
            return GateReply::Refused(RefusalCode::MethodNotAllowed.into());
        }
        // Pinned where it is made: `await` would move it, and it is large.
        pin!(self.gate.receive(delivery, RequestBody(body))).await
    }

    fn recorded<'a>(&'a self, connection: Connection, headers: &'a HeaderMap) -> RecordedHeaders<'a> {
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
    let recorded = RecordedHeaders {
        headers: &headers,
        connection: exchange.connection,
        proxies,
    };
    let request = DeliveryRequest {
        user_agent: Some(seen.user_agent).filter(|bytes| !bytes.is_empty()),
        ..describe("", "", exchange.id, &recorded)
    };
    let target = seen.target.map(Target::of_text);
    for target in target.into_iter().chain([Target::NearMiss(seen.other_ids)]) {
        if !target.is_nothing() {
            refuse_target(gate, &target, &request, RefusalCode::HttpsRequired).await;
        }
    }
}
