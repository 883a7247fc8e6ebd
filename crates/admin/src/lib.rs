//! The HTTP service of the console's listener.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` `/readyz` `/metrics` | liveness, readiness and metrics for monitoring |
//! | `/api/v1/…` | the admin API |
//! | `/api/openapi.json` | the `OpenAPI` document of the admin API |
//! | any other path | a page, or a file of the pages |
//!
//! A request with a foreign `Host` is refused, except for the monitoring endpoints: monitoring systems know a node by
//! other names, and these answers depend on no cookie and no token.

mod api;
pub(crate) mod audit_export;
pub(crate) mod change;
pub(crate) mod export;
mod feed;
mod health;
pub(crate) mod html;
mod ignored;
mod live;
mod payloads;
pub(crate) mod set_source;
mod signed_in;
mod store_health;
pub(crate) mod streams;
#[cfg(test)]
mod test_app;
mod unshown;
mod web;

use std::sync::Arc;

use hookgate_domain::{RefusalCode, RequestId};
use hookgate_gate::{Gate, PeopleStore, Store};
use hyper::header::HeaderMap;
use hyper::{Method, Request};

use feed::Feed;
use health::Watched;
use hookgate_ingest::Metrics;
use hookgate_ingest::RecordedHeaders;
use hookgate_ingest::Target;
use hookgate_ingest::{describe, refuse_plain, refuse_target};
use hookgate_outbound::Fetcher;
use hookgate_request::{AdminRequest, AnonymousForms, ApiError, ErrorCode, Host, Limits};
use hookgate_transport::Admission;
use hookgate_transport::Body;
use hookgate_transport::CancellationToken;
use hookgate_transport::PlainHttp;
use hookgate_transport::Proxies;
use hookgate_transport::Reply;
use hookgate_transport::RequestIds;
use hookgate_transport::tls::HotCertificate;
use hookgate_transport::{Exchange, Service};
pub use payloads::delivery_page;
pub use store_health::{BoxFuture, StoreHealth};
use unshown::Unshown;

/// Base URLs: `https://`, a host, and an optional port.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Base URL of the console.
    pub console: String,
    /// Base URL of webhooks.
    pub gate: String,
    /// File of the CA that senders have to trust, if it is not a public one.
    pub ca: Option<String>,
}

/// Serves the pages, the admin API and the monitoring endpoints.
pub struct Console<S> {
    gate: Arc<Gate<S>>,
    request_ids: RequestIds,
    metrics: Arc<Metrics>,
    host: Host,
    addresses: Addresses,
    proxies: Arc<Proxies>,
    fetcher: Arc<Fetcher>,
    shutdown: CancellationToken,
    watched: Arc<Watched>,
    limits: Limits,
    anonymous_forms: AnonymousForms,
    feed: Arc<Feed>,
    gate_front: Option<GateFront>,
    unshown: Unshown,
}

/// Trusted proxies in front of the gate's listener.
struct GateFront {
    proxies: Arc<Proxies>,
    proxy_protocol: bool,
}

