//! Console forms as people send them: twice, late, incomplete, and over another member's change.

use hookgate_testkit::https::Http;

use crate::support::Server;
use crate::visitor::ConsoleClient;

const PASSWORD: &str = "a long enough password";

fn webhooks(server: &Server, name: &str) -> usize {
    let items = server.json(&["webhook", "list"])["items"]
        .as_array()
        .unwrap()
        .clone();
    items.iter().filter(|webhook| webhook["name"] == name).count()
}

/// The value of a field of a form on this page.
fn value<'a>(page: &'a str, field: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("name=\"{field}\" value=\"")).unwrap();
    rest.split('"').next().unwrap()
}

/// A double click, F5, and Back with another click: the same form, with the same key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_sent_twice_is_done_once() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    let once = value(&visitor.get("/webhooks/new").await, "once").to_owned();
    let form = [("once", &*once), ("name", "Disk alerts")];
    let (first, second) = tokio::join!(
        visitor.try_to_send("/webhooks/new", &form),
        visitor.try_to_send("/webhooks/new", &form)
    );
    let third = visitor.try_to_send("/webhooks/new", &form).await;
    let done = [&first, &second, &third].map(|answer| {
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.header("location").ends_with("/url?done=repeated")
    });
    assert_eq!(done.iter().filter(|repeated| !**repeated).count(), 1);
    assert_eq!(webhooks(&server, "Disk alerts"), 1);
    let again = visitor.get(third.header("location")).await;
    assert!(again.contains("Already done."), "{again}");
    // The same key with another name is another form.
    let other = [("once", &*once), ("name", "CPU alerts")];
    assert_eq!(visitor.try_to_send("/webhooks/new", &other).await.status, 303);
    assert_eq!(webhooks(&server, "CPU alerts"), 1);

    let handle = server.json(&["webhook", "show", "Disk alerts"])["handle"]
        .as_str()
        .unwrap()
        .to_owned();
    let regenerate = format!("/webhooks/{handle}/regenerate");
    let once = value(&visitor.get(&regenerate).await, "once").to_owned();
    let page = visitor.send(&regenerate, &[("once", &once)]).await.body;
    let url = url_on(&page).to_owned();
    let again = visitor.try_to_send(&regenerate, &[("once", &once)]).await;
    assert!(again.header("location").ends_with("?done=repeated"), "{again:?}");
    assert_eq!(
        server.post(Http::One, &url, r#"{"title":"t"}"#).await.status,
        201,
        "the URL lives"
    );

    for (path, list, fields) in [
        (
            "/tokens",
            "token",
            &[("name", "ci"), ("role", "viewer"), ("expires_days", "30")][..],
        ),
        ("/members", "member", &[("name", "ci"), ("role", "viewer")]),
    ] {
        let once = value(&visitor.get(path).await, "once").to_owned();
        let fields = [fields, &[("once", &*once)]].concat();
        for _ in 0..2 {
            assert_eq!(visitor.try_to_send(path, &fields).await.status, 303, "{path}");
        }
        let items = server.json(&[list, "list"])["items"].as_array().unwrap().clone();
        assert_eq!(
            items.iter().filter(|item| item["name"] == "ci").count(),
            1,
            "{path}"
        );
    }
}

/// The browser drops the answer to the first click, with the cookie that carries the secret: the second answer has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_click_loses_no_secret() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    let member = server.json(&["member", "add", "bob", "--role", "viewer"]);
    let link = format!("/members/{}/link", member["id"].as_str().unwrap());
    let handle = server.json(&["webhook", "create", "old"])["handle"]
        .as_str()
        .unwrap()
        .to_owned();
    let regenerate = format!("/webhooks/{handle}/regenerate");
    let token = [("name", "ci"), ("role", "viewer"), ("expires_days", "")];
    for (number, (path, fields, secret)) in [
        (
            "/webhooks/new",
            &[("name", "alerts"), ("signed", "on")][..],
            "/webhooks/custom/wh_",
        ),
        (&regenerate, &[], "/webhooks/custom/wh_"),
        ("/tokens", &token, "hgt_"),
        (&link, &[], "/sign-in/hgl_"),
    ]
    .into_iter()
    .enumerate()
    {
        let once = format!("{number:032x}");
        let fields = [fields, &[("once", &*once)]].concat();
        let first = visitor.try_to_send(path, &fields).await;
        assert_eq!(first.status, 303, "{path}: {}", first.body);
        let second = visitor.try_to_send(path, &fields).await;
        assert!(second.header("location").ends_with("?done=repeated"), "{path}");
        let pair = second.header("set-cookie").split(';').next().unwrap();
        let page = visitor
            .call_with("GET", second.header("location"), pair, String::new())
            .await;
        assert!(page.body.contains(secret), "{path}: {}", page.body);
        assert!(page.body.contains("Already done."), "{path}");
        // The secret has been shown: a third click does not show it again, and names the remedy.
        let third = visitor.try_to_send(path, &fields).await;
        assert_eq!(third.header("set-cookie"), "", "{path}");
        let page = visitor.get(third.header("location")).await;
        assert!(
            !page.contains(secret) && page.contains("or never saw it"),
            "{path}: {page}"
        );
    }
}

