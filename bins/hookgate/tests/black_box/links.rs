//! Links into the console: kept with their query over a sign-in, with added parameters, malformed, and to missing objects.

use hookgate_testkit::https::Http;

use crate::support::Server;
use crate::visitor::ConsoleClient;

const PASSWORD: &str = "a long enough password";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deep_link_keeps_its_query_over_a_sign_in() {
    let server = Server::start();
    let owner = ConsoleClient::sign_in(&server).await;
    let password = [("password", PASSWORD), ("again", PASSWORD)];
    owner.send("/account/password", &password).await;
    let nobody = ConsoleClient::nobody(&server);
    let handle = server.ready["webhook"]["handle"].as_str().unwrap();
    for path in [
        "/logs?outcome=refused&code=INVALID_JSON",
        "/logs/export?format=csv&outcome=refused",
        "/incidents?status=open",
        &format!("/webhooks/{handle}/edit?add=203.0.113.9"),
        "/webhooks?q=a%26b%20c",
    ] {
        let answer = nobody.call("GET", path, String::new()).await;
        let sign_in = answer.header("location").to_owned();
        let page = nobody.get(&sign_in).await;
        let (_, next) = page.split_once("name=\"next\" value=\"").unwrap();
        let next = next.split('"').next().unwrap().replace("&#38;", "&");
        assert_eq!(next, path);
        let fields = [("name", "owner"), ("password", PASSWORD), ("next", &*next)];
        let answer = nobody.try_to_send("/sign-in", &fields).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, path));
    }
    let long = format!("/logs?code={}", "x".repeat(4_000));
    let answer = nobody.call("GET", &long, String::new()).await;
    assert_eq!(answer.header("location"), "/sign-in");
    assert_eq!(
        nobody
            .call("GET", "/sign-in?utm_source=mail", String::new())
            .await
            .status,
        200
    );
    for next in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
    ] {
        let fields = [("name", "owner"), ("password", PASSWORD), ("next", next)];
        let answer = nobody.try_to_send("/sign-in", &fields).await;
        assert_eq!(answer.header("location"), "/webhooks", "{next}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_that_nobody_knows_are_ignored_and_wrong_ones_are_told() {
    let server = Server::start();
    server
        .post(Http::One, &server.demo_url(), r#"{"title":"Disk full"}"#)
        .await;
    server.deliveries(|items| items.len() == 1).await;
    let visitor = ConsoleClient::sign_in(&server).await;
    let handle = server.ready["webhook"]["handle"].as_str().unwrap();
    let pages = [
        "/webhooks",
        "/logs",
        "/incidents",
        "/audit",
        "/members",
        "/tokens",
        "/account",
        "/address-sets",
    ];
    let pages = pages
        .map(str::to_owned)
        .into_iter()
        .chain(["", "/edit"].map(|part| format!("/webhooks/{handle}{part}")));
    for page in pages {
        let decorated = visitor
            .get(&format!("{page}?utm_source=mail&fbclid=x&utm_source=y"))
            .await;
        assert!(
            !decorated.contains("utm_source") && !decorated.contains("role=\"alert\""),
            "{page}"
        );
    }
    for (path, name, rest) in [
        ("/incidents?status=nonsense", "status", "INC-1"),
        ("/incidents?cursor=nonsense&status=open", "cursor", "INC-1"),
        ("/webhooks?cursor=nonsense", "cursor", "demo"),
        ("/logs?cursor=nonsense", "cursor", "INC-1"),
        (&format!("/webhooks/{handle}?range=nonsense"), "range", "INC-1"),
        ("/incidents?status=open&status=resolved", "status", "INC-1"),
    ] {
        let page = visitor.get(path).await;
        assert!(page.contains("role=\"alert\""), "{path}: {page}");
        let told = format!("for &#34;{name}&#34;");
        assert!(page.contains(&told), "{path}: {page}");
        assert!(page.contains(rest), "{path}: the rest of the page is there");
    }
    let page = visitor
        .get(&format!(
            "/incidents?status={}",
            server.demo_url().rsplit('/').next().unwrap()
        ))
        .await;
    assert!(
        !page.contains("wh_"),
        "a secret in a link is not repeated: {page}"
    );
    // With a wrong filter the export is refused: a file with more rows than asked for could be taken for the right one.
    let export = visitor
        .call("GET", "/logs/export?outcome=nonsense", String::new())
        .await;
    assert_eq!(export.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_keeps_the_frame_and_says_the_way_back() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
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
        let answer = visitor.call("GET", path, String::new()).await;
        assert_eq!(answer.status, 404, "{path}");
        for text in [sentence, back, "class=\"skip\"", "aria-label=\"Main\""] {
            assert!(answer.body.contains(text), "{path}: {text}: {}", answer.body);
        }
        assert!(!answer.body.contains("/nonsense"), "the path is not repeated");
    }
    let link = server.json(&["member", "add", "bob", "--role", "viewer"])["sign_in"].clone();
    let viewer = ConsoleClient::by_link(&server, link.as_str().unwrap()).await;
    let refused = viewer.call("GET", "/webhooks/new", String::new()).await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.body.contains("You need the admin role"),
        "{}",
        refused.body
    );
    let elsewhere = hookgate_testkit::https::Request::get(format!("{}/webhooks", server.console()))
        .header("host", "console.example.org")
        .body(hookgate_testkit::https::Full::default())
        .unwrap();
    let elsewhere = server.send(Http::One, elsewhere).await;
    assert!(
        elsewhere.status == 421 && elsewhere.body.contains("console.public_url"),
        "{elsewhere:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_acknowledge_at_once_the_second_is_told_kindly() {
    let server = Server::start();
    server
        .post(Http::One, &server.demo_url(), r#"{"title":"Disk full"}"#)
        .await;
    let ada = ConsoleClient::sign_in(&server).await;
    let link = server.json(&["member", "add", "Olga", "--role", "operator"])["sign_in"].clone();
    let olga = ConsoleClient::by_link(&server, link.as_str().unwrap()).await;
    olga.send("/incidents/INC-1/acknowledge", &[]).await;
    let late = ada.send("/incidents/INC-1/acknowledge", &[]).await;
    let page = ada.get(late.header("location")).await;
    assert!(
        page.contains("Olga acknowledged this ") && page.contains(" s ago."),
        "{page}"
    );
    let again = olga.send("/incidents/INC-1/acknowledge", &[]).await;
    let page = olga.get(again.header("location")).await;
    assert!(page.contains("You acknowledged this "), "{page}");
}
