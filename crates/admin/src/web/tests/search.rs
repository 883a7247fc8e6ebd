//! The search box of the console: it finds objects by pasted texts, and a secret never gets into an address.

use serde_json::json;

use crate::tests::test_app::TestApp;

/// The webhook ID at the end of a URL.
fn id_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

#[tokio::test]
async fn the_search_box_knows_the_names_of_things() {
    let app = TestApp::new().await;
    let visitor = app.visitor("viewer").await;
    let webhook = app.webhook("billing alerts").await;
    let sent = app
        .deliver(&webhook, &json!({"title": "Disk full on db1"}))
        .await
        .data();
    let delivery = sent["delivery_id"].as_str().expect("an ID").to_owned();
    let hint = id_of(&webhook.url)[..7].to_owned();
    for (text, path) in [
        ("inc-1", "/incidents/INC-1".to_owned()),
        (&delivery, format!("/deliveries/{delivery}")),
        (&webhook.handle, format!("/webhooks/{}", webhook.handle)),
        ("192.0.2.1", "/logs?source=192.0.2.1%2F32".to_owned()),
        ("disk FULL", "/search?q=disk+FULL".to_owned()),
        (&hint, format!("/search?q={hint}")),
    ] {
        visitor
            .submit("/search", &[("q", text)])
            .await
            .assert_redirect(&path);
        visitor.page(&path).await;
    }
    visitor
        .get("/search?q=disk+FULL")
        .await
        .assert_page(200, &["Disk full on db1"]);
    for query in ["BILLING", &hint] {
        visitor
            .get(&format!("/search?q={query}"))
            .await
            .assert_page(200, &["billing alerts"]);
    }
    visitor
        .get("/search?q=zzz")
        .await
        .assert_page(200, &["Nothing found."]);
    visitor
        .get("/search")
        .await
        .assert_page(200, &["You can search for"]);
}

#[tokio::test]
async fn a_whole_url_leads_to_its_webhook_and_into_no_address() {
    let app = TestApp::new().await;
    let visitor = app.visitor("viewer").await;
    let webhook = app.webhook("leaked").await;
    let (url, page) = (&webhook.url, format!("/webhooks/{}", webhook.handle));
    let live = format!("{page}?done=url-live");
    let masked = format!("curl -d @x '{}'", url.replace("wh_", "wh%5F"));
    for text in [url, id_of(url), &masked] {
        visitor
            .submit("/search", &[("q", text)])
            .await
            .assert_redirect(&live);
    }
    let filter = async |q: &str, state: &str| {
        visitor
            .submit("/webhooks/filter", &[("q", q), ("state", state)])
            .await
    };
    filter(url, "").await.assert_redirect(&live);
    visitor.get(&live).await.assert_page(200, &["and it works"]);
    app.post(&webhook.path("revoke"), &json!({})).await.data();
    visitor
        .submit("/search", &[("q", url)])
        .await
        .assert_redirect(&format!("{page}?done=url-retired"));
    filter("leak", "revoked")
        .await
        .assert_redirect("/webhooks?q=leak&state=revoked");
}

/// A form sends typed text by POST, on every page.
#[test]
fn no_form_puts_what_was_typed_into_the_address() {
    let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../pages/templates");
    let mut forms = 0;
    for entry in std::fs::read_dir(templates).expect("a folder") {
        let path = entry.expect("an entry").path();
        let Ok(page) = std::fs::read_to_string(&path) else {
            continue;
        };
        for form in page.split("<form ").skip(1) {
            forms += 1;
            assert!(form.starts_with("method=\"post\""), "{}", path.display());
        }
    }
    assert!(forms > 20);
}

/// Every form that filters a list, with every secret as typed by mistake: it is not searched for, and is in no address.
#[tokio::test]
async fn what_may_be_a_secret_gets_into_no_address() {
    let app = TestApp::new().await;
    let visitor = app.visitor("admin").await;
    let webhook = app.webhook("leaked").await;
    let id = id_of(&webhook.url).to_owned();
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
        let is_repeated =
            |page: &str| page.contains(&digits[4..30]) || page.contains(&digits.to_uppercase()[4..30]);
        for (path, field, others) in [
            ("/search", "q", &[][..]),
            ("/webhooks/filter", "q", &[("state", "active")]),
            ("/logs/filter", "source", &[("outcome", "refused")]),
            ("/logs/filter", "request_id", &[]),
            ("/logs/filter", "from", &[]),
            ("/audit/filter", "about", &[("what", "token")]),
            ("/audit/filter", "who", &[]),
        ] {
            let answer = visitor.submit(path, &[&[(field, &*text)], others].concat()).await;
            answer.assert_page(422, &["looks like a webhook URL"]);
            assert_eq!(answer.header("location"), "");
            assert!(!is_repeated(&answer.body), "{path} {text}");
        }
        // If it was typed into the address, the page says so, and repeats it in no link.
        let mut query = form_urlencoded::Serializer::new(String::new());
        let page = visitor
            .get(&format!("/audit?{}", query.append_pair("about", &text).finish()))
            .await;
        page.assert_page(200, &["looks like a webhook URL"]);
        assert!(!is_repeated(&page.body), "{text}");
    }
    let whole = visitor.submit("/logs/filter", &[("source", &webhook.url)]).await;
    assert_eq!((whole.status, whole.header("location")), (422, ""));
    let unknown = visitor
        .submit("/search", &[("q", "wh_777777777777777777777777777777774c13vo")])
        .await;
    unknown.assert_page(404, &["No webhook has or had this URL"]);
    let hint = &id[..7];
    for (path, field, text, location) in [
        (
            "/logs/filter",
            "source",
            "192.0.2.0/24",
            "/logs?source=192.0.2.0%2F24",
        ),
        ("/audit/filter", "about", "INC-1", "/audit?about=INC-1"),
        ("/webhooks/filter", "q", hint, &format!("/webhooks?q={hint}")),
        ("/search", "q", "kWh_total", "/search?q=kWh_total"),
    ] {
        visitor
            .submit(path, &[(field, text)])
            .await
            .assert_redirect(location);
    }
}
