//! Idle connections, more than the server takes: clients from other networks are still served, and the log stays short.

use std::any::Any;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookgate_testkit::https::{Client, Full, Http, Request};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::cases::JSON;
use crate::stage::{is_judged, soon};
use crate::support::{HOOKGATE, Server, post};

/// Limits on open files: the default of Linux, and one that is small enough for a short crowd to exhaust.
const DESCRIPTORS: [u32; 2] = [1_024, 384];
/// Time that an attacker waits for one connection.
const PATIENCE: Duration = Duration::from_secs(4);
/// Maximum time in which a crowd gathers before the others are checked.
const MOST_GATHERING: Duration = Duration::from_mins(2);
/// Number of concurrent attackers.
const HANDS: usize = 8;
/// Maximum number of log lines that a crowd may cause.
const MOST_LINES: usize = 10;

/// A connection that an attacker holds.
type HeldConnections = Box<dyn Any + Send>;

/// Opens a connection from an address of this /24 of the loopback network.
pub(crate) async fn stream_from(network: u8, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, network, 2)), 0))?;
    socket.connect(to).await
}

/// Opens one connection without a request: nothing at all, TLS alone, or the beginning of a head, over both versions of
/// HTTP.
async fn hold_one(client: Client, network: u8, to: SocketAddr, number: usize) -> Option<HeldConnections> {
    let stream = stream_from(network, to).await.ok()?;
    if number % 8 == 7 {
        return Some(Box::new(stream));
    }
    let http = if number.is_multiple_of(2) {
        Http::One
    } else {
        Http::Two
    };
    let mut stream = client.tls_over(stream, http).await.ok()?;
    let beginning: &[u8] = match number % 8 {
        2 => b"POST /webhooks/custom/",
        3 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        _ => b"",
    };
    stream.write_all(beginning).await.ok()?;
    Some(Box::new(stream))
}

/// The held connections, and the attackers that still open more.
#[derive(Default)]
struct Crowd {
    held: Arc<Mutex<Vec<HeldConnections>>>,
    hands: JoinSet<()>,
}

impl Crowd {
    /// Opens `many` connections from each of these networks, and holds those that it gets. An attacker that is not served in
    /// time tries again, so that every free place is taken.
    async fn gather(server: &Server, address: SocketAddr, sources: &'static [u8], each: usize) -> Self {
        let mut crowd = Self::default();
        let done = Arc::new(Semaphore::new(0));
        for hand in 0..HANDS {
            let (client, done) = (server.client.clone(), Arc::clone(&done));
            let held = Arc::clone(&crowd.held);
            crowd.hands.spawn(async move {
                for number in (hand..each * sources.len()).step_by(HANDS) {
                    let network = sources[number % sources.len()];
                    let one = hold_one(client.clone(), network, address, number / sources.len());
                    let one = timeout(PATIENCE, one).await.ok().flatten();
                    held.lock().unwrap().extend(one);
                }
                done.add_permits(1);
            });
        }
        let all = done.acquire_many(u32::try_from(HANDS).unwrap());
        let _ = timeout(MOST_GATHERING, all).await;
        crowd
    }

    fn len(&self) -> usize {
        self.held.lock().unwrap().len()
    }
}

/// Delivers over a new connection from this network. Returns the duration.
pub(crate) async fn deliver(server: &Server, http: Http, network: u8) -> Duration {
    let begun = Instant::now();
    let stream = stream_from(network, server.address()).await.unwrap();
    let mut connection = server.client.connect_over(stream, http).await.unwrap();
    let answer = connection.send(post(&server.demo_url(), JSON)).await;
    let answer = answer.unwrap_or_else(|error| panic!("{http:?} from 127.0.{network}.2: {error:?}"));
    assert_eq!(answer.status, 201, "{answer:?}");
    begun.elapsed()
}

async fn ask_console(server: &Server, path: &str) -> (u16, String) {
    let request = Request::get(format!("{}{path}", server.console()))
        .body(Full::default())
        .unwrap();
    let answer = server.send(Http::One, request).await;
    (answer.status.as_u16(), answer.body)
}

/// The value of a metric of the gate.
fn value(metrics: &str, name: &str) -> u64 {
    let start = format!("hookgate_{name}{{listener=\"gate\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("{name} is not in\n{metrics}"))
        .parse()
        .unwrap()
}

async fn strangers_are_served(sources: &'static [u8], each: usize, descriptors: Option<u32>) {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("log");
    let mut hookgate = descriptors.map_or_else(
        || Command::new(HOOKGATE),
        |limit| {
            let mut hookgate = Command::new("prlimit");
            hookgate.args([&format!("--nofile={limit}:{limit}"), HOOKGATE]);
            hookgate
        },
    );
    let data = scratch.path().join("data");
    let server = Server::start_by(&mut hookgate, &data, "warn", File::create(&log).unwrap().into());
    let mut before = server
        .client
        .connect_over(stream_from(200, server.address()).await.unwrap(), Http::One)
        .await
        .unwrap();
    let crowd = Crowd::gather(&server, server.address(), sources, each).await;
    let mut console = server.address();
    console.set_port(server.console().rsplit(':').next().unwrap().parse().unwrap());
    let _crowd_there = Crowd::gather(&server, console, sources, each / 4).await;
    for http in Http::BOTH {
        for stranger in [3, sources[0], 99] {
            let took = deliver(&server, http, stranger).await;
            assert!(took < soon(), "{http:?} from 127.0.{stranger}.2: {took:?}");
        }
    }
    let answer = before.send(post(&server.demo_url(), JSON)).await;
    assert_eq!(answer.unwrap().status, 201, "it held one connection, and kept it");
    assert_eq!(ask_console(&server, "/healthz").await.0, 200);
    let (status, ready) = ask_console(&server, "/readyz").await;
    assert_eq!(status, 200, "others make room, so nobody is turned away: {ready}");
    assert!(ready.contains("\"connections\":{\"console\":"), "{ready}");
    let (_, metrics) = ask_console(&server, "/metrics").await;
    let (open, limit) = (
        value(&metrics, "connections"),
        value(&metrics, "connections_limit"),
    );
    assert!(open <= limit, "{metrics}");
    assert!(value(&metrics, "connections_evicted_total") > 0, "{metrics}");
    let findings = server.json(&["doctor"]).to_string();
    assert_eq!(
        findings.contains("open files"),
        descriptors.is_some(),
        "{findings}"
    );
    let lines = fs::read_to_string(&log).unwrap();
    assert!(lines.lines().count() < MOST_LINES, "{lines}");
    assert_eq!(lines.contains("nearly full"), sources.len() == 4, "{lines}");
    let limited = descriptors.map(|limit| format!("may have {limit} files open"));
    assert!(limited.is_none_or(|words| lines.contains(&words)), "{lines}");
    println!(
        "{} of {} held; {open} of {limit} open",
        crowd.len(),
        each * sources.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_with_more_connections_than_descriptors_stops_nobody() {
    let (each, descriptors) = if is_judged() {
        (1_100, DESCRIPTORS[0])
    } else {
        (400, DESCRIPTORS[1])
    };
    strangers_are_served(&[2], each, Some(descriptors)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_sources_with_all_connections_stop_nobody() {
    let (each, descriptors) = if is_judged() {
        (2_048, None)
    } else {
        (250, Some(DESCRIPTORS[1]))
    };
    strangers_are_served(&[2, 4, 5, 6], each, descriptors).await;
}
