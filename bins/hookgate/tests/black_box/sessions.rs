//! Sessions of the console, as a browser keeps them.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use hookgate_testkit::https::{Connection, Full, Http, Request};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::Server;
use crate::visitor::ConsoleClient;

const PASSWORD: &str = "a long enough password";

/// `true` if the session still opens a page; otherwise the answer is a redirect to the sign-in.
async fn is_alive(visitor: &ConsoleClient<'_>) -> bool {
    let answer = visitor.call("GET", "/account", String::new()).await;
    assert!(answer.status == 200 || answer.header("location").starts_with("/sign-in"));
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_is_for_this_host_alone_and_no_script_sees_it() {
    let server = Server::start();
    let link = server.ready["sign_in"].as_str().unwrap();
    let path = link.strip_prefix(server.console()).unwrap();
    let answer = ConsoleClient::nobody(&server).send(path, &[]).await;
    let cookie = answer.header("set-cookie");
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-hookgate=hgs_"), "{pair}");
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Strict");
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut cookies = answer.headers.get_all("set-cookie").iter().skip(1);
    let device = cookies.next().unwrap().to_str().unwrap();
    let (pair, attributes) = device.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-hookgate-device="), "{pair}");
    assert_eq!(
        attributes,
        "Path=/; Max-Age=34560000; Secure; HttpOnly; SameSite=Strict"
    );
}

/// Strangers can send this form, so little of it is buffered; the longest name and password fit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_send_small_forms() {
    let server = Server::start();
    let stranger = ConsoleClient::nobody(&server);
    let (name, password) = ("\u{1F980}".repeat(100), "\u{1F980}".repeat(200));
    let longest = [("name", &*name), ("password", &*password)];
    assert_eq!(stranger.try_to_send("/sign-in", &longest).await.status, 422);
    let more = "x".repeat(64 * 1024);
    let larger = [("name", "owner"), ("password", &*more)];
    assert_eq!(stranger.try_to_send("/sign-in", &larger).await.status, 413);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_dead_after_signing_out() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    assert!(is_alive(&visitor).await);
    visitor.send("/sign-out", &[]).await;
    assert!(!is_alive(&visitor).await);
}

/// A second sign-in in the same browser ends the first session, since no page could end that one later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_session_takes_the_place_of_the_one_before() {
    let server = Server::start();
    let first = ConsoleClient::sign_in(&server).await;
    first
        .send(
            "/account/password",
            &[("password", PASSWORD), ("again", PASSWORD)],
        )
        .await;
    let fields = [("name", "owner"), ("password", PASSWORD)];
    let second = first.begin("/sign-in", &fields).await;
    assert!(!is_alive(&first).await && is_alive(&second).await);

    let wrong = [("name", "owner"), ("password", "not this one")];
    assert_eq!(second.try_to_send("/sign-in", &wrong).await.status, 422);
    assert!(is_alive(&second).await, "a failed attempt ends nothing");
    let elsewhere = ConsoleClient::by_password(&server, "owner", PASSWORD).await;
    assert!(is_alive(&second).await && is_alive(&elsewhere).await);
}

/// Tries to sign in over this connection. Returns the answered page, or `None` if the server closed the connection or signed
/// in.
async fn try_name(server: &Server, over: &mut Connection, name: &str, password: &str) -> Option<String> {
    let origin = server.console();
    let request = Request::post(format!("{origin}/sign-in"))
        .header("origin", origin)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(format!("csrf=&name={name}&password={password}")))
        .unwrap();
    let answer = over.send(request).await.ok()?;
    (answer.status == 422).then_some(answer.body)
}

/// A connection from this address of the machine.
async fn from(server: &Server, source: u32) -> Connection {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind((Ipv4Addr::from_bits(0x7F01_0000 + source), 0).into())
        .unwrap();
    let port = server
        .console()
        .rsplit(':')
        .next()
        .unwrap()
        .parse::<u16>()
        .unwrap();
    let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await.unwrap();
    server.client.connect_over(stream, Http::One).await.unwrap()
}

