//! Sessions of the console, as a browser keeps them.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use hookgate_testkit::https::{Connection, Full, Http, Request};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::Server;
use crate::support::visitor::ConsoleClient;

const PASSWORD: &str = "a long enough password";
/// Maximum time of a sign-in during a flood: five seconds on an idle machine, more on one that is busy with other tests.
const SOON: Duration = Duration::from_secs(30);

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
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
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
