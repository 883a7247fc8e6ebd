//! A record shows the answer exactly as it was sent, and is found by the ID in it.

use std::time::Duration;

use hookgate_testkit::https::{Answer, Http};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep};

use crate::support::program::Program;
use crate::support::visitor::ConsoleClient;
use crate::support::{Server, post, run, sql, wants_the_body};

/// Time that a sender waits before it leaves.
const STAYS: Duration = Duration::from_millis(300);
/// Precision of the time that a page shows.
const ROUNDING: Duration = Duration::from_millis(100);

fn request_id(answer: &Answer) -> String {
    answer.headers["x-request-id"].to_str().unwrap().to_owned()
}

/// The text of a page, as a browser shows it.
fn shown(page: &str) -> String {
    page.replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// The record of this answer, found by its request ID and compared with it, in every place that shows it.
async fn recorded(
    server: &Server,
    program: &Program<'_>,
    visitor: &ConsoleClient<'_>,
    answer: &Answer,
) -> Value {
    let id = request_id(answer);
    server
        .deliveries(|items| items.iter().any(|item| item["request_id"] == *id))
        .await;
    let found = program.get(&format!("/api/v1/deliveries?request_id={id}")).await;
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{found}");
    let delivery = items[0]["id"].as_str().unwrap();
    let record = program.get(&format!("/api/v1/deliveries/{delivery}")).await;
    let sent: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(record["answer"]["body"], sent);
    assert_eq!(record["answer"]["status"], answer.status.as_u16());
    let wait = answer
        .headers
        .get("retry-after")
        .map(|wait| wait.to_str().unwrap().parse::<u64>().unwrap());
    assert_eq!(record["answer"]["retry_after"], json!(wait));
    let page = shown(&visitor.get(&format!("/deliveries/{delivery}")).await);
    assert!(page.contains(&answer.body), "{} is not on the page", answer.body);
    assert!(page.contains(&id));
    assert!(
        visitor
            .get(&format!("/logs?request_id={id}"))
            .await
            .contains(delivery)
    );
    assert_eq!(server.json(&["deliveries", "show", &id]), record);
    assert_eq!(
        server.json(&["deliveries", "list", "--request", &id])["items"][0]["id"],
        delivery
    );
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_tells_the_answer_as_it_was_sent() {
    let server = Server::start();
    let program = Program::new(&server, "admin");
    let visitor = ConsoleClient::sign_in(&server).await;
    let busy = server.create("busy", &["--per-minute", "1", "--overload", "503"]);
    let dead = server.create("dead", &[]);
    let url = server.create("w", &[]);
    server.json(&["webhook", "revoke", "dead", "--yes"]);
    for http in Http::BOTH {
        for (url, body, status) in [
            (url.clone(), r#"{"title":"t","dedup_key":"k"}"#, None),
            (
                url.clone(),
                r#"{"title":"t","dedup_key":"k","status":"acknowledged"}"#,
                Some(200),
            ),
            (
                url.clone(),
                r#"{"title":"t","dedup_key":"k","status":"resolved"}"#,
                Some(200),
            ),
            (
                url.clone(),
                r#"{"title":"t","dedup_key":"other","status":"resolved"}"#,
                Some(200),
            ),
            (url.clone(), r#"{"title":[],"severity":{}}"#, Some(422)),
            (url.clone(), "{\n\"a\":", Some(400)),
            (dead.clone(), "{}", Some(410)),
            (url.replace("/custom/", "/grafana/"), "{}", Some(404)),
        ] {
            let answer = server.post(http, &url, body).await;
            assert!(
                status.is_none_or(|status| answer.status == status),
                "{body}: {answer:?}"
            );
            recorded(&server, &program, &visitor, &answer).await;
        }
    }
    server.post(Http::One, &busy, r#"{"title":"t"}"#).await;
    let put_off = server.post(Http::One, &busy, r#"{"title":"t"}"#).await;
    assert_eq!(
        (
            put_off.status.as_u16(),
            put_off.headers.contains_key("retry-after")
        ),
        (503, true)
    );
    let record = recorded(&server, &program, &visitor, &put_off).await;
    assert_eq!(record["no_payload"], "unread");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_later_does_not_change_the_answer() {
    let server = Server::start();
    let program = Program::new(&server, "admin");
    let visitor = ConsoleClient::sign_in(&server).await;
    let url = server.create("w", &["--payload-logging", "off"]);
    let mut request = post(&url, r#"{"title":"t"}"#);
    request
        .headers_mut()
        .insert("idempotency-key", "once".parse().unwrap());
    let answer = server.send(Http::One, request.clone()).await;
    let incident = recorded(&server, &program, &visitor, &answer).await["incident"].clone();
    server.json(&["incidents", "resolve", incident.as_str().unwrap()]);
    let retry = server.send(Http::One, request).await;
    assert_eq!((retry.status.as_u16(), &retry.body), (200, &answer.body));
    let record = recorded(&server, &program, &visitor, &answer).await;
    assert_eq!(
        (&record["count"], &record["no_payload"]),
        (&json!(2), &json!("off"))
    );
    let page = visitor
        .get(&format!("/deliveries/{}", record["id"].as_str().unwrap()))
        .await;
    assert!(page.contains("These got 200 with the same body"), "{page}");
    assert!(page.contains("payload logging was off"));
    // The row of an older version.
    sql(
        server.directory(),
        "UPDATE deliveries SET request_id = NULL, incident_status = NULL, no_payload = NULL",
    );
    let page = visitor
        .get(&format!("/deliveries/{}", record["id"].as_str().unwrap()))
        .await;
    assert!(
        page.contains("Not stored: an older version received this delivery"),
        "{page}"
    );
    assert!(page.contains("No longer stored"));
    let unknown = run(
        server.directory(),
        &["deliveries", "show", &request_id(&answer)],
        "",
    );
    assert_eq!(unknown.status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_before_the_answer_is_told_apart() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    let url = server.demo_url();
    let path = &url[url.find("/webhooks").unwrap()..];
    let mut begun = Instant::now();
    for body in ["", "half"] {
        let mut stream = server.client.tls(server.address(), Http::One).await.unwrap();
        begun = Instant::now();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        wants_the_body(&mut stream).await;
        sleep(STAYS).await;
        drop(stream);
    }
    let gone = |items: &[Value]| items.iter().filter(|item| item["code"] == "CLIENT_GONE").count() == 2;
    let items = server.deliveries(gone).await;
    let longest = begun.elapsed();
    assert_eq!(items[0]["status"], 499);
    let id = items[0]["id"].as_str().unwrap();
    let record = server.json(&["deliveries", "show", id]);
    assert_eq!(
        (&record["answer"], &record["no_payload"]),
        (&Value::Null, &json!("unread"))
    );
    let page = shown(&visitor.get(&format!("/deliveries/{id}")).await);
    assert!(
        page.contains("The sender closed the connection before the response."),
        "{page}"
    );
    let (before, _) = page.split_once(" s after the request headers.").expect(&page);
    let (_, seconds) = before.rsplit_once("That was ").unwrap();
    let after = Duration::from_secs_f64(seconds.parse().unwrap());
    assert!(
        (STAYS..=longest + ROUNDING).contains(&after),
        "{after:?} of {longest:?}"
    );
    assert!(page.contains("the sender had closed the connection") && !page.contains("BAD_REQUEST"));
    assert!(page.contains("the connection ended before the body arrived"));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_plain_http_the_answer_is_found_too() {
    let server = Server::start();
    let url = server.demo_url();
    let path = &url[url.find("/webhooks").unwrap()..];
    let answer = crate::support::plain_tcp(
        server.address(),
        format!("POST {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes(),
    );
    let id = answer
        .split("x-request-id: ")
        .nth(1)
        .unwrap()
        .split('\r')
        .next()
        .unwrap();
    server
        .deliveries(|items| items.iter().any(|item| item["request_id"] == *id))
        .await;
    let record = server.json(&["deliveries", "show", id]);
    assert_eq!(
        (&record["code"], &record["answer"]["status"]),
        (&json!("HTTPS_REQUIRED"), &json!(403))
    );
}
