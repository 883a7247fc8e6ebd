//! Certificates, limits and shutdown.

use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_transport::MAX_CONNECTIONS;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::client::TlsStream;

use crate::support::{PATIENCE, Server, certificate};

/// Interval of looking whether an expected event has happened.
const STEP: Duration = Duration::from_millis(10);

const POST: &[u8] = b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_finishes_what_was_begun_and_refuses_the_rest() {
    let mut server = Server::start(MAX_CONNECTIONS).await;
    let mut idle = server.connect(None).await;
    idle.write_all(POST).await.expect("open");
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.expect("an answer");
    let stop = async {
        server.holds(2).await;
        server.stop();
        // The requests that were begun are still held, so the port doesn't wait for them.
        closes(&server).await;
        idle.read_to_end(&mut Vec::new())
            .await
            .expect("an idle connection closes cleanly");
        server.release();
    };
    let (one, two, ()) = tokio::join!(
        server.curl("/held", &["--http1.1", "-d", ""]),
        server.curl("/held", &["--http2", "-d", ""]),
        stop
    );
    assert!(one.starts_with("201 1.1 "), "{one}");
    assert!(two.starts_with("201 2 "), "{two}");
    // No connection is left.
    server.ended().await;
}

/// Waits until the port is closed.
async fn closes(server: &Server) {
    let begun = Instant::now();
    while TcpStream::connect(server.address).await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "the port stays open");
        sleep(STEP).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_for_new_handshakes() {
    let server = Server::start(MAX_CONNECTIONS).await;
    let mut old = server.connect(None).await;
    let (chain, key) = certificate();
    server
        .certificate
        .reload(chain.as_bytes(), key.as_bytes(), Timestamp::from_micros(0))
        .expect("a pair");
    server
        .try_connect(None, &chain)
        .await
        .expect("the new certificate");

    old.write_all(POST).await.expect("open");
    let mut answer = [0; 12];
    old.read_exact(&mut answer)
        .await
        .expect("an answer on the old connection");
    assert_eq!(&answer, b"HTTP/1.1 201");
}

/// Connects as soon as another connection makes room: the client's part of a handshake or of a request ends before the
/// server's.
async fn connects(server: &Server, alpn: Option<&[u8]>) -> TlsStream<TcpStream> {
    let begun = Instant::now();
    loop {
        match server.try_connect_as(alpn).await {
            Ok(stream) => return stream,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        sleep(STEP).await;
    }
}

/// A request over HTTP/2 for `/held`, from the first byte of the connection on.
fn held_stream() -> Vec<u8> {
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    // POST, https, and path and authority as literals.
    let block = [&[0x83, 0x87, 0x04, 5][..], b"/held", &[0x01, 9], b"localhost"].concat();
    let length = u8::try_from(block.len()).expect("a short head");
    let head = [0, 0, length, 1, 5, 0, 0, 0, 1];
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings, &head, &block].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_bound_a_connection_without_a_request_makes_room_and_one_with_a_request_does_not() {
    let held = b"POST /held HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    for (alpn, request) in [(&b"http/1.1"[..], held.to_vec()), (b"h2", held_stream())] {
        let server = Server::start(1).await;
        let mut resting = server.connect(Some(alpn)).await;
        let mut busy = connects(&server, Some(alpn)).await;
        let mut goodbye = Vec::new();
        let end = timeout(PATIENCE, resting.read_to_end(&mut goodbye)).await;
        assert!(end.is_ok(), "it was closed");
        busy.write_all(&request).await.expect("open");
        server.holds(1).await;
        assert!(
            server.try_connect_anew().await.is_err(),
            "its source has its part"
        );
        server.release();
        let mut answer = Vec::new();
        while !String::from_utf8_lossy(&answer).contains("\"success\":true") {
            assert_ne!(busy.read_buf(&mut answer).await.expect("an answer"), 0);
        }
        // Now it rests.
        connects(&server, None).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let server = Server::start(MAX_CONNECTIONS).await;
    for start in [&b""[..], b"\x16\x03\x01"] {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(server.address).await.expect("an open port");
        stream.write_all(start).await.expect("open");
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty() && begun.elapsed().abs_diff(Duration::from_secs(5)) < Duration::from_secs(1));
    }
}
