//! The health of a webhook in numbers: the senders that an observed allowlist would refuse, and the deliveries that fail.

use hookgate_testkit::https::{Full, Http, Request};
use serde_json::Value;

use crate::support::program::Program;
use crate::support::visitor::ConsoleClient;
use crate::support::{Server, sql};

const ALERT: &str = r#"{"title":"Disk full"}"#;

/// The public name of a webhook.
fn handle(server: &Server, name: &str) -> String {
    let webhook = server.json(&["webhook", "show", name]);
    webhook["handle"].as_str().unwrap().to_owned()
}

/// The first element of this class on a page, as text with its links.
fn banner<'a>(page: &'a str, class: &str) -> &'a str {
    let begin = format!("<p class=\"health {class}\">");
    let (_, rest) = page
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no {class}: {page}"));
    rest.split("</p>").next().unwrap()
}

/// Target of the link with this text.
fn link(html: &str, words: &str) -> String {
    let end = format!("\">{words}</a>");
    let (before, _) = html
        .split_once(&end)
        .unwrap_or_else(|| panic!("no {words}: {html}"));
    let (_, path) = before.rsplit_once("href=\"").unwrap();
    path.replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn observing_says_who_would_be_refused_until_it_is_enforced() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    let hook = server.create("hook", &["--allow", "192.0.2.1", "--allowlist-mode", "observe"]);
    let path = format!("/webhooks/{}", handle(&server, "hook"));
    for url in [&hook, &hook, &server.demo_url()] {
        assert_eq!(server.post(Http::One, url, ALERT).await.status, 201);
    }
    let records = server.deliveries(|items| items.len() == 3).await;
    let page = visitor.get(&path).await;
    assert!(!page.contains("class=\"health ok\""), "{page}");
    let told = banner(&page, "warn").to_owned();
    assert!(
        told.starts_with("Observing for ")
            && told.contains(": of 1 sender, 1 would be refused (2 of 2 deliveries)."),
        "{told}"
    );
    let logs = visitor.get(&link(&told, "View them")).await;
    for record in &records {
        let id = record["id"].as_str().unwrap();
        let marked = record["would_be_refused"] == true;
        assert_eq!(logs.contains(id), marked, "{id} in {logs}");
    }
    let doctor = server.json(&["doctor"]).to_string();
    assert!(
        doctor.contains("of 1 sender, 1 would be refused (2 of 2 deliveries)"),
        "{doctor}"
    );

    let enforce = link(&told, "Enforce");
    let asked = visitor.get(&enforce).await;
    assert!(
        asked.contains("of 1 sender, 1 would be refused (2 of 2 deliveries)."),
        "{asked}"
    );
    assert_eq!(
        server.post(Http::One, &hook, ALERT).await.status,
        201,
        "a question changes nothing"
    );
    // The webhook changes in between, so the confirmation is asked for again.
    server.json(&["webhook", "edit", "hook", "--rotation-days", "30"]);
    let stale = visitor.try_to_send(&enforce, &[("revision", "1")]).await;
    assert!(stale.body.contains("Enforce the allowlist?"), "{stale:?}");
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 201);
    let (_, fresh) = stale.body.split_once("name=\"revision\" value=\"").unwrap();
    let fresh = fresh.split('"').next().unwrap();
    let done = visitor.send(&enforce, &[("revision", fresh)]).await;
    assert_eq!(done.header("location"), format!("{path}?done=enforced"));
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 403);
    assert_eq!(
        server.json(&["webhook", "show", "hook"])["allowlist_mode"],
        "enforce"
    );
    let trail = visitor
        .get(&format!("/audit?about={}", handle(&server, "hook")))
        .await;
    assert!(trail.contains("enforce"), "{trail}");
    let page = visitor.get(&path).await;
    assert!(!page.contains("Observing for"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_webhook_is_first_red_and_named() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    server.post(Http::One, &server.demo_url(), ALERT).await;
    let broken = server.create("broken", &[]);
    for body in ["{", "{", "{", "[]", r#"{"title":[]}"#, r#"{"title":[]}"#] {
        assert!(
            server
                .post(Http::One, &broken, body)
                .await
                .status
                .is_client_error()
        );
    }
    let get = Request::get(&broken).body(Full::default()).unwrap();
    assert_eq!(server.send(Http::One, get).await.status, 405);
    let compressed = Request::post(&broken)
        .header("content-encoding", "gzip")
        .body(Full::from("x"))
        .unwrap();
    server.send(Http::One, compressed).await;
    let of_broken = |items: &[Value]| -> u64 {
        let refused = items.iter().filter(|item| item["outcome"] == "refused");
        refused.map(|item| item["count"].as_u64().unwrap()).sum()
    };
    server.deliveries(|items| of_broken(items) == 8).await;

    let list = visitor.get("/webhooks").await;
    let place = |name: &str| {
        list.find(&format!("/webhooks/{}\"", handle(&server, name)))
            .unwrap()
    };
    assert!(place("broken") < place("demo"), "{list}");
    let row = list[place("broken")..].split("</tr>").next().unwrap();
    assert!(row.contains("<span class=\"tag bad\">failing</span>"), "{row}");
    let row = list[place("demo")..].split("</tr>").next().unwrap();
    assert!(row.contains("<span class=\"tag ok\">active</span>"), "{row}");

    let program = Program::new(&server, "viewer");
    server.create("unused", &[]);
    for (name, health) in [("broken", "failing"), ("demo", "ok"), ("unused", "quiet")] {
        let shown = server.json(&["webhook", "show", name]);
        assert_eq!(shown["health"], health);
        let path = format!("/api/v1/webhooks/{}", shown["handle"].as_str().unwrap());
        assert_eq!(program.get(&path).await, shown);
        for list in [
            server.json(&["webhook", "list"]),
            program.get("/api/v1/webhooks").await,
        ] {
            assert!(list["items"].as_array().unwrap().contains(&shown), "{list}");
        }
    }

    // The sentence about all sources does not depend on those that are counted separately.
    sql(server.directory(), "DELETE FROM sources");
    let page = visitor
        .get(&format!("/webhooks/{}", handle(&server, "broken")))
        .await;
    let told = banner(&page, "bad");
    assert!(
        told.starts_with("Failing: 8 of 8 deliveries in the last 24 hours were refused: "),
        "{told}"
    );
    let numbers = told.split("refused: ").nth(1).unwrap().split('.').next().unwrap();
    let sum = numbers.split(", ").map(|part| part.split(' ').next().unwrap());
    assert_eq!(
        sum.map(|count| count.parse::<u64>().unwrap()).sum::<u64>(),
        8,
        "{numbers}"
    );
    assert!(
        numbers.contains("INVALID_JSON") && numbers.contains(" other"),
        "{numbers}"
    );
    let logs = visitor.get(&link(told, "View them")).await;
    assert!(logs.contains("INVALID_JSON"), "{logs}");

    let doctor = server.json(&["doctor"]);
    let named = doctor["findings"].as_array().unwrap().iter().find(|item| {
        let text = item.to_string();
        text.contains("broken") && text.contains("failing: 8 of 8 deliveries in the last 24 hours refused")
    });
    assert!(named.is_some(), "{doctor}");
    let metrics = visitor.get("/metrics").await;
    for line in [
        "hookgate_webhooks_failing 1\n",
        "hookgate_incidents{status=\"acknowledged\",severity=\"SEV0\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let open = metrics
        .lines()
        .filter(|line| line.starts_with("hookgate_incidents{status=\"open\""));
    let counts = open.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
    assert_eq!(counts.sum::<u64>(), 1, "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarding_header_that_is_ignored_is_told_with_the_remedy() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    let page_of = |record: &Value| format!("/deliveries/{}", record["id"].as_str().unwrap());
    let said = |header: &str| {
        format!(
            "127.0.0.1 connected directly. Its {header} header was ignored because 127.0.0.1 is not a trusted proxy"
        )
    };
    let headers = [
        (None, "X-Forwarded-For"),
        (Some(("x-forwarded-for", "203.0.113.9")), "X-Forwarded-For"),
        (Some(("forwarded", "for=203.0.113.9")), "Forwarded"),
    ];
    for (number, (header, name)) in headers.into_iter().enumerate() {
        let mut request = Request::post(server.demo_url());
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let answer = server
            .send(Http::One, request.body(Full::from(ALERT)).unwrap())
            .await;
        assert_eq!(answer.status, 201);
        let records = server.deliveries(|items| items.len() == number + 1).await;
        let page = visitor.get(&page_of(&records[0])).await;
        assert_eq!(page.contains(&said(name)), header.is_some(), "{page}");
        assert_eq!(
            page.contains("add 127.0.0.1 to gate.trusted_proxies"),
            header.is_some()
        );
    }
    let demo = format!("/webhooks/{}", handle(&server, "demo"));
    let page = visitor.get(&demo).await;
    assert!(page.contains(&said("Forwarded")), "{page}");
    // One that is refused for its address says the same.
    server.json(&["webhook", "edit", "demo", "--allow", "192.0.2.1"]);
    let request = Request::post(server.demo_url()).header("x-forwarded-for", "203.0.113.9");
    let answer = server
        .send(Http::One, request.body(Full::from(ALERT)).unwrap())
        .await;
    assert_eq!(answer.status, 403);
    let records = server.deliveries(|items| items.len() == 4).await;
    let page = visitor.get(&page_of(&records[0])).await;
    assert!(
        page.contains(&said("X-Forwarded-For")) && page.contains("add 127.0.0.1 to gate.trusted_proxies"),
        "{page}"
    );
}
