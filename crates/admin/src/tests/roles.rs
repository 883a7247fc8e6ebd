//! Every route of the admin API and of the console with every role, and with none. A route without a row fails the test.

mod maker;
mod matrix;
mod withheld;

use std::collections::BTreeSet;

use hyper::Method;
use serde_json::{Value, json};

use crate::tests::test_app::visitor::webhook_form;
use crate::tests::test_app::{Answer, TestApp};
use maker::Maker;
use matrix::{ANYBODY, API, CONSOLE, ROLES, Row};

/// The console's routes exist only in its code.
const CONSOLE_ROUTES: &str = include_str!("../web/router.rs");
/// The forms that filter lists have a table of their own.
const LIST_FORMS: &str = include_str!("../web/list_forms.rs");

#[tokio::test]
async fn every_endpoint_asks_for_the_role_it_needs() {
    let maker = Maker::new().await;
    let app = maker.app.with("if-match", "\"1\"");
    let document = app.get("/api/openapi.json").await.json();
    let methods = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("methods").keys();
        methods
            .map(|method| (method.to_uppercase(), path.clone()))
            .collect::<Vec<_>>()
    };
    let paths = document["paths"].as_object().expect("paths");
    let documented = paths.iter().flat_map(methods).collect();
    assert_eq!(
        routes_of(API, str::to_owned),
        documented,
        "every endpoint has a row"
    );

    let mut callers = vec![("nobody", app.bearer("hgt_nobody"))];
    for role in ROLES {
        callers.push((role, app.role(role).await));
    }
    for row @ (method, _, lowest, _, status) in API {
        for (role, app) in &callers {
            let (path, body) = maker.fill(row).await;
            let answer = app.send(method_of(method), &path, &body).await;
            let expected = match *role {
                "nobody" => 401,
                role if reaches(role, lowest) => *status,
                _ => 403,
            };
            assert_eq!(answer.status, expected, "{role}: {method} {path}: {answer:?}");
            is_protected(&answer);
        }
    }
}

