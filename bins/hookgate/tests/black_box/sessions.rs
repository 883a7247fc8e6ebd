//! Sessions of the console, as a browser keeps them.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use hookgate_testkit::https::{Full, Request};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::Server;
use crate::visitor::Visitor;

const PASSWORD: &str = "a long enough password";

/// Whether the session still opens a page; without one, the way leads to the sign-in.
async fn is_alive(visitor: &Visitor<'_>) -> bool {
    let answer = visitor.call("GET", "/account", String::new()).await;
    assert!(answer.status == 200 || answer.header("location").starts_with("/sign-in"));
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_is_for_this_host_alone_and_no_script_sees_it() {
    let server = Server::start();
    let link = server.ready["sign_in"].as_str().unwrap();
    let path = link.strip_prefix(server.console()).unwrap();
    let answer = Visitor::nobody(&server).send(path, &[]).await;
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

/// Anybody can send that form, so what is held of it is little; the longest name and password fit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_send_small_forms() {
    let server = Server::start();
    let stranger = Visitor::nobody(&server);
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
    let visitor = Visitor::sign_in(&server).await;
    assert!(is_alive(&visitor).await);
    visitor.send("/sign-out", &[]).await;
    assert!(!is_alive(&visitor).await);
}

/// Whoever signs in again in the same browser leaves nothing behind that nobody could end any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_session_takes_the_place_of_the_one_before() {
    let server = Server::start();
    let first = Visitor::sign_in(&server).await;
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
    let elsewhere = Visitor::by_password(&server, "owner", PASSWORD).await;
    assert!(is_alive(&second).await && is_alive(&elsewhere).await);
}

/// A wrong password from this address of the machine.
async fn guess(server: &Server, source: u32) {
    let origin = server.console();
    let request = Request::post(format!("{origin}/sign-in"))
        .header("origin", origin)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(format!(
            "csrf=&name=root{source}&password=wrong-password"
        )))
        .unwrap();
    let source = Ipv4Addr::from_bits(0x7F01_0000 + source);
    // A flood asks for no answer.
    let _ = server.client.send_from(source, request).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_sign_ins_from_many_addresses_keeps_nobody_out() {
    let server = Arc::new(Server::start());
    let owner = Visitor::sign_in(&server).await;
    let new = [("password", PASSWORD), ("again", PASSWORD)];
    owner.send("/account/password", &new).await;
    let mut flood = JoinSet::new();
    for thread in 0..40 {
        let server = Arc::clone(&server);
        flood.spawn(async move {
            for attempt in 0_u32.. {
                guess(&server, 1 + thread + attempt / 20 * 40).await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..3 {
        let start = Instant::now();
        Visitor::by_password(&server, "owner", PASSWORD).await;
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
    flood.shutdown().await;
    Visitor::by_password(&server, "owner", PASSWORD).await;
}
