//! Console and ingest over the store in memory, for tests of handlers: no TLS, no socket, no process.
//!
//! ```ignore
//! let app = TestApp::new().await;
//! let webhook = app.webhook("disk alerts").await;
//! let refused = app.role("viewer").await.post(&webhook.path("revoke"), &json!({})).await;
//! refused.assert_error(403, "FORBIDDEN");
//! ```

pub(crate) mod visitor;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::{ChangeAction, DeliveryId, Networks, TrustedProxies};
use hookgate_gate::{Commit, Gate, Ports, Store as _};
use hookgate_ingest::{Ingest, Metrics};
use hookgate_outbound::Fetcher;
use hookgate_people::Role;
use hookgate_testkit::{FixedClock, MemoryStore, samples};
use hookgate_transport::in_memory::connect;
use hookgate_transport::{CancellationToken, Proxies, RequestIds, Service};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, SET_COOKIE};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{Addresses, Console};

const CONSOLE: &str = "https://localhost:8444";
const GATE: &str = "https://localhost:8443";
/// Time that a piece of a stream may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(20);
/// Source of every request and delivery.
pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// The CA that downloads of published lists trust. It signs nothing, so every download fails.
static CA: LazyLock<String> = LazyLock::new(|| {
    let ca = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    ca.expect("a certificate").cert.pem()
});

/// The services of both listeners. Requests use an owner's token, unless `role` chooses another role.
#[derive(Clone)]
pub(crate) struct TestApp {
    pub(crate) gate: Arc<Gate<MemoryStore>>,
    /// Time of every request. It only moves when a test moves it.
    pub(crate) clock: FixedClock,
    console: Arc<Console<MemoryStore>>,
    ingest: Arc<Ingest<MemoryStore>>,
    /// Headers of every request to the console.
    headers: Vec<(&'static str, String)>,
}

/// A webhook that the admin API created.
#[derive(Debug)]
pub(crate) struct TestWebhook {
    pub(crate) handle: String,
    pub(crate) url: String,
}

impl TestWebhook {
    /// Path of the webhook in the admin API, or of an action on it.
    pub(crate) fn path(&self, action: &str) -> String {
        let path = format!("/api/v1/webhooks/{}/{action}", self.handle);
        path.trim_end_matches('/').to_owned()
    }
}

/// Status, headers and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    headers: HeaderMap,
}

impl Answer {
    /// A header, or an empty text if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a header of text"))
    }

    /// The cookies that the answer sets, with their attributes.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        let values = self.headers.get_all(SET_COOKIE).iter();
        values.map(|value| value.to_str().expect("text")).collect()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// `data` of a success.
    #[track_caller]
    pub(crate) fn data(&self) -> Value {
        assert!(self.status < 300, "{self:?}");
        self.json()["data"].clone()
    }

    /// A field of each item of a page, as text.
    #[track_caller]
    pub(crate) fn column(&self, field: &str) -> Vec<String> {
        let data = self.data();
        let items = data["items"].as_array().expect("a page").iter();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        items.map(|item| text(&item[field])).collect()
    }

    /// Checks status and code of an error.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str) {
        let error = &self.json()["error"];
        let found = (self.status, error["code"].as_str().unwrap_or_default());
        assert_eq!(found, (status, code), "{self:?}");
        assert!(error["message"].is_string(), "{self:?}");
    }

    /// Checks that these fields, and no others, are reported as invalid.
    #[track_caller]
    pub(crate) fn assert_invalid(&self, fields: &[&str]) {
        self.assert_error(422, "VALIDATION_ERROR");
        let details = &self.json()["error"]["details"];
        let details = details.as_array().expect("invalid fields").iter();
        let found: Vec<_> = details.map(|detail| detail["field"].as_str()).collect();
        let expected: Vec<_> = fields.iter().copied().map(Some).collect();
        assert_eq!(found, expected, "{self:?}");
    }
}