#[tokio::test]
async fn every_page_and_form_asks_for_the_role_it_needs() {
    let without_names = |path: &str| {
        let parts = path
            .split('/')
            .map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let rows = routes_of(CONSOLE, without_names);
    assert_eq!(rows, console_routes(), "every page and form has a row");

    let maker = Maker::new().await;
    let mut visitors = vec![("nobody", maker.app.stranger())];
    for role in ROLES {
        visitors.push((role, maker.app.visitor(role).await));
    }
    for row @ (method, _, lowest, _, status) in CONSOLE {
        for (role, visitor) in &visitors {
            let (path, body) = maker.fill(row).await;
            let answer = match *method {
                // The stream has no end, so its body is not read.
                "GET" if path.ends_with("/live") => visitor.open(&path).await.head,
                "GET" => visitor.get(&path).await,
                _ => visitor.submit(&path, &form(&path, &body)).await,
            };
            let shown = format!("{role}: {method} {path}: {answer:?}");
            is_protected(&answer);
            if *role == "nobody" && *lowest != ANYBODY {
                // A form is kept until its sender has signed in.
                let is_kept = *method == "POST" && path != "/sign-out";
                assert_eq!(answer.status, if is_kept { 401 } else { 303 }, "{shown}");
                let leads_to_sign_in = answer.header("location").starts_with("/sign-in");
                assert!(
                    leads_to_sign_in || answer.body.contains("name=\"form_path\""),
                    "{shown}"
                );
            } else {
                let expected = if reaches(role, lowest) { *status } else { 403 };
                assert_eq!(answer.status, expected, "{shown}");
            }
        }
    }
}

/// Acts that only owners may do, because they concern an owner: the role of the route is not the only rule.
#[tokio::test]
async fn only_an_owner_touches_an_owner() {
    let maker = Maker::new().await;
    for (role, may) in [("admin", false), ("owner", true)] {
        let app = maker.app.role(role).await;
        let owner = async || {
            let id = maker.app.member(&maker.fresh(), "owner").await;
            format!("/api/v1/members/{id}")
        };
        let new = json!({"name": maker.fresh(), "role": "owner"});
        let answers = [
            app.patch(&owner().await, &json!({"role": "viewer"})).await,
            app.delete(&owner().await).await,
            app.post("/api/v1/members", &new).await,
            app.post("/api/v1/tokens", &new).await,
        ];
        for answer in answers {
            assert_eq!(answer.status < 300, may, "{role}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn machines_that_watch_need_no_role() {
    let app = TestApp::new().await.with("authorization", "none");
    for path in ["/healthz", "/readyz", "/metrics", "/api/openapi.json"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        is_protected(&answer);
    }
}

fn method_of(name: &str) -> Method {
    name.parse().expect("a method")
}

/// The fields of a row's form. Those of a webhook are completed.
fn form<'a>(path: &str, body: &'a str) -> Vec<(&'a str, &'a str)> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let fields: Vec<_> = pairs.collect();
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_webhooks =
        path.starts_with("/webhooks") && ["webhooks", "new", "edit", "preview", "suggest"].contains(&last);
    if is_webhooks {
        webhook_form(&fields)
    } else {
        fields
    }
}

fn reaches(role: &str, lowest: &str) -> bool {
    let rank = |role: &str| ROLES.iter().position(|known| *known == role);
    lowest == ANYBODY || rank(role) >= rank(lowest)
}

/// Headers of every console answer: no framing, no sniffing, no foreign scripts, and no plain HTTP.
fn is_protected(answer: &Answer) {
    for (name, part) in [
        ("strict-transport-security", "max-age=31536000"),
        ("content-security-policy", "default-src 'none'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert!(answer.header(name).contains(part), "{name}: {answer:?}");
    }
}

fn routes_of(rows: &[Row], path: impl Fn(&str) -> String) -> BTreeSet<(String, String)> {
    rows.iter().map(|row| (row.0.to_owned(), path(row.1))).collect()
}

/// The routes in the code of the console: one slice pattern per line, in three functions.
fn console_routes() -> BTreeSet<(String, String)> {
    let forms = LIST_FORMS
        .lines()
        .filter_map(|line| line.trim().strip_prefix("form: &["));
    let words = |form: &str| {
        let words: Vec<_> = form.split('"').skip(1).step_by(2).collect();
        format!("/{}", words.join("/"))
    };
    let mut routes: BTreeSet<_> = forms.map(|form| ("POST".to_owned(), words(form))).collect();
    let mut method = "";
    for line in CONSOLE_ROUTES.lines() {
        match line.split('<').next().unwrap_or_default() {
            "async fn route" => method = "by the guard",
            "async fn show" => method = "GET",
            "async fn act" => method = "POST",
            _ => {}
        }
        let Some((pattern, _)) = line
            .trim()
            .split_once(" =>")
            .filter(|(pattern, _)| pattern.starts_with('['))
        else {
            continue;
        };
        let (pattern, method) = match pattern.strip_suffix(" if reading") {
            Some(pattern) => (pattern, "GET"),
            None if method == "by the guard" => (pattern, "POST"),
            None => (pattern, method),
        };
        for pattern in pattern.split(" | [") {
            let parts = pattern.trim_start_matches('[').trim_end_matches(']').split(", ");
            let paths = parts.fold(vec![String::new()], |paths, part| {
                let words: Vec<&str> = match part.split('"').skip(1).step_by(2).collect::<Vec<_>>() {
                    words if words.is_empty() => vec!["{}"],
                    words => words,
                };
                paths
                    .iter()
                    .flat_map(|path| words.iter().map(move |word| format!("{path}/{word}")))
                    .collect()
            });
            routes.extend(paths.into_iter().map(|path| (method.to_owned(), path)));
        }
    }
    routes
}
