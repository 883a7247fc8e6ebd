//! Demanding readers of the console: senders don't notice them, and the server's memory stays within its bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hookgate_testkit::https::{Bytes, Client, Connection, Full, Http, Request};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::answers::PATIENCE;
use crate::stage::{give_way, is_judged, runtime, scale, soon};
use crate::support::Server;
use crate::support::program::Program;
use crate::support::visitor::ConsoleClient;

/// Number of viewers, and of live views that each of them requests: 1,200 in all, of which the server grants a few.
const VIEWERS: usize = 8;
const VIEWS: usize = 150;
/// Number of strangers that read the metrics as fast as possible.
const STRANGERS: usize = 8;
/// Number of recorded deliveries that a view must scan, times the scale.
const RECORD: u32 = 200;
/// Number of webhooks whose URLs are not cached, times the scale.
const URLS: u32 = 10;
/// Maximum duration of the slowest hundredth of deliveries to these webhooks, where nothing else runs.
const SOON: Duration = Duration::from_millis(50);
/// Number of payloads that an export must read, times the scale, and size of each in bytes.
const PAYLOADS: u32 = 6;
const PAYLOAD: usize = 900 * 1024;
/// Number of unread exports and pages on each connection, and of connections.
const UNREAD: usize = 25;
const CONNECTIONS: usize = 4;
/// Maximum memory of the server, in MiB.
const MEMORY: u64 = 200;

fn console(server: &Server) -> std::net::SocketAddr {
    let port = server.console().rsplit(':').next().unwrap().parse().unwrap();
    std::net::SocketAddr::from(([127, 0, 0, 1], port))
}

fn get(server: &Server, path: &str, header: (&str, &str)) -> Request<Full<Bytes>> {
    let request = Request::get(format!("{}{path}", server.console())).header(header.0, header.1);
    request.body(Full::default()).unwrap()
}

/// The session cookies of the viewers.
async fn viewers(server: &Server) -> Vec<String> {
    let mut cookies = Vec::new();
    for number in 0..VIEWERS {
        let name = format!("viewer {number}");
        let link = server.json(&["member", "add", &name, "--role", "viewer"]);
        let visitor = ConsoleClient::by_link(server, link["sign_in"].as_str().unwrap()).await;
        cookies.push(format!("__Host-hookgate={}", visitor.session()));
    }
    cookies
}

/// Requests live views on connections of its own, and keeps the granted ones. Returns their number.
async fn watch(server: &Server, cookies: &[String]) -> (Vec<Connection>, usize) {
    let (mut connections, mut given) = (Vec::new(), 0);
    for cookie in cookies {
        // Two connections, because each has a bounded number of streams.
        for _ in 0..2 {
            let mut connection = server.client.connect(console(server), Http::Two).await.unwrap();
            for _ in 0..VIEWS / 2 {
                let path = "/logs/live?source=192.0.2.1&after=dlv_0000000000001";
                let view = connection
                    .begin(get(server, path, ("cookie", cookie)))
                    .await
                    .unwrap();
                assert!([200, 429].contains(&view.status.as_u16()), "{}", view.status);
                if view.status == 200 {
                    given += 1;
                    tokio::spawn(async move {
                        let mut view = view;
                        while let Ok(Some(_)) = view.piece().await {}
                    });
                }
            }
            connections.push(connection);
        }
    }
    (connections, given)
}

