//! HTTP/1.1 and HTTP/2 over TLS 1.2 and 1.3: accepted requests, and refusals that arrive as answers.

use hookgate_transport::MAX_CONNECTIONS;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::Server;

const TOO_LARGE: &str = r#"{"success":false,"error":{"code":"PAYLOAD_TOO_LARGE","message":"Payload is larger than this webhook takes"}}"#;
const NOT_FOUND: &str =
    r#"{"success":false,"error":{"code":"WEBHOOK_NOT_FOUND","message":"No webhook at this URL"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_and_both_versions_of_tls_pass() {
    let server = Server::start(MAX_CONNECTIONS).await;
    let answer = r#"{"success":true,"data":3}"#;
    assert_eq!(
        server.curl("/a", &["--http2", "-d", "abc"]).await,
        format!("201 2 {answer}")
    );
    assert_eq!(
        server.curl("/a", &["--http1.1", "-d", "abc"]).await,
        format!("201 1.1 {answer}")
    );
    assert_eq!(
        server.curl("/a", &["--no-alpn", "-d", "abc"]).await,
        format!("201 1.1 {answer}")
    );
    // `--http1.0` offers no other protocol by ALPN.
    assert_eq!(
        server.curl("/a", &["--http1.0", "-d", "abc"]).await,
        format!("201 1 {answer}")
    );
    for version in [&["--tlsv1.2", "--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        let seen = server.curl("/a", &[version, &["-d", "abc"]].concat()).await;
        assert_eq!(seen, format!("201 2 {answer}"), "{version:?}");
    }
    let old = server.curl("/a", &["--tls-max", "1.1", "-d", "abc"]).await;
    assert!(old.starts_with("000 0 "), "{old}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_or_unread_body_still_gets_its_answer() {
    let server = Server::start(MAX_CONNECTIONS).await;
    let file = std::env::temp_dir().join(format!("hookgate-body-{}", std::process::id()));
    std::fs::write(&file, "x".repeat(800_000)).expect("a writable folder for temporary files");
    let body = format!("@{}", file.display());
    for (option, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for header in [
            "content-type: application/json",
            "transfer-encoding: chunked",
            "expect:",
        ] {
            let arguments = [option, "-H", header, "--data-binary", &body];
            assert_eq!(
                server.curl("/a", &arguments).await,
                format!("413 {version} {TOO_LARGE}"),
                "{header}"
            );
            assert_eq!(
                server.curl("/unread", &arguments).await,
                format!("404 {version} {NOT_FOUND}"),
                "{header}"
            );
        }
    }
    std::fs::remove_file(file).expect("the file");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_bounded_in_both_protocols() {
    let server = Server::start(MAX_CONNECTIONS).await;
    let long = format!("x: {}", "y".repeat(20_000));
    let many: Vec<String> = (0..70).map(|index| format!("x{index}: y")).collect();
    for (option, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let expected = format!("431 {version} ");
        let seen = server.curl("/a", &[option, "-d", "", "-H", &long]).await;
        assert!(
            seen.starts_with(&expected) && seen.contains("HEADERS_TOO_LARGE"),
            "{seen}"
        );
        let mut arguments = vec![option, "-d", ""];
        arguments.extend(many.iter().flat_map(|field| ["-H", field]));
        let seen = server.curl("/a", &arguments).await;
        assert!(
            seen.starts_with(&expected) && seen.contains("HEADERS_TOO_LARGE"),
            "{seen}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_far_over_the_bound_are_told_so_too() {
    let server = Server::start(MAX_CONNECTIONS).await;
    let field = |index| format!("x{index}: {}", "y".repeat(12_000));
    let fields: Vec<String> = (0..5).map(field).collect();
    for option in ["--http1.1", "--http2"] {
        let mut arguments = vec![option, "-d", ""];
        arguments.extend(fields.iter().flat_map(|field| ["-H", field]));
        let seen = server.curl("/a", &arguments).await;
        assert!(
            seen.starts_with("431 ") && seen.contains("HEADERS_TOO_LARGE"),
            "{seen}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_closes_its_side_still_gets_its_answer() {
    let server = Server::start(MAX_CONNECTIONS).await;
    let request = b"POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
    for says_so in [true, false] {
        let mut stream = server.connect(None).await;
        stream.write_all(request).await.expect("open");
        if says_so {
            stream.shutdown().await.expect("open");
        } else {
            // The connection ends without `close_notify`.
            stream.flush().await.expect("open");
            stream.get_mut().0.shutdown().await.expect("open");
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 201 "), "{says_so}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_requests_name_one_server() {
    let server = Server::start(MAX_CONNECTIONS).await;
    let seen = server.curl("/a", &["--http2", "-d", "", "-H", "host: a_b"]).await;
    assert!(seen.starts_with("201 2 "), "{seen}");
    let seen = server.curl("/a", &["--http2", "-d", "", "-H", "host: u@a"]).await;
    assert!(
        seen.starts_with("400 2 ") && seen.contains("BAD_REQUEST"),
        "{seen}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_answered_in_both_protocols() {
    let server = Server::start(MAX_CONNECTIONS).await;
    for option in ["--http1.1", "--http2"] {
        let seen = server.curl("/panic", &[option, "-d", ""]).await;
        assert!(seen.starts_with("500 ") && seen.contains("INTERNAL"), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_is_what_alpn_chose() {
    let server = Server::start(MAX_CONNECTIONS).await;
    // An HTTP/2 preface on a connection without ALPN is an unknown HTTP/1 request.
    let mut stream = server.connect(None).await;
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .expect("open");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("an answer and a clean end");
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(
        answer.contains("connection: close\r\n") && answer.contains("\r\ndate: "),
        "{answer}"
    );
    assert!(
        answer.contains("\"BAD_REQUEST\"") && !answer.to_lowercase().contains("\r\nserver:"),
        "{answer}"
    );
    // HTTP/1 after ALPN chose h2 gets no answer in HTTP/1.
    let mut stream = server.connect(Some(b"h2")).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1"), "{}", answer.escape_ascii());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_survives_what_the_sender_is_still_writing() {
    let server = Server::start(MAX_CONNECTIONS).await;
    for head in [
        "POST / HTTP/1.1\r\n\r\n",
        "POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 900000\r\n\r\n",
    ] {
        let mut stream = server.connect(None).await;
        stream.write_all(head.as_bytes()).await.expect("open");
        stream
            .write_all(&b"x".repeat(900_000))
            .await
            .expect("all is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("no reset");
        assert!(
            answer.starts_with("HTTP/1.1 4") && answer.ends_with("\"}}"),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_taken_for_whole_by_no_client() {
    let server = Server::start(MAX_CONNECTIONS).await;
    let pieces = "a piece\nanother\n";
    for (option, version) in [("--http1.1", "1.1"), ("--http2", "2"), ("--http1.0", "1")] {
        assert_eq!(
            server.curl("/whole", &[option]).await,
            format!("200 {version} {pieces}")
        );
        let seen = server.curl("/broken", &[option]).await;
        assert!(
            seen.starts_with(&format!("200 {version} {pieces}curl: (")),
            "{option}: {seen}"
        );
    }
    let seen = server.curl("/broken", &["--http2"]).await;
    assert!(seen.contains("INTERNAL_ERROR"), "{seen}");
}