impl TestApp {
    /// An empty installation.
    pub(crate) async fn new() -> Self {
        let clock = FixedClock::at(samples::second(-1));
        let ports = Ports {
            clock: Box::new(clock.clone()),
            ..samples::ports()
        };
        let gate = Arc::new(Gate::new(MemoryStore::default(), ports));
        let fetcher = Fetcher::new(Some(CA.as_bytes()), Networks::default());
        let (proxies, metrics) = (Proxies::new(TrustedProxies::default()), Arc::<Metrics>::default());
        let addresses = Addresses {
            console: CONSOLE.to_owned(),
            gate: GATE.to_owned(),
            ca: None,
        };
        let console = Console::new(
            Arc::clone(&gate),
            RequestIds::new([7; 6]),
            Arc::clone(&metrics),
            addresses,
            Arc::clone(&proxies),
            Arc::new(fetcher.expect("a fetcher")),
            CancellationToken::new(),
        );
        let ingest = Ingest::new(Arc::clone(&gate), proxies, RequestIds::new([8; 6]), metrics);
        let name = "owner".parse().expect("a name");
        let token = gate
            .token_create(&samples::actor_context(), name, Role::Owner, None)
            .await;
        let (token, _) = token.expect("a token");
        clock.set(samples::START);
        Self {
            gate,
            clock,
            console: Arc::new(console),
            ingest: Arc::new(ingest),
            headers: Vec::new(),
        }
        .bearer(token.reveal())
    }

    /// The same installation, with a token of another role.
    pub(crate) async fn role(&self, role: &str) -> Self {
        let new = json!({"name": role, "role": role});
        let made = self.post("/api/v1/tokens", &new).await.data();
        self.bearer(made["token"].as_str().expect("a token"))
    }

    /// The same installation, with this token.
    pub(crate) fn bearer(&self, token: &str) -> Self {
        self.with(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// The same installation, with this value of a header in every request.
    pub(crate) fn with(&self, header: &'static str, value: &str) -> Self {
        let others = self.headers.iter().filter(|(name, _)| *name != header).cloned();
        Self {
            headers: others.chain([(header, value.to_owned())]).collect(),
            ..self.clone()
        }
    }

    /// The same installation, with one more value of a header in every request.
    pub(crate) fn also(&self, header: &'static str, value: &str) -> Self {
        let mut app = self.clone();
        app.headers.push((header, value.to_owned()));
        app
    }

    /// The value of a header that is sent with every request, or an empty text.
    fn header_value(&self, header: &str) -> &str {
        let set = self.headers.iter().find(|(name, _)| *name == header);
        set.map_or("", |(_, value)| value)
    }

    /// Creates a webhook that every address may send to.
    pub(crate) async fn webhook(&self, name: &str) -> TestWebhook {
        self.webhook_like(&json!({"name": name})).await
    }

    /// Creates a webhook with these fields.
    pub(crate) async fn webhook_like(&self, new: &Value) -> TestWebhook {
        let made = self.post("/api/v1/webhooks", new).await.data();
        let text = |field: &str| made[field].as_str().expect("a text").to_owned();
        TestWebhook {
            handle: text("handle"),
            url: text("url"),
        }
    }

    /// Sends GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    /// Sends JSON by POST.
    pub(crate) async fn post(&self, path: &str, json: &Value) -> Answer {
        self.send(Method::POST, path, &json.to_string()).await
    }

    /// Sends JSON by PATCH.
    pub(crate) async fn patch(&self, path: &str, json: &Value) -> Answer {
        self.send(Method::PATCH, path, &json.to_string()).await
    }

    /// Sends DELETE.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "").await
    }

    /// Sends any request to the console. Its body is JSON, unless a header says otherwise.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        self.open(method, path, body).await.whole().await
    }

