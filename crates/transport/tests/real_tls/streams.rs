//! HTTP/2, frame by frame: the number of reset streams after which a connection ends.

use hookgate_domain::{Networks, TrustedProxies};
use hookgate_transport::{MAX_CONNECTIONS, Proxies};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::support::Server;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Streams with an error: more than a direct peer may cause.
const MISTAKES: u32 = 500;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// The head of the `index`th request, a POST to this path.
fn head(index: u32, flags: u8, path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).expect("short");
    // `POST`, `https`, and the names of `:path` and `:authority` are in the static table (RFC 7541, appendix A).
    let block = [&[0x83, 0x87, 0x04, length], path.as_bytes(), &[0x01, 1, b'a']].concat();
    frame(HEADERS, END_HEADERS | flags, 1 + 2 * index, &block)
}

/// A request that the server has to reset: the window of its stream overflows.
fn mistake(index: u32) -> Vec<u8> {
    let too_wide = 0x7fff_ffff_u32.to_be_bytes();
    let update = frame(WINDOW_UPDATE, 0, 1 + 2 * index, &too_wide);
    [head(index, 0, "/slow"), update].concat()
}

/// Counts the frames of the server.
#[derive(Debug, Default, PartialEq, Eq)]
struct Probe {
    answers: u32,
    resets: u32,
    goes_away: bool,
}

impl Probe {
    /// Reads until `enough` holds or the server sends GOAWAY.
    async fn read(&mut self, reader: &mut (impl AsyncRead + Unpin), enough: impl Fn(&Self) -> bool) {
        while !enough(self) && !self.goes_away {
            let mut head = [0; 9];
            reader.read_exact(&mut head).await.expect("a frame");
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            reader
                .read_exact(&mut vec![0; length as usize])
                .await
                .expect("a whole frame");
            match head[3] {
                HEADERS => self.answers += 1,
                RESET => self.resets += 1,
                GO_AWAY => self.goes_away = true,
                _ => {}
            }
        }
    }
}

/// Makes the mistakes, and after the server has reported them a request, which is answered if the connection still
/// works.
async fn after_mistakes(server: &Server) -> Probe {
    let mut stream = server.connect(Some(b"h2")).await;
    let mistakes: Vec<u8> = (0..MISTAKES).flat_map(mistake).collect();
    stream
        .write_all(&[PREFACE, &mistakes].concat())
        .await
        .expect("open");
    let mut seen = Probe::default();
    seen.read(&mut stream, |seen| seen.resets == MISTAKES).await;
    // The server may have closed the connection.
    let _ = stream.write_all(&head(MISTAKES, END_STREAM, "/a")).await;
    seen.read(&mut stream, |seen| seen.answers > 0).await;
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_end_the_connection_of_a_sender() {
    let server = Server::start(MAX_CONNECTIONS).await;
    assert!(after_mistakes(&server).await.goes_away);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_some_do_not_end_the_connection_of_a_proxy_for_all() {
    let network = "127.0.0.0/8".parse().expect("a network");
    let proxies = Proxies::new(TrustedProxies {
        networks: Networks::of([network]).expect("few"),
        header: None,
    });
    let server = Server::start_behind(proxies).await;
    let seen = after_mistakes(&server).await;
    assert_eq!((seen.answers, seen.goes_away), (1, false), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_too_many_at_once_are_refused_and_the_others_answered() {
    const REQUESTS: u32 = 210;
    let server = Server::start(MAX_CONNECTIONS).await;
    let mut stream = server.connect(Some(b"h2")).await;
    let requests: Vec<u8> = (0..REQUESTS)
        .flat_map(|index| head(index, END_STREAM, "/slow"))
        .collect();
    stream
        .write_all(&[PREFACE, &requests].concat())
        .await
        .expect("open");
    let mut seen = Probe::default();
    seen.read(&mut stream, |seen| seen.answers + seen.resets == REQUESTS)
        .await;
    assert!(
        seen.answers >= 100 && seen.resets > 0 && !seen.goes_away,
        "{seen:?}"
    );
}
