//! Readers of the console: limits on their number of bytes and their time, so that one reader can't slow down others.

use std::time::Duration;

use hookgate_testkit::https::{Bytes, Connection, Full, Http, Request, Unread};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::support::program::{Program, data};
use crate::support::visitor::ConsoleClient;
use crate::support::{PATIENCE, Server, comes, run, sql};

/// Number of deliveries that an export reads, and size of each in bytes: together more than all buffers on the way.
const DELIVERIES: usize = 64;
const BYTES: usize = 240 * 1024;
/// Maximum growth of the server's memory, in MiB.
const MEMORY: u64 = 130;
/// Maximum time of a delivery that no reader holds up. On a machine that is busy with other tests it takes long.
const SOON: Duration = Duration::from_secs(20);
/// Size of a piece of an answer in bytes, and time that a slow reader takes for it: half a minute for a whole export.
const PIECE: usize = 16 * 1024;
const READS_EVERY: Duration = Duration::from_millis(25);

/// A server with large payloads on record.
async fn filled() -> Server {
    let server = Server::start();
    let url = server.demo_url();
    let body = json!({"title": "Disk full", "dedup_key": "disk", "log": "x".repeat(BYTES)}).to_string();
    for _ in 0..DELIVERIES {
        let answer = server.post(Http::Two, &url, &body).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    server
}

async fn connect(server: &Server, http: Http) -> Connection {
    let port = server.console().rsplit(':').next().unwrap().parse().unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    server.client.connect(address, http).await.unwrap()
}

fn get(server: &Server, path: &str, header: (&str, String)) -> Request<Full<Bytes>> {
    let request = Request::get(format!("{}{path}", server.console())).header(header.0, header.1);
    request.body(Full::default()).unwrap()
}

fn by_token(program: &Program<'_>) -> (&'static str, String) {
    ("authorization", format!("Bearer {}", program.token()))
}

fn by_session(visitor: &ConsoleClient<'_>) -> (&'static str, String) {
    ("cookie", format!("__Host-hookgate={}", visitor.session()))
}

/// Memory of the server, in MiB.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Reads to the end or to an error, and returns the received bytes.
async fn rest(answer: &mut Unread) -> (bool, String) {
    let mut read = Vec::new();
    loop {
        match answer.piece().await {
            Ok(Some(piece)) => read.extend_from_slice(&piece),
            Ok(None) => return (true, String::from_utf8_lossy(&read).into_owned()),
            Err(_) => return (false, String::from_utf8_lossy(&read).into_owned()),
        }
    }
}

/// Reads slowly until the server cuts the answer off.
async fn is_cut(answer: &mut Unread) {
    let mut read = 0;
    while let Ok(piece) = answer.piece().await {
        let piece = piece.expect("the answer is not whole").len();
        read += piece;
        sleep(READS_EVERY * u32::try_from(piece.div_ceil(PIECE)).unwrap()).await;
    }
    assert!(read < DELIVERIES * BYTES, "{read} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_reads_takes_little_memory_and_nothing_from_senders() {
    let server = filled().await;
    let program = Program::new(&server, "operator");
    let other = Program::new(&server, "admin");
    let before = memory(&server);
    let mut connection = connect(&server, Http::Two).await;
    let (mut unread, mut refusal) = (Vec::new(), String::new());
    for path in [
        "/api/v1/deliveries/export?format=ndjson",
        "/api/v1/deliveries?limit=200",
    ] {
        let mut statuses = Vec::new();
        for _ in 0..45 {
            let mut answer = connection
                .begin(get(&server, path, by_token(&program)))
                .await
                .unwrap();
            statuses.push(answer.status.as_u16());
            if answer.status == 200 {
                unread.push(answer);
            } else {
                assert!(answer.headers.contains_key("retry-after"));
                if refusal.is_empty() {
                    refusal = rest(&mut answer).await.1;
                }
            }
        }
        let taken = statuses.iter().filter(|status| **status == 200).count();
        let refused = statuses.iter().filter(|status| **status == 429).count();
        assert!(
            (1..10).contains(&taken) && taken + refused == 45,
            "{path}: {statuses:?}"
        );
    }
    let body: Value = serde_json::from_str(&refusal).unwrap();
    assert_eq!(body["error"]["code"], "RATE_LIMITED");
    assert!(refusal.contains("2 of your exports are running"), "{refusal}");
    sleep(Duration::from_secs(1)).await;
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < MEMORY, "{grown} MiB more than {before}");

    let begun = Instant::now();
    let answer = server
        .post(Http::Two, &server.demo_url(), r#"{"title":"Disk full"}"#)
        .await;
    assert!(answer.status.is_success() && begun.elapsed() < SOON);
    let answer = other.call("GET", "/api/v1/deliveries/export", None, &[]).await;
    assert_eq!(answer.status, 200);

    drop((unread, connection));
    comes("the place of an abandoned export is given back", async || {
        let again = program.call("GET", "/api/v1/deliveries/export", None, &[]);
        again.await.status == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_cut_when_its_token_is_revoked_or_its_role_falls() {
    let server = filled().await;
    let owner = Program::new(&server, "owner");
    for http in Http::BOTH {
        let program = Program::new(&server, "operator");
        let path = "/api/v1/deliveries/export?format=ndjson";
        let mut connection = connect(&server, http).await;
        let mut answer = connection
            .begin(get(&server, path, by_token(&program)))
            .await
            .unwrap();
        assert!(answer.piece().await.unwrap().is_some());
        let tokens = owner.get("/api/v1/tokens?limit=200").await;
        let is_it = |token: &&Value| token["name"] == "operator-tests" && token["revoked_at"].is_null();
        let token = tokens["items"].as_array().unwrap().iter().find(is_it).unwrap();
        let token = format!("/api/v1/tokens/{}", token["id"].as_str().unwrap());
        assert_eq!(owner.call("DELETE", &token, None, &[]).await.status, 200);
        is_cut(&mut answer).await;

        let member = data(
            &owner
                .post(
                    "/api/v1/members",
                    json!({"name": format!("{http:?}"), "role": "operator"}),
                )
                .await,
        );
        let link = server.json(&["sign-in-link", member["name"].as_str().unwrap()]);
        let member = format!("/api/v1/members/{}", member["id"].as_str().unwrap());
        let visitor = ConsoleClient::by_link(&server, link["sign_in"].as_str().unwrap()).await;
        let mut connection = connect(&server, http).await;
        let path = "/logs/export?format=ndjson";
        let mut answer = connection
            .begin(get(&server, path, by_session(&visitor)))
            .await
            .unwrap();
        assert!(answer.piece().await.unwrap().is_some());
        let lowered = owner
            .call("PATCH", &member, Some(json!({"role": "viewer"})), &[])
            .await;
        assert_eq!(lowered.status, 200, "{}", lowered.body);
        is_cut(&mut answer).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_view_is_cut_when_its_member_is_removed_and_bounded_before() {
    let server = Server::start();
    run(
        server.directory(),
        &["member", "add", "vera", "--role", "viewer"],
        "a long enough password",
    );
    let visitor = ConsoleClient::by_password(&server, "vera", "a long enough password").await;
    let mut connection = connect(&server, Http::Two).await;
    let mut views = Vec::new();
    for _ in 0..4 {
        let view = connection
            .begin(get(&server, "/logs/live", by_session(&visitor)))
            .await
            .unwrap();
        assert_eq!(view.status, 200);
        views.push(view);
    }
    let fifth = connection
        .begin(get(&server, "/logs/live", by_session(&visitor)))
        .await
        .unwrap();

    let view = &mut views[0];
    assert_eq!(view.piece().await.unwrap().unwrap(), ": connected\n\n");
    server
        .post(Http::Two, &server.demo_url(), r#"{"title":"t"}"#)
        .await;
    let event = timeout(PATIENCE, view.piece()).await.unwrap().unwrap().unwrap();
    assert!(event.starts_with(b"id: dlv_"), "{event:?}");

    let removed = run(server.directory(), &["member", "remove", "vera"], "");
    assert!(removed.status.success(), "{removed:?}");
    for mut view in views.into_iter().skip(1) {
        // A view has no end of its own.
        let (is_whole, read) = timeout(PATIENCE, rest(&mut view)).await.unwrap();
        assert!(
            !is_whole && read.matches("event: delivery").count() == 1,
            "{read}"
        );
    }
    assert_eq!(
        (fifth.status.as_u16(), fifth.headers.contains_key("retry-after")),
        (429, true)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_view_misses_nothing_and_repeats_nothing() {
    const SENT: usize = 120;
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    let url = server.demo_url();
    let send = async || {
        let sent = data(&server.post(Http::Two, &url, r#"{"title":"t"}"#).await);
        sent["delivery_id"].as_str().unwrap().to_owned()
    };
    let first = send().await;
    let refused = server.post(Http::Two, &url, "{").await;
    assert_eq!(refused.status, 400);
    let mut expected = Vec::new();
    for _ in 0..SENT / 2 {
        expected.push(send().await);
    }
    // The view begins in the middle: it sends the stored deliveries and then the new ones.
    let mut connection = connect(&server, Http::Two).await;
    let path = format!("/logs/live?outcome=accepted&after={first}");
    let mut view = connection
        .begin(get(&server, &path, by_session(&visitor)))
        .await
        .unwrap();
    let mut read = String::new();
    for _ in 0..SENT / 2 {
        expected.push(send().await);
    }
    let ids = |read: &str| {
        let events = read
            .split("\n\n")
            .filter(|event| event.contains("event: delivery"));
        let ids = events.filter_map(|event| event.strip_prefix("id: ")?.lines().next());
        ids.map(str::to_owned).collect::<Vec<_>>()
    };
    while ids(&read).len() < SENT {
        let piece = timeout(PATIENCE, view.piece()).await;
        let piece = piece.unwrap_or_else(|_| panic!("{} of {SENT}", ids(&read).len()));
        read.push_str(&String::from_utf8_lossy(&piece.unwrap().unwrap()));
    }
    assert_eq!(ids(&read), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_views_and_metrics_leave_the_gate_its_readers() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    let urls: Vec<_> = (0..5)
        .map(|number| server.create(&format!("w{number}"), &[]))
        .collect();
    let mut connection = connect(&server, Http::Two).await;
    let mut views = Vec::new();
    for _ in 0..4 {
        let path = "/logs/live?source=192.0.2.1&after=dlv_0000000000001";
        views.push(
            connection
                .begin(get(&server, path, by_session(&visitor)))
                .await
                .unwrap(),
        );
    }
    let strangers: Vec<_> = (0..5)
        .map(|_| {
            let (client, console) = (server.client.clone(), server.console().to_owned());
            tokio::spawn(async move {
                let port = console.rsplit(':').next().unwrap().parse().unwrap();
                let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
                let mut connection = client.connect(address, Http::Two).await.unwrap();
                for _ in 0..100 {
                    let request = Request::get(format!("{console}/metrics")).body(Full::default());
                    assert_eq!(connection.send(request.unwrap()).await.unwrap().status, 200);
                }
            })
        })
        .collect();
    // A URL that is not remembered has to be looked up.
    for url in &urls {
        let begun = Instant::now();
        let answer = server.post(Http::Two, url, r#"{"title":"t"}"#).await;
        assert_eq!(answer.status, 201);
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
    for stranger in strangers {
        stranger.await.unwrap();
    }
}

/// A webhook with a damaged allowlist: the log says so once and not for each request, and the webhook is still listed by
/// name where no allowlist is shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_logged_once_and_hides_no_names() {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let server = Server::start_in(&scratch.path().join("data"), "warn", file.into());
    let visitor = ConsoleClient::sign_in(&server).await;
    let url = server.create("damaged", &[]);
    sql(
        server.directory(),
        "UPDATE webhooks SET allowlist = 'SECRET' WHERE name = 'damaged'",
    );
    for _ in 0..20 {
        let answer = server.post(Http::Two, &url, r#"{"title":"t"}"#).await;
        assert_eq!(answer.status, 500, "{}", answer.body);
        let answer = visitor.call("GET", "/webhooks", String::new()).await;
        assert_eq!(answer.status, 500, "{}", answer.body);
    }
    let page = visitor.get("/logs").await;
    assert!(page.contains("damaged"), "{page}");
    let log = std::fs::read_to_string(&log).unwrap();
    for line in ["could not be judged", "can't read what is stored"] {
        assert_eq!(log.matches(line).count(), 1, "{log}");
    }
}
