//! The console without a sign-in: limits of its resources.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hookgate_people::{ApiToken, SessionToken, SignInSecret};
use hookgate_testkit::https::{Full, Http, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::support::program::Program;
use crate::support::visitor::ConsoleClient;
use crate::support::{PATIENCE, Server};

/// Forms that are begun at once: more than one source may have in progress.
const FORMS: usize = 12;
/// Maximum number of forms of one address that are read at once.
const READ: usize = 4;
/// Time in which a form must arrive.
const FORM_TIME: Duration = Duration::from_secs(5);
/// Maximum number of unknown credentials that one source may present at once.
const BURST: usize = 200;

fn console_address(server: &Server) -> SocketAddr {
    let port = server.console().rsplit(':').next().unwrap();
    SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

/// Begins a sign-in without ending it. Returns the status of the answer; the server may close the connection instead.
async fn begin_form(server: &Server, http: Http) -> u16 {
    let (address, origin) = (console_address(server), server.console());
    if matches!(http, Http::Two) {
        let head = Request::post(format!("{origin}/sign-in")).header("origin", origin);
        let answer = server.client.post_without_end(address, head).await;
        return answer.unwrap().status.as_u16();
    }
    let mut stream = server.client.tls(address, http).await.unwrap();
    let host = origin.strip_prefix("https://").unwrap();
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Length: 64000\r\n\r\n{}",
        "x".repeat(60_000)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    String::from_utf8_lossy(&status[9..]).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_forms_of_strangers_are_read_at_once_and_none_for_long() {
    let server = Arc::new(Server::start());
    for http in Http::BOTH {
        let begun = Instant::now();
        let mut forms = JoinSet::new();
        for _ in 0..FORMS {
            let server = Arc::clone(&server);
            forms.spawn(async move { begin_form(&server, http).await });
        }
        // Forms that a busy machine begins too slowly end by themselves.
        let is_early = || begun.elapsed() < FORM_TIME;
        for _ in READ..FORMS {
            let status = forms.join_next().await.unwrap().unwrap();
            assert!(status == 429 || !is_early(), "the oldest makes room: {status}");
        }
        let wrong = [("name", "owner"), ("password", "not this one")];
        let answer = ConsoleClient::nobody(&server)
            .try_to_send("/sign-in", &wrong)
            .await;
        assert_eq!(answer.status, 422, "the newest comes in");
        let was_early = is_early();
        let mut rest = timeout(PATIENCE, forms.join_all())
            .await
            .expect("none is read for long");
        rest.sort_unstable();
        let is_known = rest.iter().all(|status| [408, 429].contains(status));
        assert!(
            is_known && (rest == [408, 408, 408, 429] || !was_early),
            "{http:?}: {rest:?}"
        );
    }
}

/// Bytes that differ for each number.
fn bytes_of(number: usize) -> impl FnMut(&mut [u8]) -> Result<(), std::convert::Infallible> {
    let mut state = number as u64;
    move |buffer| {
        buffer.fill_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[1]
        });
        Ok(())
    }
}

/// Requests with tokens, sessions and sign-in links that don't exist, in a valid form.
fn made_up(server: &Server, number: usize) -> Request<Full<hookgate_testkit::https::Bytes>> {
    let origin = server.console();
    let request = match number % 3 {
        0 => {
            let Ok(token) = ApiToken::generate(bytes_of(number));
            Request::get(format!("{origin}/api/v1/webhooks"))
                .header("authorization", format!("Bearer {}", token.reveal()))
        }
        1 => {
            let Ok(token) = SessionToken::generate(bytes_of(number));
            Request::get(format!("{origin}/account"))
                .header("cookie", format!("__Host-hookgate={}", token.reveal()))
        }
        _ => {
            let Ok(secret) = SignInSecret::generate(bytes_of(number));
            Request::get(format!("{origin}/sign-in/{}", secret.reveal()))
        }
    };
    request.body(Full::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_makes_credentials_up_waits_and_those_who_are_known_do_not() {
    let server = Server::start();
    let owner = ConsoleClient::sign_in(&server).await;
    let program = Program::new(&server, "viewer");
    assert_eq!(
        program.call("GET", "/api/v1/webhooks", None, &[]).await.status,
        200
    );
    let mut connection = server
        .client
        .connect(console_address(&server), Http::Two)
        .await
        .unwrap();
    let mut refused = [0; 3];
    for number in 0..BURST * 4 {
        let answer = connection.send(made_up(&server, number)).await.unwrap();
        match (number % 3, answer.status.as_u16()) {
            (kind, 429) => {
                assert!(!answer.header("retry-after").is_empty());
                refused[kind] += 1;
            }
            (0, 401) | (1, 303) | (2, 410) => {}
            (kind, status) => panic!("{kind}: {status}"),
        }
    }
    assert!(refused.iter().all(|count| *count > 0), "{refused:?}");
    // From the same address, in the middle of it.
    owner.get("/account").await;
    assert_eq!(
        program.call("GET", "/api/v1/webhooks", None, &[]).await.status,
        200
    );
}