/// Reads the metrics until the end, at low priority. Returns the number of answers.
fn flood_metrics(
    client: Client,
    server: &Server,
    is_over: &Arc<AtomicBool>,
) -> std::thread::JoinHandle<usize> {
    let (address, origin, is_over) = (console(server), server.console().to_owned(), Arc::clone(is_over));
    std::thread::spawn(move || {
        if is_judged() {
            give_way();
        }
        let answers = Arc::<AtomicUsize>::default();
        let strangers = (0..STRANGERS).map(|_| {
            let (client, origin) = (client.clone(), origin.clone());
            let (is_over, answers) = (Arc::clone(&is_over), Arc::clone(&answers));
            async move {
                let mut connection = client.connect(address, Http::Two).await.unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    let request = Request::get(format!("{origin}/metrics")).body(Full::default());
                    assert_eq!(connection.send(request.unwrap()).await.unwrap().status, 200);
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        runtime().block_on(async {
            strangers.collect::<tokio::task::JoinSet<_>>().join_all().await;
        });
        answers.load(Ordering::Relaxed)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_that_are_not_remembered_are_found_beside_live_views_and_metrics() {
    let server = Server::start();
    let urls: Vec<_> = (0..URLS * scale())
        .map(|number| server.create(&format!("fresh {number}"), &[]))
        .collect();
    let mut sender = server.client.connect(server.address(), Http::One).await.unwrap();
    let demo = server.demo_url();
    for _ in 0..RECORD * scale() {
        let body = r#"{"title":"t","dedup_key":"one"}"#;
        let answer = sender.send(crate::support::post(&demo, body)).await.unwrap();
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    let cookies = viewers(&server).await;
    let (connections, given) = watch(&server, &cookies).await;
    assert_eq!(given, 32, "all views that there may be");
    let is_over = Arc::new(AtomicBool::new(false));
    let strangers = flood_metrics(server.client.clone(), &server, &is_over);
    let mut times = Vec::new();
    for url in &urls {
        let begun = Instant::now();
        let answer = sender
            .send(crate::support::post(url, r#"{"title":"t"}"#))
            .await
            .unwrap();
        times.push(begun.elapsed());
        assert_eq!(answer.status, 201, "{}", answer.body);
        sleep(Duration::from_millis(10)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let answers = strangers.join().unwrap();
    drop(connections);
    times.sort_unstable();
    let slowest = times[(times.len() * 99).div_ceil(100) - 1];
    println!("fresh URLs: p99 {slowest:.1?} beside {given} live views and {answers} readings of the metrics");
    let most = if is_judged() { SOON } else { soon() };
    assert!(slowest < most, "{slowest:?}");
}

/// Unread exports and pages of large payloads, on several connections of one token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_exports_take_a_bounded_memory() {
    let server = Server::start();
    server.json(&["webhook", "edit", "demo", "--max-body", "1048576"]);
    let url = server.demo_url();
    // A character that takes six bytes in JSON, and seven if that is quoted again.
    let log = "\u{1}".repeat(PAYLOAD / 6);
    let body = json!({"title": "Disk full", "dedup_key": "disk", "log": log}).to_string();
    for _ in 0..PAYLOADS * scale() {
        let answer = server.post(Http::Two, &url, &body).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    let program = Program::new(&server, "operator");
    let token = format!("Bearer {}", program.token());
    let (mut connections, mut unread, mut refused) = (Vec::new(), Vec::new(), 0);
    for _ in 0..CONNECTIONS {
        let mut connection = server.client.connect(console(&server), Http::Two).await.unwrap();
        for path in [
            "/api/v1/deliveries/export?format=ndjson",
            "/api/v1/deliveries?limit=200",
        ] {
            for _ in 0..UNREAD {
                let begun = connection.begin(get(&server, path, ("authorization", &token)));
                // Pages have a concurrency limit, and the unread ones use it up.
                match timeout(PATIENCE, begun).await.unwrap() {
                    Ok(answer) if answer.status == 200 => unread.push(answer),
                    Ok(answer) => {
                        assert_eq!(answer.status, 429);
                        refused += 1;
                    }
                    Err(error) => panic!("{path}: {error}"),
                }
            }
        }
        connections.push(connection);
    }
    let mut most = 0;
    for _ in 0..5 * scale() {
        let begun = Instant::now();
        let answer = server.post(Http::Two, &url, r#"{"title":"Disk full"}"#).await;
        assert!(
            answer.status.is_success() && begun.elapsed() < soon(),
            "{}",
            answer.status
        );
        most = most.max(memory(&server));
        sleep(Duration::from_millis(200)).await;
    }
    println!(
        "unread: {} answers, {refused} refused, {most} MiB of memory",
        unread.len()
    );
    assert!(!unread.is_empty() && refused > 0);
    assert!(most < MEMORY, "{most} MiB");
}

/// Peak memory of the server, in MiB.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
