//! Shared helpers of this crate's tests: a service with a few test paths, and a client that writes raw bytes. They use
//! no socket and no real time: the paused clock advances whenever all tasks wait.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::{Connection, RefusalCode, RequestId, Timestamp, WebhookId};
use hyper::{Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

use crate::connection::{Origin, Protocols};
use crate::connection_activity::{ConnectionActivity, IDLE_TIMEOUT};
use crate::peer::Peer;
use crate::protocol::Protocol;
use crate::reply::{self, Reply};
use crate::{Body, CancellationToken, Exchange, PlainHttp, RequestIds, Service};

/// The body limit of `Telltale`, small so that tests can exceed it.
pub(crate) const LIMIT: usize = 1000;

const DUPLEX: usize = 64 * 1024;

/// A webhook ID that is derived from `seed`.
pub(crate) fn webhook_id(seed: u64) -> WebhookId {
    let mut state = seed;
    let Ok(id) = WebhookId::generate(|buffer| {
        buffer.fill_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[1]
        });
        Ok::<(), std::convert::Infallible>(())
    });
    id
}

/// Answers 201 with the length of the body, unless the path says otherwise.
pub(crate) struct Telltale(RequestIds);

impl Telltale {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(RequestIds::new([7; 6])))
    }
}

impl Service for Telltale {
    fn request_id(&self) -> RequestId {
        self.0.next(Timestamp::from_micros(0))
    }

    async fn answer(&self, request: Request<Body>, _exchange: &Exchange) -> Reply {
        match request.uri().path() {
            "/unread" => return reply::refusal(RefusalCode::WebhookNotFound),
            "/panic" => panic!("on purpose"),
            "/slow" => sleep(Duration::from_secs(20)).await,
            _ => {}
        }
        match request.into_body().read(LIMIT).await {
            Ok(body) => reply::success(StatusCode::CREATED, &body.len()),
            Err(fault) => reply::refusal(fault.code()),
        }
    }

    async fn plain_http(&self, _seen: PlainHttp<'_>, _exchange: &Exchange) {}
}

/// The origin of a sender's connection.
pub(crate) fn origin() -> Origin {
    Origin {
        connection: Connection::from_peer([192, 0, 2, 1].into()),
        peer: Peer::Sender,
        activity: Arc::new(ConnectionActivity::start(IDLE_TIMEOUT)),
    }
}

/// The client's end of an HTTP/1 connection to a [`Telltale`].
pub(crate) fn connect() -> DuplexStream {
    let (client, server) = duplex(DUPLEX);
    tokio::spawn(async move {
        let service = Telltale::new();
        Protocols::new()
            .serve(
                server,
                Protocol::Http1,
                origin(),
                service,
                CancellationToken::new(),
            )
            .await;
    });
    client
}

/// Writes the pieces one after another and returns the answers until the server closes.
pub(crate) async fn talk<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Answer> {
    let (mut reader, mut writer) = tokio::io::split(connect());
    let write = async {
        for piece in pieces {
            // The server may have closed already; its answers before that count.
            let _ = writer.write_all(piece).await;
            tokio::task::yield_now().await;
        }
    };
    let mut bytes = Vec::new();
    let (read, ()) = tokio::join!(reader.read_to_end(&mut bytes), write);
    read.expect("a clean end");
    answers(&bytes)
}

/// The parts of an answer that tests compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status, and the code if it has one: `201`, `400 BAD_REQUEST`.
    pub(crate) summary: String,
    pub(crate) closes: bool,
    pub(crate) body: String,
}

fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let mut slots = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut slots);
        let head = response.parse(bytes).expect("a response").unwrap();
        let status = response.code.expect("a status");
        let field = |name: &str| {
            let found = response
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name));
            found.map(|header| std::str::from_utf8(header.value).expect("ASCII"))
        };
        let length = field("content-length").map_or(0, |length| length.parse().expect("a length"));
        let body = std::str::from_utf8(&bytes[head..head + length]).expect("UTF-8");
        if status != 100 {
            assert!(field("x-request-id").is_some_and(|id| id.starts_with("req_") && id.len() == 30));
            assert_eq!(field("content-type"), Some("application/json"));
        }
        let code = body
            .split_once("\"code\":\"")
            .and_then(|(_, rest)| rest.split('"').next());
        let summary = code.map_or(status.to_string(), |code| format!("{status} {code}"));
        let closes = field("connection") == Some("close");
        answers.push(Answer {
            summary,
            closes,
            body: body.to_owned(),
        });
        bytes = &bytes[head + length..];
    }
    answers
}