impl<S: Store + PeopleStore> Console<S> {
    /// Creates the console over this gate.
    pub fn new(
        gate: Arc<Gate<S>>,
        request_ids: RequestIds,
        metrics: Arc<Metrics>,
        addresses: Addresses,
        proxies: Arc<Proxies>,
        fetcher: Arc<Fetcher>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            gate,
            request_ids,
            metrics,
            host: Host::new(&addresses.console),
            addresses,
            proxies,
            fetcher,
            shutdown,
            watched: Arc::default(),
            limits: Limits::default(),
            anonymous_forms: AnonymousForms::default(),
            feed: Arc::default(),
            gate_front: None,
            unshown: Unshown::default(),
        }
    }

    /// Reports forwarding headers that the gate ignores, given its trusted proxies. Without this call, none are
    /// reported.
    #[must_use]
    pub fn with_gate_behind(mut self, proxies: Arc<Proxies>, proxy_protocol: bool) -> Self {
        self.gate_front = Some(GateFront {
            proxies,
            proxy_protocol,
        });
        self
    }

    /// Reports the state of these certificates (by the name of the listener), of the store, and of the connections of
    /// each listener.
    #[must_use]
    pub fn watching(
        mut self,
        certificates: Vec<(&'static str, Arc<HotCertificate>)>,
        store: Arc<dyn StoreHealth>,
        connections: Vec<Arc<Admission>>,
    ) -> Self {
        self.watched = Arc::new(Watched::new(certificates, store, connections));
        self
    }

    /// Routes a request. `is_ours` is `true` if `Host` names this console.
    async fn route(&self, call: AdminRequest, is_ours: bool) -> Result<Reply, ApiError> {
        let path = call.head.uri.path().to_owned();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match segments[..] {
            ["healthz"] => only_get(&call).map(|()| health::alive()),
            ["readyz"] => {
                only_get(&call)?;
                Ok(health::ready(&self.gate, &self.watched).await)
            }
            ["metrics"] => {
                only_get(&call)?;
                health::metrics(&self.gate, &self.metrics, &self.watched).await
            }
            ["api", ..] if !is_ours => Err(ErrorCode::MisdirectedRequest.into()),
            _ if !is_ours => Ok(web::misdirected(&call)),
            ["api", "v1", ref rest @ ..] => {
                let surroundings = api::Surroundings {
                    addresses: &self.addresses,
                    fetcher: &self.fetcher,
                    limits: &self.limits,
                };
                api::answer(&self.gate, &surroundings, call, rest).await
            }
            ["api", "openapi.json"] => only_get(&call).map(|()| api::document::reply()),
            ["api", ..] => Err(ErrorCode::NotFound.into()),
            ref rest => Ok(web::answer(self, call, rest).await),
        }
    }
}

impl<S: Store + PeopleStore> Service for Console<S> {
    fn request_id(&self) -> RequestId {
        self.request_ids.next(self.gate.now())
    }

    async fn answer(&self, request: Request<Body>, exchange: &Exchange) -> Reply {
        html::protected(self.respond(request, exchange).await)
    }

    /// Refuses plain HTTP. It exposes the URL of a webhook at the console's port too.
    async fn plain_http(&self, seen: PlainHttp<'_>, exchange: &Exchange) {
        refuse_plain(&self.gate, &self.proxies, seen, exchange).await;
    }
}

impl<S: Store + PeopleStore> Console<S> {
    /// Records a refusal for the webhook whose ID is in the path or query: the sender uses the wrong port.
    async fn stray_delivery(
        &self,
        target: &Target<'_>,
        headers: &HeaderMap,
        exchange: &Exchange,
        code: RefusalCode,
    ) {
        if target.is_nothing() {
            return;
        }
        let kept = RecordedHeaders {
            headers,
            connection: exchange.connection,
            proxies: &self.proxies,
        };
        refuse_target(&self.gate, target, &describe("", "", exchange.id, &kept), code).await;
    }

    async fn respond(&self, request: Request<Body>, exchange: &Exchange) -> Reply {
        let is_ours = self.host.is_named_by(&request);
        let (head, body) = request.into_parts();
        let target = Target::of(head.uri.path(), head.uri.query());
        let code = RefusalCode::WebhookNotFound;
        Box::pin(self.stray_delivery(&target, &head.headers, exchange, code)).await;
        // A monitoring system on the machine of a trusted proxy sends no forwarding header.
        let source = self.proxies.client(exchange.connection, &head.headers);
        let Ok(source) = source.known_or_proxy() else {
            return ApiError::from(ErrorCode::SourceUnknown).reply();
        };
        let call = AdminRequest {
            head,
            body,
            source,
            id: exchange.id,
            now: self.gate.now(),
        };
        let reply = self
            .route(call, is_ours)
            .await
            .unwrap_or_else(|fault| fault.reply());
        tracing::debug!(request = %exchange.id, %source, status = reply.status().as_u16(), "console");
        reply
    }
}

/// Permits only GET and HEAD. HEAD is answered like GET; its body is left out later.
fn only_get(call: &AdminRequest) -> Result<(), ApiError> {
    if matches!(call.head.method, Method::GET | Method::HEAD) {
        Ok(())
    } else {
        Err(ApiError::method("GET, HEAD"))
    }
}
