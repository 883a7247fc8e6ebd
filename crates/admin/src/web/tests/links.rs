//! Links into the console: kept with their query over a sign-in, with added parameters, malformed, and to missing objects.

use hookgate_domain::invisible::characters;
use serde_json::json;

use crate::tests::test_app::TestApp;

const PASSWORD: &str = "a long enough password";

#[tokio::test]
async fn a_deep_link_keeps_its_query_over_a_sign_in() {
    let app = TestApp::new().await;
    let owner = app.visitor("owner").await;
    owner
        .submit(
            "/account/password",
            &[("password", PASSWORD), ("again", PASSWORD)],
        )
        .await;
    let stranger = app.stranger();
    let sign_in = async |next: &str| {
        let fields = [("name", "owner"), ("password", PASSWORD), ("next", next)];
        stranger.submit("/sign-in", &fields).await
    };
    for path in [
        "/logs?outcome=refused&code=INVALID_JSON",
        "/logs/export?format=csv&outcome=refused",
        "/incidents?status=open",
        "/webhooks/hk_x/edit?add=203.0.113.9",
        "/webhooks?q=a%26b%20c",
    ] {
        let answer = stranger.get(path).await;
        let page = stranger.get(answer.header("location")).await;
        let next = page.value("next").replace("&#38;", "&");
        assert_eq!(next, path);
        sign_in(&next).await.assert_redirect(path);
    }
    let long = format!("/logs?code={}", "x".repeat(4_000));
    stranger.get(&long).await.assert_redirect("/sign-in");
    assert_eq!(stranger.get("/sign-in?utm_source=mail").await.status, 200);
    for next in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
    ] {
        sign_in(next).await.assert_redirect("/webhooks");
    }
}

#[tokio::test]
async fn parameters_that_nobody_knows_are_ignored_and_wrong_ones_are_told() {
    let app = TestApp::new().await;
    let webhook = app.webhook("demo").await;
    app.deliver(&webhook, &json!({"title": "Disk full"})).await.data();
    let visitor = app.visitor("admin").await;
    let page = format!("/webhooks/{}", webhook.handle);
    let edit = format!("{page}/edit");
    for path in [
        "/webhooks",
        "/logs",
        "/incidents",
        "/audit",
        "/members",
        "/tokens",
        "/account",
        "/address-sets",
        &page,
        &edit,
    ] {
        let decorated = visitor
            .page(&format!("{path}?utm_source=mail&fbclid=x&utm_source=y"))
            .await;
        assert!(
            !decorated.contains("utm_source") && !decorated.contains("role=\"alert\""),
            "{path}"
        );
    }
    for (path, name, rest) in [
        ("/incidents?status=nonsense", "status", "INC-1"),
        ("/incidents?cursor=nonsense&status=open", "cursor", "INC-1"),
        ("/webhooks?cursor=nonsense", "cursor", "demo"),
        ("/logs?cursor=nonsense", "cursor", "INC-1"),
        (&format!("{page}?range=nonsense"), "range", "INC-1"),
        ("/incidents?status=open&status=resolved", "status", "INC-1"),
    ] {
        let told = format!("for &#34;{name}&#34;");
        visitor
            .get(path)
            .await
            .assert_page(200, &["role=\"alert\"", &told, rest]);
    }
    let id = webhook.url.rsplit('/').next().expect("an ID");
    let page = visitor.page(&format!("/incidents?status={id}")).await;
    assert!(
        !page.contains("wh_"),
        "a secret in a link is not repeated: {page}"
    );
}

#[tokio::test]
async fn an_error_keeps_the_frame_and_says_the_way_back() {
    let app = TestApp::new().await;
    let visitor = app.visitor("viewer").await;
    for (path, sentence, back) in [
        (
            "/incidents/INC-999",
            "There is no incident INC-999.",
            "Back to incidents",
        ),
        (
            "/incidents/nonsense",
            "There is no such incident.",
            "Back to incidents",
        ),
        (
            "/webhooks/nonsense",
            "There is no such webhook.",
            "Back to webhooks",
        ),
        (
            "/deliveries/nonsense",
            "There is no such delivery.",
            "Back to deliveries",
        ),
        (
            "/address-sets/nonsense",
            "There is no such address set.",
            "Back to address sets",
        ),
        (
            "/nonsense",
            "There is no page at this address.",
            "Back to webhooks",
        ),
    ] {
        let answer = visitor.get(path).await;
        answer.assert_page(404, &[sentence, back, "class=\"skip\"", "aria-label=\"Main\""]);
        assert!(!answer.body.contains("/nonsense"), "the path is not repeated");
    }
    visitor
        .get("/webhooks/new")
        .await
        .assert_page(403, &["You need the admin role", "class=\"skip\""]);
    let elsewhere = app.with("host", "console.example.org").get("/webhooks").await;
    elsewhere.assert_page(421, &["console.public_url"]);
}

#[tokio::test]
async fn no_page_holds_a_hidden_character() {
    let app = TestApp::new().await;
    let (visitor, stranger) = (app.visitor("owner").await, app.stranger());
    let assert_is_clean = |path: &str, page: &str| {
        let is_hidden = |(c, is_hidden): (char, bool)| is_hidden && !"\n\t".contains(c);
        assert!(!characters(page).any(is_hidden), "{path}: {page}");
    };
    let hidden = "%E2%80%AE%1B%C2%9B%E2%81%A6x";
    for path in [
        "/logs?source=",
        "/logs?webhook=",
        "/audit?who=",
        "/search?q=",
        "/incidents?q=",
    ] {
        let page = visitor.page(&format!("{path}{hidden}")).await;
        assert_is_clean(path, &page);
    }
    for next in [
        hidden,
        "%2Flogs%3Fsource%3D%E2%80%AE",
        "%2Flogs%3Fsource%3D%25E2%2580%25AE",
    ] {
        let page = stranger.page(&format!("/sign-in?next={next}")).await;
        assert_is_clean(next, &page);
        assert_eq!(
            page.contains("name=\"next\""),
            next.contains("%25"),
            "{next}: {page}"
        );
    }
}
