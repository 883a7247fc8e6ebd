//! Forms as people send them: twice, late, incomplete, and over another member's change.

use serde_json::{Value, json};

use crate::tests::test_app::visitor::{cookie, webhook_form};
use crate::tests::test_app::{Answer, TestApp};

const PASSWORD: &str = "a long enough password";
const TOKEN: [(&str, &str); 3] = [("name", "ci"), ("role", "viewer"), ("expires_days", "")];

/// Key of a page.
fn key(number: usize) -> String {
    format!("{number:032x}")
}

fn is_repeated(answer: &Answer) -> bool {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").ends_with("?done=repeated")
}

/// Path of the form for a sign-in link of a new member.
async fn link_form(app: &TestApp) -> String {
    format!("/members/{}/link", app.member("bob", "viewer").await)
}

/// A double click, F5, and Back with another click: the same form, with the same key.
#[tokio::test]
async fn a_form_that_is_sent_twice_is_done_once() {
    let app = TestApp::new().await;
    let visitor = app.visitor("owner").await;
    for (number, (path, list, fields)) in [
        ("/webhooks/new", "webhooks", webhook_form(&[("name", "ci")])),
        ("/tokens", "tokens", TOKEN.to_vec()),
        ("/members", "members", TOKEN[..2].to_vec()),
    ]
    .into_iter()
    .enumerate()
    {
        let key = key(number);
        let (first, second) = tokio::join!(
            visitor.submit_as(&key, path, &fields),
            visitor.submit_as(&key, path, &fields)
        );
        let third = visitor.submit_as(&key, path, &fields).await;
        let repeated = [&first, &second, &third].map(is_repeated);
        assert_eq!(
            repeated.iter().filter(|repeated| !**repeated).count(),
            1,
            "{path}"
        );
        visitor
            .get(third.header("location"))
            .await
            .assert_page(200, &["Already done."]);
        let names = app.get(&format!("/api/v1/{list}")).await.column("name");
        assert_eq!(names.iter().filter(|name| *name == "ci").count(), 1, "{path}");
        // The same key with another name is another form.
        let other: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, if *name == "name" { "cd" } else { value }))
            .collect();
        assert!(
            !is_repeated(&visitor.submit_as(&key, path, &other).await),
            "{path}"
        );
    }
}

