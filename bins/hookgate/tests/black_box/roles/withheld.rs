//! Data from senders is for operators: a marker in each part of a request, and no answer to a viewer that holds one.

use std::net::SocketAddr;
use std::time::Duration;

use hookgate_testkit::https::{Full, Http, Request, Unread};
use serde_json::Value;

use super::maker::Maker;
use super::matrix::{API, CONSOLE, EVERYBODY};
use crate::program::{Program, data};
use crate::support::Server;
use crate::visitor::ConsoleClient;

/// A text that a viewer must not see. Title and service are shown to everybody.
const MARKER: &str = "withheldmarker";

const ACCEPTED: &str = r#"{
    "title": "Disk full", "service": "database", "description": "withheldmarker-description",
    "severity": "withheldmarkerword", "source_url": "https://withheldmarker.example/", "dedup_key": "withheldmarker-key",
    "metadata": {"withheldmarker-name": "withheldmarker-value"}, "other": "withheldmarker-other"
}"#;
const REFUSED: &str = r#"{"title": ["withheldmarker-title"], "withheldmarker-field": 1}"#;

async fn send(server: &Server, body: &str) -> Value {
    let request = Request::post(server.demo_url())
        .header("content-type", "application/json")
        .header("x-sent", "withheldmarker-header")
        .header("x-withheldmarker-name", "1")
        .header("referer", "https://withheldmarker.example/")
        .body(Full::from(body.to_owned()));
    let answer = server.send(Http::One, request.unwrap()).await;
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_sees_nothing_of_what_was_sent() {
    let server = Server::start();
    let maker = Maker::new(&server);
    let accepted = send(&server, ACCEPTED).await;
    assert_eq!(accepted["success"], true, "{accepted}");
    assert_eq!(send(&server, REFUSED).await["success"], false);
    let deliveries = server.deliveries(|items| items.len() == 2).await;
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    let handle = id(&deliveries[0]["webhook"]);
    let incident = id(&accepted["data"]["incident"]["id"]);
    let deliveries: Vec<_> = deliveries.iter().map(|delivery| id(&delivery["id"])).collect();

    let things = |path: &str| -> Vec<String> {
        let kind = path.split('{').next().unwrap_or_default();
        let things: Vec<&String> = match kind.trim_end_matches('/').rsplit('/').next() {
            Some("deliveries") => deliveries.iter().collect(),
            Some("incidents") => vec![&incident],
            _ => vec![&handle],
        };
        let Some((before, rest)) = path.split_once('{') else {
            return vec![path.to_owned()];
        };
        let after = rest.split_once('}').unwrap().1;
        things
            .iter()
            .map(|thing| format!("{before}{thing}{after}"))
            .collect()
    };
    let viewer = Program::new(&server, "viewer");
    let operator = Program::new(&server, "operator");
    let visitor = ConsoleClient::by_link(&server, &maker.member("viewer").await.1).await;
    let (mut seen, mut looked) = (0, 0);
    let read = API
        .iter()
        .chain(CONSOLE)
        .filter(|row| row.0 == "GET" && row.2 == EVERYBODY);
    for path in read
        .flat_map(|row| things(row.1))
        .filter(|path| !path.ends_with("/live"))
    {
        let more = match &*path {
            "/api/v1/deliveries/export" | "/logs/export" => "?format=ndjson",
            "/search" => "?q=withheldmarker",
            "/incidents" => "?status=all",
            _ => "",
        };
        let path = format!("{path}{more}");
        let body = if path.starts_with("/api") {
            seen += usize::from(operator.call("GET", &path, None, &[]).await.body.contains(MARKER));
            viewer.call("GET", &path, None, &[]).await.body
        } else {
            visitor.call("GET", &path, String::new()).await.body
        };
        // The search box repeats what was typed into it.
        let body = body
            .replace("value=\"withheldmarker\"", "")
            .replace("<bdi>withheldmarker</bdi>", "");
        let at = body
            .find(MARKER)
            .map(|at| &body[at.saturating_sub(200)..(at + 40).min(body.len())]);
        assert_eq!(at, None, "{path}");
        looked += 1;
    }
    assert!(looked > 20, "{looked}");
    assert!(seen >= 5, "an operator sees it: {seen}");

    let shown = viewer.get(&format!("/api/v1/incidents/{incident}")).await;
    assert_eq!(shown["withheld"], true);
    assert_eq!(
        (shown["title"].as_str(), shown["service"].as_str()),
        (Some("Disk full"), Some("database"))
    );
    let page = visitor.get(&format!("/incidents/{incident}")).await;
    assert!(page.contains("Viewers do not see description"), "{page}");
    let whole = operator
        .call("GET", &format!("/api/v1/incidents/{incident}"), None, &[])
        .await;
    assert_eq!(data(&whole)["withheld"], Value::Null);
}

/// The output of a live view until it has shown these deliveries.
async fn live(view: &mut Unread, deliveries: &[String]) -> String {
    let mut seen = String::new();
    while !deliveries.iter().all(|id| seen.contains(id.as_str())) {
        let piece = tokio::time::timeout(Duration::from_secs(20), view.piece()).await;
        seen.push_str(&String::from_utf8_lossy(&piece.unwrap().unwrap().unwrap()));
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_views_and_exports_show_a_viewer_nothing_of_what_was_sent() {
    let server = Server::start();
    let maker = Maker::new(&server);
    let visitor = ConsoleClient::by_link(&server, &maker.member("viewer").await.1).await;
    let operator = ConsoleClient::by_link(&server, &maker.member("operator").await.1).await;
    let handle = server.ready["webhook"]["handle"].as_str().unwrap();
    let of_webhook = format!("/webhooks/{handle}/live");
    let filtered = format!("/logs/live?webhook={handle}");
    let paths = ["/logs/live", &filtered, &of_webhook];
    let mut views = Vec::new();
    for path in paths {
        let request = Request::get(format!("{}{path}", server.console()))
            .header("cookie", format!("__Host-hookgate={}", visitor.session()))
            .body(Full::default());
        let port = server.console().rsplit(':').next().unwrap().parse().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut connection = server.client.connect(address, Http::One).await.unwrap();
        let view = connection.begin(request.unwrap()).await.unwrap();
        assert_eq!(view.status, 200, "{path}");
        views.push((path, view, connection));
    }
    send(&server, ACCEPTED).await;
    send(&server, REFUSED).await;
    let deliveries = server.deliveries(|items| items.len() == 2).await;
    let id = |delivery: &Value| delivery["id"].as_str().unwrap().to_owned();
    let deliveries: Vec<_> = deliveries.iter().map(id).collect();
    for (path, mut view, _connection) in views {
        let seen = live(&mut view, &deliveries).await;
        assert!(!seen.contains(MARKER), "{path}: {seen}");
    }

    let viewer = Program::new(&server, "viewer");
    let (mut rows, mut seen) = (0, 0);
    for format in ["csv", "excel", "ndjson"] {
        for filter in ["", "&outcome=refused", "&outcome=accepted"] {
            let query = format!("export?format={format}{filter}");
            let path = format!("/logs/{query}");
            let api = format!("/api/v1/deliveries/{query}");
            for (path, answer) in [
                (&path, visitor.call("GET", &path, String::new()).await),
                (&api, viewer.call("GET", &api, None, &[]).await),
            ] {
                assert_eq!(answer.status, 200, "{path}: {}", answer.body);
                assert!(!answer.body.contains(MARKER), "{path}: {}", answer.body);
                rows += deliveries
                    .iter()
                    .filter(|id| answer.body.contains(id.as_str()))
                    .count();
            }
            let whole = operator.call("GET", &path, String::new()).await;
            seen += usize::from(whole.body.contains(MARKER));
        }
    }
    assert_eq!(rows, 24, "each export has its deliveries");
    assert!(seen >= 3, "an operator sees it: {seen}");
}