    /// Sends a request whose answer may have no end.
    async fn open(&self, method: Method, path: &str, body: &str) -> TestStream {
        let mut request = Request::builder().method(method).uri(path);
        let defaults = [
            (HOST.as_str(), "localhost:8444".to_owned()),
            (CONTENT_TYPE.as_str(), "application/json".to_owned()),
        ];
        let defaults = defaults
            .iter()
            .filter(|(name, _)| self.header_value(name).is_empty());
        for (name, value) in self.headers.iter().chain(defaults) {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned())));
        begin(&self.console, request.expect("a request")).await
    }

    /// Follows `next` from this page to the last one. Returns a field of each item on the way.
    pub(crate) async fn all(&self, path: &str, field: &str) -> Vec<String> {
        let mut page = self.get(path).await;
        let mut found = page.column(field);
        let joint = if path.contains('?') { '&' } else { '?' };
        while let Some(next) = page.data()["next"].as_str() {
            page = self.get(&format!("{path}{joint}cursor={next}")).await;
            found.extend(page.column(field));
        }
        found
    }

    /// Sends a delivery to a webhook's URL.
    pub(crate) async fn deliver(&self, webhook: &TestWebhook, payload: &Value) -> Answer {
        self.deliver_text(&webhook.url, &payload.to_string()).await
    }

    /// Commits a delivery of a tool that opens incidents with these dedup keys. Returns its ID.
    pub(crate) async fn change_incidents(&self, webhook: &TestWebhook, keys: &[&str]) -> DeliveryId {
        let handle = webhook.handle.parse().expect("a handle");
        let stored = self.gate.store().webhook_by_handle(handle).await;
        let stored = stored.expect("the store answers").expect("a webhook");
        let changes = keys.iter().map(|key| samples::change(ChangeAction::Open, key));
        let commit = self
            .gate
            .store()
            .delivery_commit(samples::changing(&stored, changes));
        match commit.await.expect("the store answers") {
            Commit::Stored(accepted) => accepted.delivery,
            other => panic!("not stored but {other:?}"),
        }
    }

    /// Sends any text to a webhook's URL.
    pub(crate) async fn deliver_text(&self, url: &str, payload: &str) -> Answer {
        self.deliver_with(url, &[], payload).await
    }

    /// Sends any text to a webhook's URL, with these headers.
    pub(crate) async fn deliver_with(&self, url: &str, headers: &[(&str, &str)], payload: &str) -> Answer {
        let path = url.strip_prefix(GATE).expect("a URL of the gate");
        let defaults = [
            (HOST.as_str(), "localhost:8443"),
            (CONTENT_TYPE.as_str(), "application/json"),
        ];
        let mut request = Request::post(path);
        for (name, value) in defaults.iter().chain(headers) {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(payload.to_owned())));
        begin(&self.ingest, request.expect("a request"))
            .await
            .whole()
            .await
    }
}

/// An answer whose body is read in pieces.
pub(crate) struct TestStream {
    /// Status and headers.
    pub(crate) head: Answer,
    body: Incoming,
}

impl TestStream {
    /// Reads until the body has had all these words. Returns what was read.
    pub(crate) async fn read_until(&mut self, words: &[String]) -> String {
        let mut read = String::new();
        while !words.iter().all(|word| read.contains(word.as_str())) {
            let frame = timeout(STORE_TIMEOUT, self.body.frame()).await;
            let frame = frame
                .expect("a frame in time")
                .expect("a frame")
                .expect("a whole frame");
            read.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
        }
        read
    }

    /// Reads the whole body.
    async fn whole(self) -> Answer {
        let bytes = self.body.collect().await.expect("a whole body").to_bytes();
        Answer {
            body: String::from_utf8(bytes.into()).expect("UTF-8"),
            ..self.head
        }
    }
}

/// Sends a request over a connection of its own, and reads the head of the answer.
async fn begin<S: Service>(service: &Arc<S>, request: Request<Full<Bytes>>) -> TestStream {
    let stream = TokioIo::new(connect(Arc::clone(service), CLIENT));
    let connected = hyper::client::conn::http1::handshake(stream).await;
    let (mut sender, connection) = connected.expect("a connection");
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.expect("an answer");
    let (head, body) = answer.into_parts();
    let head = Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: String::new(),
    };
    TestStream { head, body }
}
