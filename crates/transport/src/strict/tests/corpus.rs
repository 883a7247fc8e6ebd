//! Raw requests and the required answer to each, independent of how the bytes are cut.

use crate::partial_head::MAX_HEADERS;
use crate::strict::MAX_HEAD;
use crate::testing::talk;

const OK: &[&str] = &["201"];
const BAD: &[&str] = &["400 BAD_REQUEST"];
const LARGE: &[&str] = &["431 HEADERS_TOO_LARGE"];

/// Whole streams.
const STREAMS: &[(&str, &[&str])] = &[
    // Sound requests.
    ("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", OK),
    (
        "POST /a?b=c%20d&e[]={|} HTTP/1.1\r\nHost: a:8443\r\nContent-Length: 3\r\n\r\nabc",
        OK,
    ),
    ("GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n", OK),
    ("POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", OK),
    ("\r\nPOST / HTTP/1.1\r\nhost: a\r\n\r\n", OK),
    ("POST https://A/x HTTP/1.1\r\nhost: a\r\n\r\n", OK),
    ("POST HTTPS://a:443 HTTP/1.1\r\nhost: a\r\n\r\n", OK),
    ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", OK),
    ("PURGE / HTTP/1.1\r\nhost: a\r\n\r\n", OK),
    ("POST / HTTP/1.1\r\nhost:a\r\nx:\r\ny: \t z \t \r\n\r\n", OK),
    (
        "POST / HTTP/1.1\r\nhost: a\r\nuser-agent: caf\u{e9} \u{202e}\r\n\r\n",
        OK,
    ),
    ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 003\r\n\r\nabc", OK),
    // Lines.
    ("POST / HTTP/1.1\nhost: a\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\n\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\nx: y\r\n\r\n", BAD),
    ("\nPOST / HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("\r\n\r\nPOST / HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\r\n\r\n", BAD),
    ("POST / HTTP/1.1\rhost: a\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx: y\r\n z\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx: y\r\n\tz\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\n host: a\r\n\r\n", BAD),
    // Request lines.
    ("POST  / HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST /  HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST\t/ HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    (" POST / HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST / HTTP/1.1 \r\nhost: a\r\n\r\n", BAD),
    ("POST /\r\nhost: a\r\n\r\n", BAD),
    ("POST / HTTP/1.2\r\nhost: a\r\n\r\n", BAD),
    ("POST / HTTP/0.9\r\nhost: a\r\n\r\n", BAD),
    ("POST / HTTP/2.0\r\nhost: a\r\n\r\n", BAD),
    ("POST / http/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST / HTTP/1.10\r\nhost: a\r\n\r\n", BAD),
    ("POST / HTTPS/1.1\r\nhost: a\r\n\r\n", BAD),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD),
    ("P@ST / HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST /\0 HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST /\u{7f} HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST /\u{e9} HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST /a#b HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST /a\\b HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST /<a> HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST a HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n", BAD),
    ("POST * HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST ** HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST https://b/ HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST http://a/ HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST https://u@a/ HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST https:///x HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("POST https://a HTTP/1.1\r\n\r\n", BAD),
    ("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n", BAD),
    ("CONNECT / HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    ("REFUSED /REQUEST_TIMEOUT HTTP/1.1\r\nhost: refused\r\n\r\n", BAD),
    ("\u{16}\u{3}\u{1}\0\r\n\r\n", BAD),
    // Host.
    ("POST / HTTP/1.1\r\n\r\n", BAD),
    ("POST / HTTP/1.0\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nHOST: b\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost:\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a b\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a,b\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a/b\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: u@a\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a:x\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: \u{e9}\r\n\r\n", BAD),
    // Fields.
    ("POST / HTTP/1.1\r\nhost : a\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx\t: y\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\n: y\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx(: y\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx\0: y\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx: a\u{1b}b\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx: a\u{7f}b\r\n\r\n", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\nx\u{e9}: y\r\n\r\n", BAD),
    (
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        BAD,
    ),
    ("GET / HTTP/1.1\r\nhost: a\r\nUpgrade: h2c\r\n\r\n", BAD),
    // Content-Length.
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3, 3\r\n\r\nabc",
        BAD,
    ),
    ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +3\r\n\r\nabc", BAD),
    ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -3\r\n\r\nabc", BAD),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0x3\r\n\r\nabc",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3 3\r\n\r\nabc",
        BAD,
    ),
    ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length:\r\n\r\n", BAD),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: \u{ff13}\r\n\r\nabc",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 30000\r\n\r\nabc",
        &["413 PAYLOAD_TOO_LARGE"],
    ),
    // Transfer-Encoding.
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        OK,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n",
        OK,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: identity\r\n\r\n",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding:\r\n\r\n", BAD),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    // Bytes behind a refused head are ignored.
    ("POST / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    (
        "POST / HTTP/1.1\r\nhost: a\r\n\r\nPOST / HTTP/1.1\r\n\r\n",
        &["201", "400 BAD_REQUEST"],
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabcd / HTTP/1.1\r\nhost: a\r\n\r\n",
        &["201", "201"],
    ),
];