fn url_on(page: &str) -> &str {
    let (_, rest) = page.split_once("aria-labelledby=\"url-h\">").unwrap();
    rest.split('<').next().unwrap()
}

/// The secret travels in a cookie for its own page only, and a reload does not show it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_shown_once_by_a_page_of_its_own() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    let member = server.json(&["member", "add", "bob", "--role", "viewer"]);
    let link = format!("/members/{}/link", member["id"].as_str().unwrap());
    let token = [("name", "ci"), ("role", "viewer"), ("expires_days", "")];
    for (path, fields, secret, again) in [
        (
            "/webhooks/new",
            &[("name", "alerts"), ("signed", "on")][..],
            "/webhooks/custom/wh_",
            "regenerate it",
        ),
        ("/tokens", &token, "hgt_", "revoke it and create another one"),
        (&link, &[], "/sign-in/hgl_", "create another one below"),
    ] {
        let answer = visitor.try_to_send(path, fields).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (303, ""),
            "{path}"
        );
        let location = answer.header("location");
        let cookie = answer.header("set-cookie");
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(
            attributes,
            format!("Path={location}; Max-Age=300; Secure; HttpOnly; SameSite=Strict")
        );
        assert!(!pair.contains("wh_") && !pair.contains(secret), "{pair}");
        let page = visitor.call_with("GET", location, pair, String::new()).await;
        assert!(page.body.contains(secret), "{path}: {}", page.body);
        assert_eq!(page.body.contains("whsec_"), path == "/webhooks/new");
        assert_eq!(page.header("cache-control"), "no-store");
        let forgotten = page.header("set-cookie");
        assert!(
            forgotten.contains("once=; ") && forgotten.contains("Max-Age=0"),
            "{forgotten}"
        );
        let reloaded = visitor.get(location).await;
        assert!(
            !reloaded.contains(secret) && reloaded.contains(again),
            "{path}: {reloaded}"
        );
        // It is bound to its page and to its session.
        let elsewhere = format!(
            "/webhooks/{}/url",
            server.ready["webhook"]["handle"].as_str().unwrap()
        );
        let elsewhere = visitor.call_with("GET", &elsewhere, pair, String::new()).await;
        assert!(!elsewhere.body.contains(secret));
        let other = ConsoleClient::by_link(
            &server,
            server.json(&["sign-in-link", "owner"])["sign_in"]
                .as_str()
                .unwrap(),
        )
        .await;
        let other = other.call_with("GET", location, pair, String::new()).await;
        assert!(other.status == 200 && !other.body.contains(secret), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_is_shown_and_overwritten_only_on_purpose() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    server.create("alerts", &[]);
    let handle = server.json(&["webhook", "show", "alerts"])["handle"]
        .as_str()
        .unwrap()
        .to_owned();
    let edit = format!("/webhooks/{handle}/edit");
    let shown = |field: &str| server.json(&["webhook", "show", "alerts"])[field].clone();
    assert_eq!(value(&visitor.get(&edit).await, "revision"), "1");
    server.json(&["webhook", "edit", "alerts", "--allow", "192.0.2.1"]);

    let mine = [("name", "alerts"), ("revision", "1"), ("per_minute", "77")];
    for _ in 0..2 {
        let conflict = visitor.try_to_send(&edit, &mine).await;
        assert_eq!(conflict.status, 422);
        for text in ["192.0.2.1", "Overwrite with mine", "changed this", "77"] {
            assert!(conflict.body.contains(text), "{text}: {}", conflict.body);
        }
        assert_eq!(
            value(&conflict.body, "revision"),
            "1",
            "a second click conflicts again"
        );
        assert_eq!(value(&conflict.body, "overwrite"), "2");
    }
    assert_eq!(shown("allowlist"), serde_json::json!(["192.0.2.1/32"]));
    // Changed once more, before the decision.
    server.json(&["webhook", "edit", "alerts", "--allow", "192.0.2.2"]);
    let over = [("overwrite", "2"), mine[0], mine[1], mine[2]];
    let conflict = visitor.try_to_send(&edit, &over).await;
    assert!(
        conflict.status == 422 && conflict.body.contains("192.0.2.2"),
        "{}",
        conflict.body
    );
    let over = [("overwrite", "3"), mine[0], mine[1], mine[2]];
    assert_eq!(visitor.try_to_send(&edit, &over).await.status, 303);
    assert_eq!(
        (shown("per_minute"), shown("allowlist")),
        (77.into(), serde_json::Value::Null)
    );

    server.json(&["addresses", "create", "office", "--network", "192.0.2.0/24"]);
    let edit = "/address-sets/office/edit";
    server.json(&["addresses", "edit", "office", "--network", "198.51.100.0/24"]);
    let mine = [("networks", "203.0.113.0/24"), ("revision", "1")];
    for _ in 0..2 {
        let conflict = visitor.try_to_send(edit, &mine).await;
        assert_eq!(conflict.status, 422);
        for text in ["198.51.100.0/24", "203.0.113.0/24", "Overwrite with mine"] {
            assert!(conflict.body.contains(text), "{text}: {}", conflict.body);
        }
    }
    let over = [("overwrite", "2"), mine[0], mine[1]];
    assert_eq!(visitor.try_to_send(edit, &over).await.status, 303);

    let member = server.json(&["member", "add", "bob", "--role", "viewer"]);
    let role = format!("/members/{}/role", member["id"].as_str().unwrap());
    server.json(&["member", "role", "bob", "admin"]);
    let late = visitor
        .try_to_send(&role, &[("role", "operator"), ("was", "viewer")])
        .await;
    assert!(
        late.status == 422 && late.body.contains("changed the role of bob to admin"),
        "{}",
        late.body
    );
    let seen = visitor
        .try_to_send(&role, &[("role", "operator"), ("was", "admin")])
        .await;
    assert_eq!(seen.status, 303);
}

