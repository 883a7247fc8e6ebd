//! The search box of the console: it finds things by what people paste, and a secret never gets into an address.

use hookgate_testkit::https::Http;
use serde_json::Value;

use crate::support::Server;
use crate::visitor::Visitor;

/// The webhook ID at the end of a URL.
fn id_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

/// The handle of the webhook with this name.
fn handle_of(server: &Server, name: &str) -> String {
    let shown = server.json(&["webhook", "show", name]);
    shown["handle"].as_str().unwrap().to_owned()
}

/// Where a search leads: the path and query of its redirect.
async fn leads_to(visitor: &Visitor<'_>, text: &str) -> String {
    let answer = visitor.send("/search", &[("q", text)]).await;
    assert_eq!(answer.status, 303, "{text}: {}", answer.body);
    answer.headers["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_search_box_knows_the_names_of_things() {
    let server = Server::start();
    let visitor = Visitor::sign_in(&server).await;
    let url = server.create("billing alerts", &[]);
    let handle = handle_of(&server, "billing alerts");
    let sent = server
        .post(Http::One, &url, r#"{"title":"Disk full on db1"}"#)
        .await;
    let sent: Value = serde_json::from_str(&sent.body).unwrap();
    let delivery = sent["data"]["delivery_id"].as_str().unwrap().to_owned();
    let hint = id_of(&url)[..7].to_owned();
    for (text, path) in [
        ("inc-1", "/incidents/INC-1".to_owned()),
        (&delivery, format!("/deliveries/{delivery}")),
        (&handle, format!("/webhooks/{handle}")),
        ("127.0.0.1", "/logs?source=127.0.0.1%2F32".to_owned()),
        ("disk FULL", "/search?q=disk+FULL".to_owned()),
        (&hint, format!("/search?q={hint}")),
    ] {
        assert_eq!(leads_to(&visitor, text).await, path, "{text}");
        visitor.get(&path).await;
    }
    let found = visitor.get("/search?q=disk+FULL").await;
    assert!(found.contains("Disk full on db1"), "{found}");
    for query in ["BILLING", &hint] {
        let found = visitor.get(&format!("/search?q={query}")).await;
        assert!(found.contains("billing alerts"), "{query}: {found}");
    }
    let nothing = visitor.get("/search?q=zzz").await;
    assert!(nothing.contains("Nothing found."), "{nothing}");
    assert!(visitor.get("/search").await.contains("You can search for"));
}

#[tokio::test]
async fn a_whole_url_leads_to_its_webhook_and_into_no_address() {
    let server = Server::start();
    let visitor = Visitor::sign_in(&server).await;
    let url = server.create("leaked", &[]);
    let page = format!("/webhooks/{}", handle_of(&server, "leaked"));
    let live = format!("{page}?done=url-live");
    for text in [
        url.clone(),
        id_of(&url).to_owned(),
        format!("curl -d @x '{}'", url.replace("wh_", "wh%5F")),
    ] {
        assert_eq!(leads_to(&visitor, &text).await, live, "{text}");
    }
    let answer = visitor
        .send("/webhooks/filter", &[("q", &url), ("state", "")])
        .await;
    assert_eq!(answer.headers["location"], live.as_str());
    assert!(visitor.get(&live).await.contains("and it works"));
    server.json(&["webhook", "revoke", "leaked", "--yes"]);
    assert_eq!(leads_to(&visitor, &url).await, format!("{page}?done=url-retired"));
    let filtered = visitor
        .send("/webhooks/filter", &[("q", "leak"), ("state", "revoked")])
        .await;
    assert_eq!(filtered.headers["location"], "/webhooks?q=leak&state=revoked");
}