/// More attackers than passwords that are checked or wait at once, each from a new address every twenty tries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_sign_ins_from_many_addresses_keeps_nobody_out() {
    const HANDS: u32 = 64;
    let server = Arc::new(Server::start());
    let owner = ConsoleClient::sign_in(&server).await;
    let new = [("password", PASSWORD), ("again", PASSWORD)];
    owner.send("/account/password", &new).await;
    let mut flood = JoinSet::new();
    for hand in 0..HANDS {
        let server = Arc::clone(&server);
        flood.spawn(async move {
            for source in (1 + hand..).step_by(HANDS as usize) {
                let mut connection = from(&server, source).await;
                for _ in 0..20 {
                    // The flood ignores the answers.
                    let _ = try_name(
                        &server,
                        &mut connection,
                        &format!("root{source}"),
                        "wrong-password",
                    )
                    .await;
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    for _ in 0..3 {
        let start = Instant::now();
        ConsoleClient::by_password(&server, "owner", PASSWORD).await;
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
    flood.shutdown().await;
    ConsoleClient::by_password(&server, "owner", PASSWORD).await;
}

/// Guesses at one name, each from another address: they are stopped, and the member's own browser can still sign in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_from_everywhere_end_and_lock_out_no_browser_of_the_member() {
    const GUESSES: u32 = 70;
    const ALLOWED: usize = 50;
    let server = Server::start();
    let owner = ConsoleClient::sign_in(&server).await;
    let new = [("password", PASSWORD), ("again", PASSWORD)];
    owner.send("/account/password", &new).await;
    let fields = [("name", "owner"), ("password", PASSWORD)];
    let answer = ConsoleClient::nobody(&server).send("/sign-in", &fields).await;
    let cookies = answer.headers.get_all("set-cookie").iter();
    let mut pairs = cookies.filter_map(|cookie| cookie.to_str().unwrap().split(';').next());
    let device = pairs.find(|pair| pair.starts_with("__Host-hookgate-device="));
    let mut checked = 0;
    for source in 0..GUESSES {
        let mut connection = from(&server, 256 * source + 1).await;
        let page = try_name(&server, &mut connection, "owner", "not this one").await;
        let page = page.unwrap();
        assert!(
            page.contains("password is wrong") || page.contains("Too many"),
            "{page}"
        );
        checked += usize::from(page.contains("password is wrong"));
    }
    assert!(checked <= ALLOWED, "{checked} guesses were checked");
    let mut stranger = from(&server, 256 * GUESSES + 1).await;
    let page = try_name(&server, &mut stranger, "owner", &PASSWORD.replace(' ', "+")).await;
    let page = page.expect("a browser that nobody knows waits");
    assert!(page.contains("Too many wrong passwords for this name"), "{page}");
    let body = format!("csrf=&name=owner&password={}", PASSWORD.replace(' ', "+"));
    let known = ConsoleClient::nobody(&server)
        .call_with("POST", "/sign-in", device.unwrap(), body)
        .await;
    assert_eq!(known.status, 303, "the member's own goes on");
}

/// The target of a sign-in.
async fn sign_in(visitor: &ConsoleClient<'_>, name: &str, password: &str) -> String {
    let fields = [("name", name), ("password", password)];
    let answer = visitor.try_to_send("/sign-in", &fields).await;
    answer.header("location").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_told_of_failed_sign_ins() {
    const TOLD: &str = "failed sign-in";
    let server = Server::start();
    let first = ConsoleClient::sign_in(&server).await;
    let new = [("password", PASSWORD), ("again", PASSWORD)];
    first.send("/account/password", &new).await;
    let nobody = ConsoleClient::nobody(&server);
    assert_eq!(sign_in(&nobody, "owner", PASSWORD).await, "/webhooks");
    for name in ["owner", "OWNER", "nobody"] {
        assert_eq!(sign_in(&nobody, name, "not this one").await, "");
    }
    let page = first.get("/account").await;
    assert!(
        page.contains("2 failed sign-ins since your last sign-in"),
        "{page}"
    );
    let fields = [
        ("name", "owner"),
        ("password", PASSWORD),
        ("next", "/logs?outcome=refused"),
    ];
    let answer = nobody.try_to_send("/sign-in", &fields).await;
    let next = answer.header("location").to_owned();
    assert_eq!(next, "/logs?outcome=refused&done=signed-in");

    assert!(!first.get("/account").await.contains(TOLD), "it is told once");
    assert_eq!(sign_in(&nobody, "owner", "nor this one").await, "");
    assert!(
        first
            .get("/account")
            .await
            .contains("1 failed sign-in since your last sign-in, at ")
    );
    let second = ConsoleClient::by_password(&server, "owner", PASSWORD).await;
    for path in ["/webhooks?done=signed-in", "/account"] {
        let page = second.get(path).await;
        let told = page.contains("1 failed sign-in since your last sign-in, at ");
        assert!(told && page.contains("127.0.0.1"), "{path}: {page}");
    }
    assert!(!second.get("/webhooks").await.contains(TOLD));
    let third = ConsoleClient::by_password(&server, "owner", PASSWORD).await;
    for path in ["/webhooks?done=signed-in", "/account"] {
        assert!(!third.get(path).await.contains(TOLD), "{path}");
    }
    assert_eq!(sign_in(&nobody, "owner", "not this one").await, "");
    let link = server.json(&["sign-in-link"])["sign_in"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = link.strip_prefix(server.console()).unwrap();
    let answer = nobody.try_to_send(path, &[]).await;
    assert_eq!(answer.header("location"), "/webhooks?done=signed-in");
}
