//! Imperfect payloads: the alert is accepted, the change is noted wherever the delivery is shown, and no number is rounded.

use hookgate_testkit::https::{HeaderName, Http};
use serde_json::{Value, json};

use crate::support::program::Program;
use crate::support::visitor::ConsoleClient;
use crate::support::{Server, post, run};

fn text(server: &Server, arguments: &[&str]) -> String {
    let output = run(server.directory(), arguments, "");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The delivery and the incident of this body.
async fn taken(server: &Server, http: Http, body: &str) -> (String, String) {
    let answer = server.post(http, &server.demo_url(), body).await;
    assert_eq!(answer.status, 201, "{body}: {}", answer.body);
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&answer["data"]["delivery_id"]),
        text(&answer["data"]["incident"]["id"]),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_not_lost_for_an_ornament() {
    let server = Server::start();
    let long = json!({"title": "x".repeat(501)}).to_string();
    for (body, field, code) in [
        (long.as_str(), "title", "cut"),
        (r#"{"title":42}"#, "title", "read_as_text"),
        (
            r#"{"title":"Disk full \ud83d"}"#,
            "payload",
            "replaced_characters",
        ),
        (
            r#"{"title":"t","severity":"catastrophic"}"#,
            "severity",
            "unknown_word",
        ),
        (r#"{"title":"t","status":["x"]}"#, "status", "wrong_type"),
        (
            r#"{"title":"t","source_url":"javascript:alert(1)"}"#,
            "source_url",
            "not_a_link",
        ),
        (
            r#"{"title":"t","source_url":"http://prom/graph?e=up == 0"}"#,
            "source_url",
            "percent_encoded",
        ),
        (r#"{"title":"t","metadata":{"a":{}}}"#, "metadata", "nested"),
        (r#"{"title":"t","x":{"a":1,"a":2}}"#, "payload", "duplicate_key"),
    ] {
        for http in Http::BOTH {
            let (delivery, incident) = taken(&server, http, body).await;
            let shown = server.json(&["deliveries", "show", &delivery]);
            let notes = shown["notes"].as_array().unwrap();
            assert_eq!(notes.len(), 1, "{body}: {notes:?}");
            assert_eq!(
                (&notes[0]["field"], &notes[0]["code"]),
                (&json!(field), &json!(code)),
                "{body}"
            );
            assert!(notes[0]["sentence"].as_str().unwrap().ends_with('.'));
            let incident = server.json(&["incidents", "show", &incident]);
            assert_eq!(incident["status"], "open", "{body}");
        }
    }
    let (delivery, _) = taken(&server, Http::One, r#"{"title":"t","severity":"page"}"#).await;
    assert_eq!(
        server.json(&["deliveries", "show", &delivery])["notes"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_shown_wherever_the_delivery_is() {
    let server = Server::start();
    let (delivery, _) = taken(&server, Http::Two, r#"{"title":"t","severity":"awful"}"#).await;
    let sentence = "The severity \u{201C}awful\u{201D} is not a known value. It was ignored.";
    let note =
        json!([{"code": "unknown_word", "field": "severity", "detail": "awful", "sentence": sentence}]);

    let admin = Program::new(&server, "admin");
    let shown = admin.get(&format!("/api/v1/deliveries/{delivery}")).await;
    assert_eq!(shown["notes"], note);
    let list = admin.get("/api/v1/deliveries").await;
    assert_eq!(list["items"][0]["notes"], note);
    let line: Value =
        serde_json::from_str(&text(&server, &["deliveries", "export", "--format", "ndjson"])).unwrap();
    assert_eq!(line["notes"], note);
    let csv = text(&server, &["deliveries", "export", "--format", "csv"]);
    assert!(csv.contains(",severity unknown_word,req_"), "{csv}");
    let visitor = ConsoleClient::sign_in(&server).await;
    let page = visitor.get(&format!("/deliveries/{delivery}")).await;
    assert!(page.contains("is not a known value"), "{}", page);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_number_is_rounded_on_its_way() {
    let server = Server::start();
    let numbers = r#"{"serial":12345678901234567890123,"price":1.10,"zero":-0,"huge":1e400}"#;
    let body = format!(r#"{{"title":"t","metadata":{numbers},"other":[12345678901234567890, 1.10]}}"#);
    let (delivery, incident) = taken(&server, Http::One, &body).await;
    // A number outside the range of a double becomes a string, because other JSON readers would fail at it.
    let kept = numbers.replace("1e400", "\"1e400\"");
    let other = r#""other":[12345678901234567890,1.10]"#;
    for text in [
        text(&server, &["deliveries", "show", &delivery]),
        text(&server, &["deliveries", "list"]),
        text(&server, &["deliveries", "export", "--format", "ndjson"]),
    ] {
        assert!(text.contains(&kept) && text.contains(other), "{text}");
    }
    let sorted = r#"{"huge":"1e400","price":1.10,"serial":12345678901234567890123,"zero":-0}"#;
    for arguments in [&["incidents", "show", &incident][..], &["incidents", "list"]] {
        let text = text(&server, arguments);
        assert!(text.contains(sorted), "{text}");
    }
    let visitor = ConsoleClient::sign_in(&server).await;
    let page = visitor.get(&format!("/deliveries/{delivery}")).await;
    for number in ["12345678901234567890123", "1.10", "1e400", "-0"] {
        // Once with indentation and once as received.
        assert!(page.matches(number).count() >= 2, "{number}: {page}");
    }
    let page = visitor.get(&format!("/incidents/{incident}")).await;
    for number in ["12345678901234567890123", "1.10", "1e400"] {
        assert!(page.contains(number), "{number}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_name_of_a_delivery_makes_a_retry_known() {
    let server = Server::start();
    let send = async |http, names: &[(&str, &str)]| {
        let mut request = post(&server.demo_url(), r#"{"title":"t"}"#);
        for (header, value) in names {
            let value = value.as_bytes().try_into().unwrap();
            request
                .headers_mut()
                .append(HeaderName::try_from(*header).unwrap(), value);
        }
        let answer = server.send(http, request).await;
        assert!(answer.status.is_success(), "{names:?}: {}", answer.body);
        (answer.status.as_u16(), answer.body)
    };
    let long = "k".repeat(300);
    for (index, names) in [
        &[("idempotency-key", long.as_str())][..],
        &[("idempotency-key", "Größe 1")],
        &[("idempotency-key", "a"), ("idempotency-key", "b")],
        &[("idempotency-key", ""), ("webhook-id", "msg_1")],
    ]
    .iter()
    .enumerate()
    {
        let http = Http::BOTH[index % 2];
        let first = send(http, names).await;
        assert_eq!(first.0, 201, "{names:?}");
        assert_eq!(send(http, names).await, (200, first.1), "{names:?}");
    }
    // Another pair is another delivery.
    let pair = [("idempotency-key", "a"), ("idempotency-key", "c")];
    assert_eq!(send(Http::One, &pair).await.0, 201);
    // An empty name is none.
    for names in [&[("idempotency-key", "")][..], &[("webhook-id", "")]] {
        let first = send(Http::Two, names).await;
        assert_ne!(send(Http::Two, names).await.1, first.1);
    }
    let items = server.deliveries(|items| items.len() == 9).await;
    let joined = items
        .iter()
        .filter(|item| item["notes"][0]["code"] == "joined_headers");
    assert_eq!(joined.count(), 2);
}
