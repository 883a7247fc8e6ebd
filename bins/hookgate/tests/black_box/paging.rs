//! Lists that are read page by page while deliveries arrive.

use hookgate_testkit::https::Http;
use serde_json::Value;

use crate::program::Program;
use crate::support::Server;
use crate::visitor::ConsoleClient;

async fn deliver(server: &Server, count: usize) {
    for _ in 0..count {
        let answer = server
            .post(Http::One, &server.demo_url(), r#"{"title":"a"}"#)
            .await;
        assert_eq!(answer.status, 201);
    }
}

/// The IDs of all deliveries, newest first, as the command line has them.
fn all(server: &Server) -> Vec<String> {
    let page = server.json(&["deliveries", "list", "--limit", "200"]);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_the_api_stay_where_they_are() {
    let server = Server::start();
    let program = Program::new(&server, "viewer");
    deliver(&server, 30).await;
    let (expected, mut read, mut cursor) = (all(&server), Vec::new(), String::new());
    loop {
        let page = program.get(&format!("/api/v1/deliveries?limit=7{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        read.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        deliver(&server, 3).await;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(read, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_webhooks_ends_where_their_allowlists_are_long() {
    let server = Server::start();
    let program = Program::new(&server, "admin");
    let networks: Vec<_> = (0..10_000)
        .map(|number| format!("10.{}.{}.1", number / 250, number % 250))
        .collect();
    for name in ["a", "b", "c"] {
        let new = serde_json::json!({"name": name, "allowlist": networks});
        let made = program.post("/api/v1/webhooks", new).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let (mut names, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = program.get(&format!("/api/v1/webhooks?limit=200{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        sizes.push(items.len());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(
        (&names[1..], &*sizes),
        (&["a", "b", "c"].map(str::to_owned)[..], &[3, 1][..])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_page_that_is_full_has_none_behind_it() {
    let server = Server::start();
    deliver(&server, 3).await;
    let program = Program::new(&server, "admin");
    server.json(&["webhook", "create", "second"]);
    server.json(&["member", "add", "ada@example.org", "--role", "viewer"]);
    for (command, path) in [
        ("webhook", "webhooks"),
        ("member", "members"),
        ("token", "tokens"),
        ("deliveries", "deliveries"),
        ("incidents", "incidents"),
        ("audit", "audit"),
    ] {
        let whole = server.json(&[command, "list", "--limit", "200"]);
        let count = whole["items"].as_array().unwrap().len();
        assert!(count > 0, "{command}");
        let full = server.json(&[command, "list", "--limit", &count.to_string()]);
        assert_eq!(full["items"].as_array().unwrap().len(), count, "{command}");
        assert_eq!(full["next"], Value::Null, "{command}");
        let full = program.get(&format!("/api/v1/{path}?limit={count}")).await;
        assert_eq!(full["items"].as_array().unwrap().len(), count, "{path}");
        assert_eq!(full["next"], Value::Null, "{path}");
        if count > 1 {
            let part = program.get(&format!("/api/v1/{path}?limit={}", count - 1)).await;
            let cursor = part["next"].as_str().unwrap();
            let rest = program
                .get(&format!("/api/v1/{path}?limit=1&cursor={cursor}"))
                .await;
            assert_eq!(rest["items"].as_array().unwrap().len(), 1, "{path}");
            assert_eq!(rest["next"], Value::Null, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_the_console_stay_where_they_are() {
    let server = Server::start();
    deliver(&server, 120).await;
    let expected = all(&server);
    let visitor = ConsoleClient::sign_in(&server).await;
    let first = visitor.get("/logs").await;
    assert_eq!(ids(&first), expected[..50]);
    assert_eq!(link(&first, "← Newer"), None);
    deliver(&server, 3).await;
    let second = visitor.get(&link(&first, "Older →").unwrap()).await;
    assert_eq!(ids(&second), expected[50..100]);
    let third = visitor.get(&link(&second, "Older →").unwrap()).await;
    assert_eq!(ids(&third), expected[100..]);
    assert_eq!(link(&third, "Older →"), None);
    let back = visitor.get(&link(&third, "← Newer").unwrap()).await;
    assert_eq!(ids(&back), expected[50..100]);
    // Fifty before the second page and three new ones: the page in between, and then the newest, filled up.
    let back = visitor.get(&link(&back, "← Newer").unwrap()).await;
    assert_eq!(ids(&back), expected[..50]);
    let top = visitor.get(&link(&back, "← Newer").unwrap()).await;
    assert_eq!(ids(&top), all(&server)[..50]);
    assert_eq!(link(&top, "← Newer"), None);
}

/// The deliveries of a page, in its order.
fn ids(page: &str) -> Vec<String> {
    let links = page.split("href=\"/deliveries/").skip(1);
    links
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// Target of the link with this text.
fn link(page: &str, name: &str) -> Option<String> {
    let (before, _) = page.split_once(&format!(">{name}</a>"))?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(href.split('"').next()?.replace("&amp;", "&"))
}
