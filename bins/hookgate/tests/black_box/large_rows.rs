//! Lists with large rows: a page ends at its size limit, in the API, the console and on the command line, and no row is
//! lost.

use hookgate_testkit::https::Http;
use serde_json::{Value, json};

use crate::support::program::{Program, data};
use crate::support::visitor::ConsoleClient;
use crate::support::{Server, run};

/// Maximum size of any list, in bytes.
const LARGEST: usize = 5 * 1024 * 1024;

/// The rows of a list, read page by page, each within the size limit.
async fn all(program: &Program<'_>, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = program
            .call("GET", &format!("{path}?limit=200{cursor}"), None, &[])
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body.len() < LARGEST, "{path}: {} bytes", answer.body.len());
        let page = data(&answer);
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_incidents_ends_where_they_are_large() {
    const INCIDENTS: usize = 40;
    let server = Server::start();
    let value = "\u{202e}".repeat(5_000);
    for number in 0..INCIDENTS {
        let metadata: serde_json::Map<_, _> = (0..10)
            .map(|key| (format!("k{key}"), value.clone().into()))
            .collect();
        let body = json!({"title": format!("m{number}"), "metadata": metadata});
        let answer = server
            .post(Http::One, &server.demo_url(), &body.to_string())
            .await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    let operator = Program::new(&server, "operator");
    let rows = all(&operator, "/api/v1/incidents").await;
    let titles: Vec<_> = rows.iter().map(|row| row["title"].as_str().unwrap()).collect();
    let expected: Vec<_> = (0..INCIDENTS).rev().map(|number| format!("m{number}")).collect();
    assert_eq!(titles, expected);
    assert_eq!(all(&operator, "/api/v1/deliveries").await.len(), INCIDENTS);
    let page = ConsoleClient::sign_in(&server).await.get("/incidents").await;
    assert!(page.len() < LARGEST / 10, "{} bytes", page.len());
}

/// An admin changes one entry of a very long list again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_of_a_long_list_leaves_a_small_entry_that_people_can_read() {
    const EDITS: usize = 6;
    let server = Server::start();
    let admin = Program::new(&server, "admin");
    let comment = "c".repeat(60);
    let mut list: Vec<_> = (0..9_000)
        .map(|number| format!("10.{}.{}.1 # {comment}", number / 250, number % 250))
        .collect();
    let made = admin
        .post("/api/v1/webhooks", json!({"name": "long", "allowlist": list}))
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/api/v1/webhooks/{}", data(&made)["handle"].as_str().unwrap());
    for number in 0..EDITS {
        list[8_999] = format!("192.0.2.{number}");
        let edited = admin
            .call(
                "PATCH",
                &path,
                Some(json!({"allowlist": list})),
                &[("if-match", "*")],
            )
            .await;
        assert_eq!(edited.status, 200, "{}", edited.body);
    }
    let entries = all(&admin, "/api/v1/audit").await;
    let edits: Vec<_> = entries
        .iter()
        .filter(|entry| entry["act"] == "webhook.edit")
        .collect();
    assert_eq!(edits.len(), EDITS);
    assert!(
        edits.iter().all(|entry| entry.to_string().len() < 2_000),
        "{}",
        edits[0]
    );
    assert_eq!(
        edits[0]["change"],
        "allowlist: 9,000 entries (removed: 192.0.2.4) → 9,000 entries (added: 192.0.2.5)"
    );
    let page = ConsoleClient::sign_in(&server).await.get("/audit").await;
    assert!(
        page.contains("192.0.2.4") && page.len() < 200_000,
        "{} bytes",
        page.len()
    );
    let printed = run(
        server.directory(),
        &["audit", "list", "--act", "webhook.edit"],
        "",
    );
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.contains("(added: 192.0.2.5)"), "{printed}");
    let export = admin.call("GET", "/api/v1/audit/export", None, &[]).await;
    assert!(export.body.len() < 100_000, "{} bytes", export.body.len());
}
