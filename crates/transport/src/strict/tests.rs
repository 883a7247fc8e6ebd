//! Tests of the guard with hyper behind it, from the sender's side. The corpus is in `tests/corpus.rs`.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use crate::testing::{Answer, connect, talk};

mod corpus;

const POST: &[u8] = b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";

fn summaries(answers: &[Answer]) -> Vec<&str> {
    answers.iter().map(|answer| answer.summary.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_answered_in_order() {
    let chunked = b"POST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n";
    let stream = [POST, chunked, POST, b"GET / HTTP/1.1\r\n\r\n", POST].concat();
    let answers = talk([&stream[..]]).await;
    assert_eq!(summaries(&answers), ["201", "201", "201", "400 BAD_REQUEST"]);
    assert_eq!(answers[1].body, r#"{"success":true,"data":4}"#);
    assert_eq!(
        answers.iter().map(|answer| answer.closes).collect::<Vec<_>>(),
        [false, false, false, true]
    );
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_to_its_end_is_told_so() {
    let start = Instant::now();
    let answers = talk([&b"POST / HTTP/1.1\r\nhost"[..]]).await;
    assert_eq!(summaries(&answers), ["408 REQUEST_TIMEOUT"]);
    assert!(answers[0].closes);
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn crumbs_do_not_prolong_a_head() {
    let start = Instant::now();
    let (mut reader, mut writer) = tokio::io::split(connect());
    let crumbs = async {
        loop {
            let _ = writer.write_all(b"x").await;
            sleep(Duration::from_secs(3)).await;
        }
    };
    let mut seen = [0; 12];
    tokio::select! {
        read = reader.read_exact(&mut seen) => assert_eq!(read.expect("an answer"), seen.len()),
        () = crumbs => {}
    }
    assert_eq!(&seen, b"HTTP/1.1 408");
    assert!(start.elapsed().abs_diff(Duration::from_secs(10)) < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_head_may_begin_while_the_answer_before_it_is_slow() {
    let mut client = connect();
    client
        .write_all(b"POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\nPOST /a HT")
        .await
        .expect("open");
    sleep(Duration::from_secs(5)).await;
    client
        .write_all(b"TP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .expect("open");
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.expect("a clean end");
    assert_eq!(String::from_utf8_lossy(&bytes).matches("HTTP/1.1 201").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_to_come_does_not_end_the_answer_before_it() {
    let mut client = connect();
    let (head, body) = POST.split_at(POST.len() - 3);
    let slow = b"POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    client.write_all(&[slow, head].concat()).await.expect("open");
    sleep(Duration::from_secs(25)).await;
    client.write_all(body).await.expect("open");
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.expect("a clean end");
    assert_eq!(String::from_utf8_lossy(&bytes).matches("HTTP/1.1 201").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_closes_without_a_word() {
    let start = Instant::now();
    assert_eq!(talk([POST]).await.len(), 1);
    assert!(start.elapsed().abs_diff(crate::connection_activity::IDLE_TIMEOUT) < Duration::from_secs(1));
    assert!(talk([]).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_told_so() {
    let answers = talk([&b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc"[..]]).await;
    assert_eq!(summaries(&answers), ["408 REQUEST_TIMEOUT"]);
    assert!(answers[0].closes);
}

#[tokio::test(start_paused = true)]
async fn an_unread_body_keeps_the_connection_if_it_is_there_already() {
    let unread = b"POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
    let answers = talk([&[&unread[..], POST].concat()[..]]).await;
    assert_eq!(summaries(&answers), ["404 WEBHOOK_NOT_FOUND", "201"]);
    assert!(!answers[0].closes);

    let missing = b"POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 30\r\n\r\nabc";
    let answers = talk([&missing[..]]).await;
    assert_eq!(summaries(&answers), ["404 WEBHOOK_NOT_FOUND"]);
    assert!(answers[0].closes);

    let chunked = b"POST /unread HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n";
    let answers = talk([&chunked[..]]).await;
    assert_eq!(summaries(&answers), ["404 WEBHOOK_NOT_FOUND"]);
    assert!(answers[0].closes);
}

#[tokio::test(start_paused = true)]
async fn expect_continue_is_answered_unless_the_body_is_too_large() {
    let small = b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
    assert_eq!(summaries(&talk([&small[..], b"abc"]).await), ["100", "201"]);
    let large = b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 30000\r\n\r\n";
    assert_eq!(summaries(&talk([&large[..]]).await), ["413 PAYLOAD_TOO_LARGE"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_answered_and_the_connection_goes_on() {
    let panic = b"POST /panic HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(
        summaries(&talk([&panic[..], POST]).await),
        ["500 INTERNAL", "201"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_an_oversized_body_survives_the_rest_of_it() {
    let head = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("{:x}\r\n{}\r\n", 30_000, "x".repeat(30_000)).into_bytes();
    let pieces = std::iter::once(&head[..]).chain(std::iter::repeat_n(&chunk[..], 20));
    let answers = talk(pieces).await;
    assert_eq!(summaries(&answers), ["413 PAYLOAD_TOO_LARGE"]);
    assert!(answers[0].closes);
}
