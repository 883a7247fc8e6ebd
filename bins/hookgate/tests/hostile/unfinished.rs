//! Unfinished requests, on more connections than a listener takes: complete requests of others are still served.

use std::fs::File;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hookgate_testkit::https::{Client, Full, Http, Request, TlsStream};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::answers::answers;
use crate::crowds::{deliver, stream_from};
use crate::frames::{END_HEADERS, Kind, PREFACE, field, frame, post_block_to};
use crate::stage::{is_judged, scale, soon};
use crate::support::{HOOKGATE, Server};

/// Limit on the server's open files, unless the test is a long one: the gate then takes 672 connections, the console 112.
const DESCRIPTORS: u32 = 1_024;
/// Number of concurrent attackers.
const HANDS: usize = 8;
/// Time that an attacker waits for one connection.
const PATIENCE: Duration = Duration::from_secs(2);
/// Number of attackers' networks that take as many connections as they get.
const LOUD: usize = 4;
/// The first of the networks that take a few connections.
const QUIET: u8 = 20;
/// The network of the honest client.
const HONEST: u8 = 200;

/// A server with a low limit on open files, unless the test is a long one, and its log.
fn server() -> (Server, TempDir) {
    let scratch = TempDir::new().unwrap();
    let log = File::create(scratch.path().join("log")).unwrap();
    let mut hookgate = Command::new(HOOKGATE);
    if !is_judged() {
        hookgate = Command::new("prlimit");
        hookgate.args([&format!("--nofile={DESCRIPTORS}:{DESCRIPTORS}"), HOOKGATE]);
    }
    let server = Server::start_by(&mut hookgate, &scratch.path().join("data"), "warn", log.into());
    (server, scratch)
}

