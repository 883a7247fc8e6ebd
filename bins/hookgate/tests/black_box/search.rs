//! The search box of the console: it finds objects by pasted texts, and a secret never gets into an address.

use hookgate_testkit::https::Http;
use serde_json::Value;

use crate::support::Server;
use crate::visitor::ConsoleClient;

/// The webhook ID at the end of a URL.
fn id_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

/// The handle of the webhook with this name.
fn handle_of(server: &Server, name: &str) -> String {
    let shown = server.json(&["webhook", "show", name]);
    shown["handle"].as_str().unwrap().to_owned()
}

/// Target of a search: the path and query of its redirect.
async fn leads_to(visitor: &ConsoleClient<'_>, text: &str) -> String {
    let answer = visitor.send("/search", &[("q", text)]).await;
    assert_eq!(answer.status, 303, "{text}: {}", answer.body);
    answer.headers["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_search_box_knows_the_names_of_things() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
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
    let visitor = ConsoleClient::sign_in(&server).await;
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

/// A form sends typed text by POST, on every page.
#[test]
fn no_form_puts_what_was_typed_into_the_address() {
    let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/pages/templates");
    let mut forms = 0;
    for entry in std::fs::read_dir(templates).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let page = std::fs::read_to_string(&path).unwrap();
        for form in page.split("<form ").skip(1) {
            forms += 1;
            assert!(form.starts_with("method=\"post\""), "{}", path.display());
        }
    }
    assert!(forms > 20);
}

/// Every form that filters a list, with every secret as typed by mistake: it is not searched for, and is in no address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_a_secret_gets_into_no_address() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    let url = server.create("leaked", &[]);
    let id = id_of(&url).to_owned();
    let other = if id.ends_with('0') { '1' } else { '0' };
    let mistyped = format!("{}{other}", &id[..id.len() - 1]);
    let digits = &mistyped[3..];
    for text in [
        mistyped.clone(),
        format!("\"{mistyped}\""),
        id.to_uppercase(),
        mistyped.replace('_', "%5F"),
        mistyped.replace('_', "\\u005f"),
        format!("https://hooks.example.org/webhooks/custom/{mistyped}"),
        format!("hgt_{digits}"),
        format!("hgs_{digits}"),
        format!("https://console.example.org/sign-in/hgl_{digits}"),
        format!("whsec_{digits}"),
        format!("Bearer HGT_{digits}"),
    ] {
        for (path, field, others) in [
            ("/search", "q", &[][..]),
            ("/webhooks/filter", "q", &[("state", "active")]),
            ("/logs/filter", "source", &[("outcome", "refused")]),
            ("/logs/filter", "request_id", &[]),
            ("/logs/filter", "from", &[]),
            ("/audit/filter", "about", &[("what", "token")]),
            ("/audit/filter", "who", &[]),
        ] {
            let fields = [&[(field, &*text)], others].concat();
            let answer = visitor.try_to_send(path, &fields).await;
            assert_eq!(
                answer.status,
                422,
                "{path} {field} {text}: {}",
                answer.header("location")
            );
            assert_eq!(answer.header("location"), "");
            assert!(
                answer.body.contains("looks like a webhook URL"),
                "{path} {text}: {}",
                answer.body
            );
            assert!(!answer.body.contains(&digits[4..30]), "{path} {text}");
            assert!(
                !answer.body.contains(&digits.to_uppercase()[4..30]),
                "{path} {text}"
            );
        }
        // If it was typed into the address, the page says so, and repeats it in no link.
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("about", &text)
            .finish();
        let page = visitor.get(&format!("/audit?{query}")).await;
        assert!(
            page.contains("looks like a webhook URL") && !page.contains(&digits[4..30]),
            "{text}"
        );
    }
    let whole = visitor.try_to_send("/logs/filter", &[("source", &url)]).await;
    assert_eq!((whole.status.as_u16(), whole.header("location")), (422, ""));
    let nobody = visitor
        .try_to_send("/search", &[("q", "wh_777777777777777777777777777777774c13vo")])
        .await;
    assert_eq!(nobody.status, 404);
    assert!(
        nobody.body.contains("No webhook has or had this URL"),
        "{}",
        nobody.body
    );
    for (path, field, text, location) in [
        (
            "/logs/filter",
            "source",
            "192.0.2.0/24",
            "/logs?source=192.0.2.0%2F24",
        ),
        ("/audit/filter", "about", "INC-1", "/audit?about=INC-1"),
        (
            "/webhooks/filter",
            "q",
            &id[..7],
            &format!("/webhooks?q={}", &id[..7]),
        ),
        ("/search", "q", "kWh_total", "/search?q=kWh_total"),
    ] {
        let answer = visitor.try_to_send(path, &[(field, text)]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, location)
        );
    }
}
