//! Unread answers, on many connections of strangers without a URL: their memory is bounded, and clients from other networks
//! are still served.

use std::net::SocketAddr;
use std::time::Duration;

use hookgate_testkit::https::{Client, Http, TlsStream};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::answers::PATIENCE;
use crate::crowds::{deliver, stream_from};
use crate::frames::{END_HEADERS, END_STREAM, Kind, PREFACE, frame, post_block_to};
use crate::stage::{is_judged, soon};
use crate::support::Server;

/// Number of attackers' networks, and the network without attackers.
const NETWORKS: u8 = 4;
const HONEST: u8 = 200;
/// Number of requests on each connection: its maximum.
const REQUESTS: u32 = 100;
/// Maximum memory of a connection besides its answers, and of all answers, in KiB.
const CONNECTION: u64 = 80;
const ANSWERS: u64 = 64 * 1024;
/// Interval of counting the connections that the server has cut, because others need their memory.
const LOOK_EVERY: Duration = Duration::from_millis(200);

fn connections() -> u64 {
    if is_judged() { 2_000 } else { 300 }
}

/// Sends many requests, with this window for each answer.
async fn ask(client: &Client, network: u8, to: SocketAddr, window: u8) -> Option<TlsStream<TcpStream>> {
    let stream = stream_from(network, to).await.ok()?;
    let mut stream = client.tls_over(stream, Http::Two).await.ok()?;
    let block = post_block_to(&format!("localhost:{}", to.port()), "/nothing");
    let requests = (0..REQUESTS)
        .flat_map(|number| frame(Kind::Headers, END_HEADERS | END_STREAM, 2 * number + 1, &block));
    let window = frame(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, window]);
    let bytes: Vec<u8> = PREFACE.iter().copied().chain(window).chain(requests).collect();
    stream.write_all(&bytes).await.ok()?;
    Some(stream)
}

/// `true` if the server has ended the connection. Nothing is read for that, because the answers shall stay unread.
async fn has_ended(stream: &TlsStream<TcpStream>) -> bool {
    let ready = stream.get_ref().0.ready(Interest::READABLE);
    let ready = timeout(Duration::ZERO, ready).await;
    ready.is_ok_and(|ready| ready.unwrap().is_read_closed())
}

/// Waits until the server has ended more than a third of the connections, and returns their number.
async fn ended(held: &[TlsStream<TcpStream>]) -> usize {
    let begun = Instant::now();
    loop {
        let mut ended = 0;
        for stream in held {
            ended += usize::from(has_ended(stream).await);
        }
        if ended > held.len() / 3 {
            return ended;
        }
        assert!(begun.elapsed() < PATIENCE, "{ended} of {}", held.len());
        sleep(LOOK_EVERY).await;
    }
}

/// Memory of the server, in KiB: `VmRSS:` now, `VmHWM:` at most.
fn memory(server: &Server, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

async fn untaken_answers_hold_little(server: &Server, to: SocketAddr) {
    let before = memory(server, "VmRSS:");
    let mut held = Vec::new();
    for number in 0..connections() {
        let [kind, ..] = number.to_le_bytes();
        held.extend(ask(&server.client, 1 + kind % NETWORKS, to, kind / NETWORKS % 2).await);
        if number.is_multiple_of(50) {
            let slowest = deliver(server, Http::Two, HONEST).await;
            assert!(slowest < soon(), "{slowest:?}");
        }
    }
    let ended = ended(&held).await;
    let growth = memory(server, "VmHWM:") - before;
    let all = held.len();
    println!("untaken: {all} connections, {ended} cut, memory +{growth} KiB");
    let most = ANSWERS + connections() * CONNECTION;
    assert!(growth < most, "{growth} KiB of {most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_the_gate_that_nobody_takes_hold_little() {
    let server = Server::start();
    untaken_answers_hold_little(&server, server.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_the_console_that_nobody_takes_hold_little() {
    let server = Server::start();
    let port = server.console().rsplit(':').next().unwrap().parse().unwrap();
    untaken_answers_hold_little(&server, SocketAddr::from(([127, 0, 0, 1], port))).await;
}
