//! The HTTP service of the console's listener: which part answers a path.

use hookgate_domain::{RefusalCode, RequestId};
use hookgate_gate::{PeopleStore, Store};
use hyper::header::HeaderMap;
use hyper::{Method, Request};

use crate::console::Console;
use crate::{api, health, html, web};
use hookgate_ingest::{RecordedHeaders, Target, describe, refuse_plain, refuse_target};
use hookgate_request::{AdminRequest, ApiError, ErrorCode};
use hookgate_transport::{Body, Exchange, PlainHttp, Reply, Service};

impl<S: Store + PeopleStore> Console<S> {
    /// Routes a request. `is_ours` is `true` if `Host` names this console.
    async fn route(&self, request: AdminRequest, is_ours: bool) -> Result<Reply, ApiError> {
        let path = request.head.uri.path().to_owned();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match segments[..] {
            ["healthz"] => only_get(&request).map(|()| health::alive()),
            ["readyz"] => {
                only_get(&request)?;
                Ok(health::ready(&self.gate, &self.health_sources).await)
            }
            ["metrics"] => {
                only_get(&request)?;
                health::metrics(&self.gate, &self.metrics, &self.health_sources).await
            }
            ["api", ..] if !is_ours => Err(ErrorCode::MisdirectedRequest.into()),
            _ if !is_ours => Ok(web::misdirected(&request)),
            ["api", "v1", ref rest @ ..] => {
                let context = api::ApiContext {
                    addresses: &self.addresses,
                    fetcher: &self.fetcher,
                    limits: &self.limits,
                };
                api::answer(&self.gate, &context, request, rest).await
            }
            ["api", "openapi.json"] => {
                only_get(&request)?;
                api::document::reply()
            }
            ["api", ..] => Err(ErrorCode::NotFound.into()),
            ref rest => Ok(web::answer(self, request, rest).await),
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
        let recorded = RecordedHeaders {
            headers,
            connection: exchange.connection,
            proxies: &self.proxies,
        };
        refuse_target(
            &self.gate,
            target,
            &describe("", "", exchange.id, &recorded),
            code,
        )
        .await;
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
        let request = AdminRequest {
            head,
            body,
            source,
            id: exchange.id,
            now: self.gate.now(),
        };
        let reply = self
            .route(request, is_ours)
            .await
            .unwrap_or_else(|fault| fault.reply());
        tracing::debug!(request = %exchange.id, %source, status = reply.status().as_u16(), "console");
        reply
    }
}

/// Permits only GET and HEAD. HEAD is answered like GET; its body is left out later.
fn only_get(request: &AdminRequest) -> Result<(), ApiError> {
    if matches!(request.head.method, Method::GET | Method::HEAD) {
        Ok(())
    } else {
        Err(ApiError::method("GET, HEAD"))
    }
}
