//! Plain HTTP, on the TLS port and on a plain port: refused, reported, never redirected.

use std::net::{IpAddr, Ipv4Addr};

use hookgate_transport::MAX_CONNECTIONS;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Server;

const REQUEST: &[u8] =
    b"POST /webhooks/custom/wh_1 HTTP/1.1\r\nHost: a\r\nUser-Agent: x/1\r\nContent-Length: 5\r\n\r\nhello";

async fn send(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.expect("an open port");
    stream.write_all(bytes).await.expect("open");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("an answer and a clean end");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_and_reported_on_both_kinds_of_port() {
    for mut server in [Server::start(MAX_CONNECTIONS).await, Server::start_plain().await] {
        let answer = send(&server, REQUEST).await;
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
        assert!(
            answer.contains("\"HTTPS_REQUIRED\"") && answer.contains("x-request-id: req_"),
            "{answer}"
        );
        assert!(
            answer.contains("connection: close\r\n") && !answer.contains("location"),
            "{answer}"
        );
        assert!(
            !answer.contains("strict-transport-security") && !answer.contains("wh_1"),
            "{answer}"
        );
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let expected = ("/webhooks/custom/wh_1".to_owned(), b"x/1".to_vec(), source);
        // The report follows the answer, and the shutdown waits for it.
        server.stop();
        server.ended().await;
        assert_eq!(*server.service.plain.lock().expect("no panic"), [expected]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_neither_gets_nothing() {
    let server = Server::start(MAX_CONNECTIONS).await;
    let mut stream = TcpStream::connect(server.address).await.expect("an open port");
    stream.write_all(b"\0\0\0\0").await.expect("open");
    let mut answer = Vec::new();
    // Unread bytes may cause a reset instead of an orderly end.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "{}", answer.escape_ascii());
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_head_is_refused_and_reported_too() {
    let mut server = Server::start(MAX_CONNECTIONS).await;
    let answer = send(&server, b"POST /wh_1 HTTP/1.1\r\nHost").await;
    assert!(answer.contains("\"HTTPS_REQUIRED\""), "{answer}");
    server.stop();
    server.ended().await;
    assert_eq!(server.service.plain.lock().expect("no panic")[0].0, "/wh_1");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_without_tls_is_answered_in_http_2_and_reported() {
    for mut server in [Server::start(MAX_CONNECTIONS).await, Server::start_plain().await] {
        let answer = server
            .curl(
                "http:/webhooks/custom/wh_1?a=b",
                &["--http2-prior-knowledge", "--data", "x"],
            )
            .await;
        assert!(
            answer.starts_with("403 2 ") && answer.contains("HTTPS_REQUIRED"),
            "{answer}"
        );
        server.stop();
        server.ended().await;
        let seen = server.service.plain.lock().expect("no panic").clone();
        let (path, user_agent, _) = &seen[0];
        assert_eq!((seen.len(), path.as_str()), (1, "/webhooks/custom/wh_1?a=b"));
        assert!(user_agent.starts_with(b"curl/"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_lines_before_a_request_are_overlooked() {
    let server = Server::start(MAX_CONNECTIONS).await;
    let answer = send(&server, &[b"\r\n\r\n", REQUEST].concat()).await;
    assert!(answer.contains("\"HTTPS_REQUIRED\""), "{answer}");
}