/// A missing field means a broken page or a script, and never permission for everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_field_opens_nothing() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    server.create(
        "alerts",
        &[
            "--allow",
            "192.0.2.1",
            "--per-minute",
            "7",
            "--payload-logging",
            "off",
        ],
    );
    let before = server.json(&["webhook", "show", "alerts"]);
    let handle = before["handle"].as_str().unwrap();
    let whole = [
        ("revision", "1"),
        ("name", "alerts"),
        ("allowlist", "192.0.2.1"),
        ("observe", "off"),
        ("payload_logging", "off"),
        ("body_bytes", "1000"),
        ("per_minute", "7"),
        ("overload", "refuse"),
        ("rotation_days", "90"),
    ];
    for left_out in 0..whole.len() {
        let mut fields = whole.to_vec();
        let (name, _) = fields.remove(left_out);
        let answer = visitor
            .send_as_it_is(&format!("/webhooks/{handle}/edit"), &fields)
            .await;
        assert_eq!(answer.status, 422, "{name}: {}", answer.body);
        if name != "revision" {
            let fields = [&fields[..], &[("signed", "off")]].concat();
            let created = visitor.send_as_it_is("/webhooks/new", &fields).await;
            assert_eq!(created.status, 422, "{name}");
        }
    }
    assert_eq!(
        visitor.send_as_it_is("/webhooks/new", &whole).await.status,
        422,
        "signed"
    );
    let twice = [&whole[..], &[("allowlist", "")]].concat();
    let twice = visitor
        .send_as_it_is(&format!("/webhooks/{handle}/edit"), &twice)
        .await;
    assert_eq!(twice.status, 422, "two readings");
    let wrong = [&whole[..7], &[("overload", "never"), whole[8]]].concat();
    assert_eq!(
        visitor
            .send_as_it_is(&format!("/webhooks/{handle}/edit"), &wrong)
            .await
            .status,
        422
    );
    assert_eq!(server.json(&["webhook", "show", "alerts"]), before);

    for fields in [
        &[("name", "ci"), ("role", "viewer")][..],
        &[("name", "ci"), ("expires_days", "")],
    ] {
        assert_eq!(
            visitor.try_to_send("/tokens", fields).await.status,
            422,
            "{fields:?}"
        );
    }
    let import = [
        ("name", "hooks"),
        ("provider", "github"),
        ("url", ""),
        ("document", "{}"),
    ];
    assert_eq!(
        visitor.try_to_send("/address-sets", &import).await.status,
        422,
        "no filter"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_role_is_chosen_beforehand() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    for path in ["/members", "/tokens"] {
        let page = visitor.get(path).await;
        let (_, form) = page.split_once("id=\"f-role\"").unwrap();
        let form = form.split("</select>").next().unwrap();
        let options: Vec<_> = form.split("<option").skip(1).collect();
        assert!(
            options[0].contains(">viewer<") && options.len() == 4,
            "{options:?}"
        );
        let chosen: Vec<_> = options
            .iter()
            .filter(|option| option.contains(" selected"))
            .collect();
        assert_eq!(chosen, [&" selected>viewer</option>"], "{path}");
        for sentence in [
            "Viewer: read only, no payloads.",
            "Operator: ",
            "Admin: ",
            "Owner: ",
        ] {
            assert!(page.contains(sentence), "{path}: {sentence}");
        }
    }
    // A wrong name keeps the choice.
    let again = visitor
        .try_to_send("/members", &[("name", ""), ("role", "operator")])
        .await;
    assert!(
        again.body.contains("<option selected>operator</option>"),
        "{}",
        again.body
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_survives_the_end_of_a_session() {
    let server = Server::start();
    let owner = ConsoleClient::sign_in(&server).await;
    let password = [("password", PASSWORD), ("again", PASSWORD)];
    owner.send("/account/password", &password).await;
    owner.send("/sign-out", &[]).await;
    let form = [
        ("name", "Disk <alerts>"),
        ("allowlist", "192.0.2.1\r\n198.51.100.0/24 # office"),
        ("per_minute", "77"),
    ];
    let page = owner.try_to_send("/webhooks/new", &form).await;
    assert_eq!(page.status, 401);
    assert!(page.body.contains("What you typed is kept"), "{}", page.body);
    let (kept, path) = (
        unescaped(value(&page.body, "form")),
        unescaped(value(&page.body, "form_path")),
    );
    assert_eq!(path, "/webhooks/new");
    assert!(!kept.contains("csrf") && !kept.contains("once"), "{kept}");

    let wrong = [
        ("name", "owner"),
        ("password", "not this one"),
        ("form_path", &*path),
        ("form", &*kept),
    ];
    let wrong = owner.try_to_send("/sign-in", &wrong).await;
    assert!(
        wrong.status == 422 && unescaped(value(&wrong.body, "form")) == kept,
        "{}",
        wrong.body
    );
    let right = [
        ("name", "owner"),
        ("password", PASSWORD),
        ("form_path", &*path),
        ("form", &*kept),
    ];
    let back = owner.try_to_send("/sign-in", &right).await;
    assert_eq!(back.status, 200);
    for text in [
        "Your session had ended",
        "Disk &#60;alerts&#62;",
        "198.51.100.0/24 # office",
        "value=\"77\"",
    ] {
        assert!(back.body.contains(text), "{text}: {}", back.body);
    }
    assert!(back.header("set-cookie").starts_with("__Host-hookgate=hgs_"));
    assert_eq!(
        webhooks(&server, "Disk <alerts>"),
        0,
        "nothing is saved without a click"
    );

    // Secrets are not kept, and neither is what is too long.
    let secret = [
        ("current", "a secret"),
        ("password", "a secret"),
        ("again", "a secret"),
    ];
    let page = owner.try_to_send("/account/password", &secret).await;
    assert!(
        page.status == 401 && !page.body.contains("a+secret"),
        "{}",
        page.body
    );
    let long = "x".repeat(21 * 1024);
    let page = owner.try_to_send("/webhooks/new", &[("allowlist", &long)]).await;
    assert!(
        page.status == 401 && page.body.contains("too large to keep"),
        "{}",
        page.body
    );
    // A path on another host is not followed.
    let evil = [
        ("name", "owner"),
        ("password", PASSWORD),
        ("form_path", "//evil.example/webhooks"),
        ("form", ""),
    ];
    let evil = owner.try_to_send("/sign-in", &evil).await;
    assert!(
        !evil.body.contains("evil.example") && evil.status == 200,
        "{evil:?}"
    );
}

/// A form of another session of the same browser is shown again, not refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_another_session_is_shown_again() {
    let server = Server::start();
    let visitor = ConsoleClient::sign_in(&server).await;
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("csrf", "an older one"),
            ("once", "1"),
            ("name", "Disk alerts"),
            ("per_minute", "77"),
        ])
        .finish();
    let answer = visitor.call("POST", "/webhooks/new", body).await;
    assert_eq!(answer.status, 403);
    for text in [
        "submit it again",
        "value=\"Disk alerts\"",
        "value=\"77\"",
        "class=\"top\"",
    ] {
        assert!(answer.body.contains(text), "{text}: {}", answer.body);
    }
    assert_eq!(webhooks(&server, "Disk alerts"), 0);
}

fn unescaped(text: &str) -> String {
    [
        ("&#38;", "&"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escaped, plain)| {
        text.replace(escaped, plain)
    })
}