/// The browser drops the answer to the first click, with the cookie that carries the secret: the second answer has it.
#[tokio::test]
async fn a_double_click_loses_no_secret() {
    let app = TestApp::new().await;
    let visitor = app.visitor("owner").await;
    let webhook = app.webhook("old").await;
    let regenerate = format!("/webhooks/{}/regenerate", webhook.handle);
    for (number, (path, fields, secret)) in [
        ("/webhooks/new", &*webhook_form(&[]), "/webhooks/custom/wh_"),
        (&regenerate, &[], "/webhooks/custom/wh_"),
        ("/tokens", &TOKEN, "hgt_"),
        (&link_form(&app).await, &[], "/sign-in/hgl_"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = key(number);
        assert!(
            !is_repeated(&visitor.submit_as(&key, path, fields).await),
            "{path}"
        );
        let second = visitor.submit_as(&key, path, fields).await;
        assert!(is_repeated(&second), "{path}");
        let page = visitor.follow(&second).await;
        assert!(
            page.contains(secret) && page.contains("Already done."),
            "{path}: {page}"
        );
        // The secret has been shown: a third click does not show it again, and names the remedy.
        let third = visitor.submit_as(&key, path, fields).await;
        assert_eq!(third.cookies(), [""; 0], "{path}");
        let page = visitor.page(third.header("location")).await;
        assert!(
            !page.contains(secret) && page.contains("or never saw it"),
            "{path}: {page}"
        );
    }
    assert_eq!(app.get(&webhook.path("")).await.data()["revision"], 2);
}

/// The secret travels in a cookie for its own page only, and a reload does not show it again.
#[tokio::test]
async fn a_secret_is_shown_once_by_a_page_of_its_own() {
    let app = TestApp::new().await;
    let (visitor, other) = (app.visitor("owner").await, app.visitor("admin").await);
    let elsewhere = format!("/webhooks/{}/url", app.webhook("demo").await.handle);
    for (path, fields, secret, remedy) in [
        (
            "/webhooks/new",
            &*webhook_form(&[("signed", "on")]),
            "/webhooks/custom/wh_",
            "regenerate it",
        ),
        ("/tokens", &TOKEN, "hgt_", "revoke it and create another one"),
        (
            &link_form(&app).await,
            &[],
            "/sign-in/hgl_",
            "create another one below",
        ),
    ] {
        let answer = visitor.submit(path, fields).await;
        assert_eq!((answer.status, &*answer.body), (303, ""), "{path}");
        let location = answer.header("location");
        let (pair, attributes) = answer.header("set-cookie").split_once("; ").expect("attributes");
        assert_eq!(
            attributes,
            format!("Path={location}; Max-Age=300; Secure; HttpOnly; SameSite=Strict")
        );
        assert!(!pair.contains("wh_") && !pair.contains(secret), "{pair}");
        // It is bound to its page and to its session.
        assert!(
            !visitor.get_with(&elsewhere, pair).await.body.contains(secret),
            "{path}"
        );
        assert!(
            !other.get_with(location, pair).await.body.contains(secret),
            "{path}"
        );
        let page = visitor.get_with(location, pair).await;
        page.assert_page(200, &[secret]);
        assert_eq!(page.body.contains("whsec_"), path == "/webhooks/new");
        assert_eq!(page.header("cache-control"), "no-store");
        let forgotten = page.header("set-cookie");
        assert!(
            forgotten.contains("once=; ") && forgotten.contains("Max-Age=0"),
            "{forgotten}"
        );
        let reloaded = visitor.page(location).await;
        assert!(
            !reloaded.contains(secret) && reloaded.contains(remedy),
            "{path}: {reloaded}"
        );
    }
}

#[tokio::test]
async fn a_conflict_is_shown_and_overwritten_only_on_purpose() {
    let app = TestApp::new().await.with("if-match", "*");
    let visitor = app.visitor("admin").await;
    let webhook = app.webhook("alerts").await;
    let edit = format!("/webhooks/{}/edit", webhook.handle);
    assert_eq!(visitor.get(&edit).await.value("revision"), "1");
    app.patch(&webhook.path(""), &json!({"allowlist": ["192.0.2.1"]}))
        .await
        .data();

    let mine = webhook_form(&[("name", "alerts"), ("per_minute", "77")]);
    for _ in 0..2 {
        let conflict = visitor.submit(&edit, &mine).await;
        conflict.assert_page(422, &["192.0.2.1", "Overwrite with mine", "changed this", "77"]);
        assert_eq!(conflict.value("revision"), "1", "a second click conflicts again");
        assert_eq!(conflict.value("overwrite"), "2");
    }
    assert_eq!(
        app.get(&webhook.path("")).await.data()["allowlist"],
        json!(["192.0.2.1/32"])
    );
    // Changed once more, before the decision.
    app.patch(&webhook.path(""), &json!({"allowlist": ["192.0.2.2"]}))
        .await
        .data();
    let over = |revision| [&mine[..], &[("overwrite", revision)]].concat();
    visitor
        .submit(&edit, &over("2"))
        .await
        .assert_page(422, &["192.0.2.2"]);
    assert_eq!(visitor.submit(&edit, &over("3")).await.status, 303);
    let shown = app.get(&webhook.path("")).await.data();
    assert_eq!(
        (&shown["per_minute"], &shown["allowlist"]),
        (&json!(77), &Value::Null)
    );
}

#[tokio::test]
async fn a_conflict_about_a_set_is_shown_and_overwritten_only_on_purpose() {
    let app = TestApp::new().await.with("if-match", "*");
    let visitor = app.visitor("admin").await;
    let new = json!({"name": "office", "networks": ["192.0.2.0/24"]});
    app.post("/api/v1/address-sets", &new).await.data();
    let theirs = json!({"networks": ["198.51.100.0/24"]});
    app.patch("/api/v1/address-sets/office", &theirs).await.data();
    let mine = [
        ("networks", "203.0.113.0/24"),
        ("revision", "1"),
        ("overwrite", "2"),
    ];
    for _ in 0..2 {
        let conflict = visitor.submit("/address-sets/office/edit", &mine[..2]).await;
        conflict.assert_page(422, &["198.51.100.0/24", "203.0.113.0/24", "Overwrite with mine"]);
    }
    assert_eq!(
        visitor.submit("/address-sets/office/edit", &mine).await.status,
        303
    );
}

/// A missing field means a broken page or a script, and never permission for everything.
#[tokio::test]
async fn an_absent_field_opens_nothing() {
    let app = TestApp::new().await;
    let visitor = app.visitor("admin").await;
    let new =
        json!({"name": "alerts", "allowlist": ["192.0.2.1"], "per_minute": 7, "payload_logging": false});
    let webhook = app.webhook_like(&new).await;
    let before = app.get(&webhook.path("")).await.data();
    let edit = format!("/webhooks/{}/edit", webhook.handle);
    let whole = webhook_form(&[("name", "alerts"), ("allowlist", "192.0.2.1")]);
    let unsigned: Vec<_> = whole
        .iter()
        .copied()
        .filter(|(name, _)| *name != "signed")
        .collect();
    for (left_out, _) in &whole {
        let fields: Vec<_> = whole
            .iter()
            .copied()
            .filter(|(name, _)| name != left_out)
            .collect();
        if *left_out != "revision" {
            assert_eq!(
                visitor.submit("/webhooks/new", &fields).await.status,
                422,
                "{left_out}"
            );
        }
        let fields: Vec<_> = unsigned
            .iter()
            .copied()
            .filter(|(name, _)| name != left_out)
            .collect();
        if *left_out != "signed" {
            assert_eq!(visitor.submit(&edit, &fields).await.status, 422, "{left_out}");
        }
    }
    let twice = [&unsigned[..], &[("allowlist", "")]].concat();
    assert_eq!(visitor.submit(&edit, &twice).await.status, 422, "two readings");
    let wrong = webhook_form(&[("overload", "never")]);
    assert_eq!(visitor.submit(&edit, &wrong).await.status, 422);
    assert_eq!(app.get(&webhook.path("")).await.data(), before);

    let import = [
        ("name", "hooks"),
        ("provider", "github"),
        ("url", ""),
        ("document", "{}"),
    ];
    assert_eq!(
        visitor.submit("/address-sets", &import).await.status,
        422,
        "no filter"
    );
}

#[tokio::test]
async fn the_least_role_is_chosen_beforehand() {
    let visitor = TestApp::new().await.visitor("owner").await;
    for path in ["/members", "/tokens"] {
        let page = visitor.page(path).await;
        let (_, form) = page.split_once("id=\"f-role\"").expect("a form");
        let form = form.split("</select>").next().expect("an end");
        let options: Vec<_> = form.split("<option").skip(1).collect();
        assert_eq!(
            (options[0], options.len()),
            (" selected>viewer</option>", 4),
            "{path}"
        );
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
        .submit("/members", &[("name", ""), ("role", "operator")])
        .await;
    again.assert_page(422, &["<option selected>operator</option>"]);
}

/// The owner's browser after the session ended, with a password to sign in again.
async fn signed_out(app: &TestApp) -> crate::tests::test_app::visitor::TestVisitor {
    let owner = app.visitor("owner").await;
    let password = [("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(owner.submit("/account/password", &password).await.status, 303);
    owner.submit("/sign-out", &[]).await;
    owner
}

#[tokio::test]
async fn what_was_typed_survives_the_end_of_a_session() {
    let app = TestApp::new().await;
    let owner = signed_out(&app).await;
    let form = webhook_form(&[
        ("name", "Disk <alerts>"),
        ("allowlist", "192.0.2.1\r\n198.51.100.0/24 # office"),
        ("per_minute", "77"),
    ]);
    let page = owner.submit("/webhooks/new", &form).await;
    page.assert_page(401, &["What you typed is kept"]);
    let (kept, path) = (unescaped(page.value("form")), unescaped(page.value("form_path")));
    assert_eq!(path, "/webhooks/new");
    assert!(!kept.contains("csrf") && !kept.contains("once"), "{kept}");
    let sign_in = |password| {
        [
            ("name", "owner"),
            ("password", password),
            ("form_path", &*path),
            ("form", &*kept),
        ]
    };
    let wrong = owner.submit("/sign-in", &sign_in("not this one")).await;
    assert_eq!(
        (wrong.status, unescaped(wrong.value("form"))),
        (422, kept.clone())
    );
    let back = owner.submit("/sign-in", &sign_in(PASSWORD)).await;
    back.assert_page(
        200,
        &[
            "Your session had ended",
            "Disk &#60;alerts&#62;",
            "198.51.100.0/24 # office",
            "value=\"77\"",
        ],
    );
    assert!(cookie(&back).starts_with("__Host-hookgate=hgs_"));
    assert_eq!(
        app.get("/api/v1/webhooks").await.data()["items"],
        json!([]),
        "nothing is saved without a click"
    );
}

#[tokio::test]
async fn neither_secrets_nor_long_forms_are_kept() {
    let app = TestApp::new().await;
    let owner = signed_out(&app).await;
    let secret = [
        ("current", "a secret"),
        ("password", "a secret"),
        ("again", "a secret"),
    ];
    let page = owner.submit("/account/password", &secret).await;
    assert!(page.status == 401 && !page.body.contains("a+secret"), "{page:?}");
    let page = owner
        .submit("/webhooks/new", &[("allowlist", &"x".repeat(21 * 1024))])
        .await;
    page.assert_page(401, &["too large to keep"]);
    // A path on another host is not followed.
    let evil = [
        ("name", "owner"),
        ("password", PASSWORD),
        ("form_path", "//evil.example/webhooks"),
        ("form", ""),
    ];
    let evil = owner.submit("/sign-in", &evil).await;
    assert!(
        evil.status == 200 && !evil.body.contains("evil.example"),
        "{evil:?}"
    );
}

fn unescaped(text: &str) -> String {
    let entities = [
        ("&#38;", "&"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
    ];
    entities.iter().fold(text.to_owned(), |text, (escaped, plain)| {
        text.replace(escaped, plain)
    })
}
