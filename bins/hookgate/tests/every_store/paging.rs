//! The ends of lists, in the admin API and on the command line.

use hookgate_testkit::https::Http;
use serde_json::Value;

use crate::support::Server;
use crate::support::program::Program;

async fn deliver(server: &Server, count: usize) {
    for _ in 0..count {
        let answer = server
            .post(Http::One, &server.demo_url(), r#"{"title":"a"}"#)
            .await;
        assert_eq!(answer.status, 201);
    }
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
