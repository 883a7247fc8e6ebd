//! Console and ingest over the store in memory, for tests of handlers: no TLS, no socket, no process.
//!
//! ```ignore
//! let app = TestApp::new().await;
//! let webhook = app.webhook("disk alerts").await;
//! let answer = app.viewer().post(&webhook.path("revoke"), &json!({})).await;
//! assert_eq!(answer.status, 403);
//! ```

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use hookgate_domain::{Networks, Policy, TrustedProxies};
use hookgate_gate::{Gate, Issued};
use hookgate_ingest::{Ingest, Metrics};
use hookgate_outbound::Fetcher;
use hookgate_people::{ApiToken, Role};
use hookgate_testkit::{MemoryStore, samples};
use hookgate_transport::in_memory::connect;
use hookgate_transport::{Proxies, RequestIds, Service, shutdown};
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::{Addresses, Console};

const CONSOLE: &str = "https://localhost:8444";
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// The services of both listeners. Requests use an owner's token, unless `with_role` chooses another role.
#[derive(Clone)]
pub(crate) struct TestApp {
    pub(crate) gate: Arc<Gate<MemoryStore>>,
    console: Arc<Console<MemoryStore>>,
    ingest: Arc<Ingest<MemoryStore>>,
    token: Arc<ApiToken>,
    // Dropping the trigger would end live views.
    _stop: Arc<shutdown::Trigger>,
}

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// `data` of a success.
    pub(crate) fn data(&self) -> Value {
        assert!(self.status < 300, "{self:?}");
        self.json()["data"].clone()
    }

    /// Code of an error.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().expect("a code").to_owned()
    }
}

impl TestApp {
    /// An empty installation.
    pub(crate) async fn new() -> Self {
        let gate = Arc::new(Gate::new(MemoryStore::default(), samples::ports()));
        let ca = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let fetcher = Fetcher::new(Some(ca.cert.pem().as_bytes()), Networks::default());
        let (proxies, metrics) = (Proxies::new(TrustedProxies::default()), Arc::<Metrics>::default());
        let addresses = Addresses {
            console: CONSOLE.to_owned(),
            gate: "https://localhost:8443".to_owned(),
            ca: None,
        };
        let (trigger, stop) = shutdown::channel();
        let console = Console::new(
            Arc::clone(&gate),
            RequestIds::new([7; 6]),
            Arc::clone(&metrics),
            addresses,
            Arc::clone(&proxies),
            Arc::new(fetcher.expect("a fetcher")),
            stop,
        );
        let token = token(&gate, Role::Owner).await;
        Self {
            ingest: Arc::new(Ingest::new(
                Arc::clone(&gate),
                proxies,
                RequestIds::new([8; 6]),
                metrics,
            )),
            console: Arc::new(console),
            gate,
            token,
            _stop: Arc::new(trigger),
        }
    }

    /// The same installation, with a token of another role.
    pub(crate) async fn with_role(&self, role: Role) -> Self {
        Self {
            token: token(&self.gate, role).await,
            ..self.clone()
        }
    }

    /// A new webhook that every address may send to.
    pub(crate) async fn webhook(&self, name: &str) -> Issued {
        let new = samples::new_webhook(name, Policy::default());
        let issued = self.gate.create(&samples::acting(), new).await;
        issued.expect("a webhook")
    }

    /// Sends GET to a path of the admin API.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// Sends JSON by POST.
    pub(crate) async fn post(&self, path: &str, json: &Value) -> Answer {
        self.send(Method::POST, path, Some(json)).await
    }

    /// Sends any request to the admin API.
    pub(crate) async fn send(&self, method: Method, path: &str, json: Option<&Value>) -> Answer {
        let body = json.map(Value::to_string).unwrap_or_default();
        let token = format!("Bearer {}", self.token.reveal());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost:8444")
            .header(AUTHORIZATION, token)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)));
        exchange(&self.console, request.expect("a request")).await
    }

    /// Sends a delivery to a webhook's URL.
    pub(crate) async fn deliver(&self, issued: &Issued, payload: &Value) -> Answer {
        let path = format!("/webhooks/custom/{}", issued.id.reveal());
        let request = Request::post(path)
            .header(HOST, "localhost:8443")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(payload.to_string())));
        exchange(&self.ingest, request.expect("a request")).await
    }
}

async fn token(gate: &Gate<MemoryStore>, role: Role) -> Arc<ApiToken> {
    let name = format!("{role}").parse().expect("a name");
    let (token, _) = gate
        .token_create(&samples::acting(), name, role, None)
        .await
        .expect("a token");
    Arc::new(token)
}

async fn exchange<S: Service>(service: &Arc<S>, request: Request<Full<Bytes>>) -> Answer {
    let stream = TokioIo::new(connect(Arc::clone(service), CLIENT));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    let (head, body) = sender
        .send_request(request)
        .await
        .expect("an answer")
        .into_parts();
    let bytes = body.collect().await.expect("a whole body").to_bytes();
    Answer {
        status: head.status.as_u16(),
        body: String::from_utf8(bytes.into()).expect("UTF-8"),
    }
}