/// Bodies of a chunked request that never reach the service.
const BAD_CHUNKS: &[&str] = &[
    "\r\n",
    "+3\r\nabc\r\n0\r\n\r\n",
    "-3\r\nabc\r\n0\r\n\r\n",
    " 3\r\nabc\r\n0\r\n\r\n",
    "3 \r\nabc\r\n0\r\n\r\n",
    "0x3\r\nabc\r\n0\r\n\r\n",
    "3;a=b\r\nabc\r\n0\r\n\r\n",
    "3;\r\nabc\r\n0\r\n\r\n",
    "3\nabc\n0\n\n",
    "3\rabc\r\n0\r\n\r\n",
    "3\r\nabcd\r\n0\r\n\r\n",
    "3\r\nabc0\r\n\r\n",
    "3\r\nabc\n0\r\n\r\n",
    "3\r\nabc\r\n0\r\nx: y\r\n\r\n",
    "3\r\nabc\r\n0\r\n\n",
    "3\r\nabc\r\ng\r\n",
    "10000000000000000\r\nabc",
    "00000000000000003\r\nabc\r\n0\r\n\r\n",
    "3\0\r\nabc\r\n0\r\n\r\n",
];

#[tokio::test(start_paused = true)]
async fn every_stream_gets_its_answer_however_it_is_cut() {
    for (stream, expected) in STREAMS {
        check(stream.as_bytes(), expected).await;
    }
    for chunks in BAD_CHUNKS {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        check(format!("{head}{chunks}").as_bytes(), BAD).await;
    }
}

#[tokio::test(start_paused = true)]
async fn heads_are_bounded_in_fields_and_in_bytes() {
    let with = |fields: &str| format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n").into_bytes();
    let sized = |size: usize| with(&format!("x: {}\r\n", "y".repeat(size - with("x: \r\n").len())));
    check(&with(&"x: y\r\n".repeat(MAX_HEADERS - 1)), OK).await;
    check(&with(&"x: y\r\n".repeat(MAX_HEADERS)), LARGE).await;
    check(&sized(MAX_HEAD), OK).await;
    check(&sized(MAX_HEAD + 1), LARGE).await;
    check(&sized(8 * MAX_HEAD), LARGE).await;
    check(&b"x".repeat(MAX_HEAD + 1), LARGE).await;
}

/// The whole stream at once, in small pieces, and byte by byte give the same, and a refusal is always the last answer.
async fn check(stream: &[u8], expected: &[&str]) {
    for size in [stream.len(), 1, 3, 7, 64] {
        let answers = talk(stream.chunks(size)).await;
        let summaries: Vec<_> = answers.iter().map(|answer| answer.summary.as_str()).collect();
        let shown: String = stream.escape_ascii().map(char::from).take(200).collect();
        assert_eq!(summaries, expected, "in pieces of {size}: {shown}");
        if expected.last() != OK.last() {
            assert!(answers.last().is_some_and(|last| last.closes), "{shown}");
        }
    }
}
