//! Every route of the admin API and of the console with every role, and with none. A route without a row fails the test.

mod maker;
mod matrix;
mod withheld;

use std::collections::BTreeSet;

use hookgate_testkit::https::{Answer, Full, Http, Request};
use serde_json::{Value, json};

use crate::program::Program;
use crate::support::Server;
use crate::visitor::ConsoleClient;
use maker::Maker;
use matrix::{ANYBODY, API, CONSOLE, ROLES, Row};

/// The console's routes exist only in its code.
const CONSOLE_ROUTES: &str = include_str!("../../../../crates/admin/src/web/router.rs");
/// The forms that filter lists have a table of their own.
const LIST_FORMS: &str = include_str!("../../../../crates/admin/src/web/list_forms.rs");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_asks_for_the_role_it_needs() {
    let server = Server::start();
    let maker = Maker::new(&server);
    let nobody = Program::with(&server, "hgt_nobody");
    let callers = ROLES.map(|role| (role, Program::new(&server, role)));
    let document = maker.owner.call("GET", "/api/openapi.json", None, &[]).await;
    let document: Value = serde_json::from_str(&document.body).unwrap();
    let methods = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().keys();
        methods
            .map(|method| (method.to_uppercase(), path.clone()))
            .collect::<Vec<_>>()
    };
    let documented = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(methods)
        .collect();
    assert_eq!(
        routes_of(API, str::to_owned),
        documented,
        "every endpoint has a row"
    );

    for row @ (method, _, lowest, _, status) in API {
        for (role, program) in [("nobody", &nobody)]
            .into_iter()
            .chain(callers.iter().map(|(role, it)| (*role, it)))
        {
            let (path, body) = maker.fill(row).await;
            let body = (!body.is_empty()).then(|| serde_json::from_str(&body).unwrap());
            let answer = program.call(method, &path, body, &[("if-match", "\"1\"")]).await;
            let expected = match () {
                () if role == "nobody" => 401,
                () if reaches(role, lowest) => *status,
                () => 403,
            };
            assert_eq!(
                answer.status, expected,
                "{role}: {method} {path}: {}",
                answer.body
            );
            is_protected(&answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_and_form_asks_for_the_role_it_needs() {
    let server = Server::start();
    let maker = Maker::new(&server);
    let without_names = |path: &str| {
        path.split('/')
            .map(|part| if part.starts_with('{') { "{}" } else { part })
            .collect::<Vec<_>>()
            .join("/")
    };
    assert_eq!(
        routes_of(CONSOLE, without_names),
        console_routes(),
        "every page and form has a row"
    );

    let mut visitors = vec![("nobody", ConsoleClient::nobody(&server))];
    for role in ROLES {
        visitors.push((
            role,
            ConsoleClient::by_link(&server, &maker.member(role).await.1).await,
        ));
    }
    for row @ (method, _, lowest, _, status) in CONSOLE {
        for (role, visitor) in &visitors {
            let (path, body) = maker.fill(row).await;
            let answer = match *method {
                // The stream has no end; the reader ends it.
                "GET" if path.ends_with("/live") => begin_to_read(&server, visitor, &path).await,
                "GET" => visitor.call("GET", &path, String::new()).await,
                _ => {
                    let fields: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
                    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
                    visitor.try_to_send(&path, &fields).await
                }
            };
            let shown = format!("{role}: {method} {path}: {}", answer.body);
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
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_owner_touches_an_owner() {
    let server = Server::start();
    let maker = Maker::new(&server);
    for (role, may) in [("admin", false), ("owner", true)] {
        let program = Program::new(&server, role);
        for (method, part, body) in [
            ("PATCH", "", json!({"role": "viewer"})),
            ("DELETE", "", json!(null)),
        ] {
            let path = format!("/api/v1/members/{}{part}", maker.member("owner").await.0);
            let answer = program
                .call(method, &path, (!body.is_null()).then_some(body), &[])
                .await;
            assert_eq!(
                answer.status.is_success(),
                may,
                "{role}: {method} {path}: {}",
                answer.body
            );
        }
        for kind in ["members", "tokens"] {
            let body = json!({"name": maker.fresh(), "role": "owner"});
            let answer = program.post(&format!("/api/v1/{kind}"), body).await;
            assert_eq!(answer.status.is_success(), may, "{role}: {kind}: {}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_that_watch_need_no_role() {
    let server = Server::start();
    for path in ["/healthz", "/readyz", "/metrics", "/api/openapi.json"] {
        let request = Request::get(format!("{}{path}", server.console()));
        let answer = server
            .send(Http::One, request.body(Full::default()).unwrap())
            .await;
        assert_eq!(answer.status, 200, "{path}");
        is_protected(&answer);
    }
}

/// The head of an endless answer.
async fn begin_to_read(server: &Server, visitor: &ConsoleClient<'_>, path: &str) -> Answer {
    let request = Request::get(format!("{}{path}", server.console()))
        .header("cookie", format!("__Host-hookgate={}", visitor.session()));
    server
        .client
        .head(request.body(Full::default()).unwrap())
        .await
        .unwrap()
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
        assert!(answer.header(name).contains(part), "{name}: {:?}", answer.headers);
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