fn console_address(server: &Server) -> SocketAddr {
    let port = server.console().rsplit(':').next().unwrap();
    SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

/// Addresses of attackers that fill a listener with this limit: loud sources hold three quarters of the connections, and
/// quiet ones a few each of the rest.
fn sources(limit: usize) -> [Vec<u8>; 2] {
    let few = (limit / 4).div_ceil(16);
    let quiet = (limit / 4).div_ceil(few);
    let of = |count: usize, first: u8, networks: usize| {
        (0..count)
            .map(|number| first + (number % networks).to_le_bytes()[0])
            .collect()
    };
    [of(limit * 3 / 4, 1, LOUD), of(few * quiet, QUIET, quiet)]
}

/// A request with a head only.
#[derive(Clone)]
struct Unfinished {
    client: Client,
    address: SocketAddr,
    paths: Vec<String>,
    token: String,
}

impl Unfinished {
    async fn begin(&self, network: u8, number: usize) -> Option<TlsStream<TcpStream>> {
        let http = Http::BOTH[number % 2];
        let stream = stream_from(network, self.address).await.ok()?;
        let mut stream = self.client.tls_over(stream, http).await.ok()?;
        let path = &self.paths[number / 2 % self.paths.len()];
        let head = match http {
            Http::One => format!(
                "POST {path} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\nAuthorization: Bearer {}\r\n\
                 Content-Length: 1000\r\n\r\n{{",
                self.address.port(),
                self.token
            )
            .into_bytes(),
            Http::Two => {
                let mut block = post_block_to(&format!("localhost:{}", self.address.port()), path);
                block.extend(field("content-type", "application/json"));
                block.extend(field("authorization", &format!("Bearer {}", self.token)));
                [PREFACE, &frame(Kind::Headers, END_HEADERS, 1, &block)].concat()
            }
        };
        stream.write_all(&head).await.ok()?;
        Some(stream)
    }

    /// Begins a request from each of these sources, and holds the connections. With several tasks at work, connections whose
    /// request has not begun make room for others.
    async fn crowd(&self, sources: &[u8], many: usize) -> Vec<(usize, TlsStream<TcpStream>)> {
        let mut hands = JoinSet::new();
        for hand in 0..many {
            let (this, sources) = (self.clone(), sources.to_vec());
            hands.spawn(async move {
                let mut held = Vec::new();
                for (number, network) in sources.iter().enumerate().skip(hand).step_by(many) {
                    let one = timeout(PATIENCE, this.begin(*network, number)).await;
                    held.extend(one.ok().flatten().map(|stream| (number, stream)));
                }
                held
            });
        }
        hands.join_all().await.into_iter().flatten().collect()
    }
}

/// Number of connections, by version of HTTP, whose answer says that they had to make room.
async fn refusals(held: Vec<(usize, TlsStream<TcpStream>)>) -> [usize; 2] {
    let mut told = [0; 2];
    for (number, mut stream) in held {
        let mut bytes = Vec::new();
        let _ = timeout(Duration::from_millis(10), stream.read_to_end(&mut bytes)).await;
        if number % 2 == 1 {
            let is_told = bytes.windows(11).any(|window| window == b"UNAVAILABLE");
            told[1] += usize::from(is_told);
            continue;
        }
        for answer in answers(&bytes) {
            // On a busy machine some wait longer for their body than the server does.
            let is_told = answer.summary == "UNAVAILABLE";
            assert!(is_told || answer.summary == "REQUEST_TIMEOUT", "{answer:?}");
            assert!(answer.closes, "{answer:?}");
            told[0] += usize::from(is_told);
        }
    }
    told
}

/// Many attackers know two URLs and send heads of deliveries to them, without bodies.
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_without_a_body_fill_no_listener() {
    let (server, _scratch) = server();
    let paths = [server.create("one", &[]), server.create("other", &[])]
        .map(|url| format!("/{}", url.splitn(4, '/').nth(3).unwrap()));
    let attack = Unfinished {
        client: server.client.clone(),
        address: server.address(),
        paths: paths.into(),
        token: "none".to_owned(),
    };
    let [loud, quiet] = sources(if is_judged() { 8_192 } else { 672 });
    let mut held = attack.crowd(&loud, HANDS).await;
    held.extend(attack.crowd(&quiet, HANDS).await);
    let is_over = AtomicBool::new(false);
    let goes_on = async {
        while !is_over.load(Ordering::Relaxed) {
            attack.crowd(&quiet[..HANDS], HANDS).await;
        }
    };
    let honest = async {
        for _ in 0..5 * scale() {
            for http in Http::BOTH {
                // Also from the address of an attacker that holds its whole share.
                for network in [HONEST, 1, QUIET] {
                    let took = deliver(&server, http, network).await;
                    assert!(took < soon(), "{http:?} from 127.0.{network}.2: {took:?}");
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(goes_on, honest);
    let count = held.len();
    let told = refusals(held).await;
    println!("{count} held; {told:?} were told over HTTP/1 and HTTP/2 to make room");
    assert!(told.iter().all(|count| *count > 0), "{told:?}");
}

/// A viewer's program sends heads of requests to the admin API from many addresses. Few of them are processed at once, so
/// the others wait, with a request in progress.
#[tokio::test(flavor = "multi_thread")]
async fn probes_of_the_console_are_answered_while_others_hold_all_they_may() {
    let (server, _scratch) = server();
    let made = server.json(&["token", "create", "probed", "--role", "viewer"]);
    let attack = Unfinished {
        client: server.client.clone(),
        address: console_address(&server),
        paths: vec!["/api/v1/webhooks".to_owned()],
        token: made["token"].as_str().unwrap().to_owned(),
    };
    let [loud, quiet] = sources(if is_judged() { 1_024 } else { 112 });
    for _ in 0..scale() {
        let mut held = attack.crowd(&loud, HANDS).await;
        held.extend(attack.crowd(&quiet, 1).await);
        for probe in 0..12 {
            let begun = Instant::now();
            let path = ["healthz", "readyz"][probe % 2];
            let stream = stream_from(HONEST, attack.address).await.unwrap();
            let request = Request::get(format!("{}/{path}", server.console()));
            let asked = async {
                let mut connection = server.client.connect_over(stream, Http::BOTH[probe % 2]).await?;
                connection.send(request.body(Full::default()).unwrap()).await
            };
            let answer = timeout(soon(), asked).await.expect("in time").unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            println!("{path} after {:?}, {} held", begun.elapsed(), held.len());
            sleep(Duration::from_millis(100)).await;
        }
    }
}
