//! Every act of the console is also possible with the admin API and on the command line, with the same outcome. Only
//! passwords and sessions belong to the console alone.

use std::collections::HashSet;

use hookgate_testkit::https::Http;
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::program::{Program, data};
use crate::support::visitor::ConsoleClient;

/// The interface for an act.
enum Installation<'a> {
    Console(ConsoleClient<'a>),
    Api(Program<'a>),
    CommandLine,
}

/// Does every act through one interface.
struct Hand<'a> {
    server: &'a Server,
    place: Installation<'a>,
}

impl<'a> Hand<'a> {
    async fn all(server: &'a Server) -> [Self; 3] {
        [
            Installation::Console(ConsoleClient::sign_in(server).await),
            Installation::Api(Program::new(server, "owner")),
            Installation::CommandLine,
        ]
        .map(|place| Self { server, place })
    }

    const fn name(&self) -> &'static str {
        match self.place {
            Installation::Console(_) => "console",
            Installation::Api(_) => "api",
            Installation::CommandLine => "command line",
        }
    }

    /// Makes a change with a form of the console, a request, or a command. Returns the answer.
    async fn act(&self, form: Form<'_>, request: Request<'_>, command: &[&str]) -> String {
        match &self.place {
            Installation::Console(visitor) => visitor.send(form.0, form.1).await.body,
            Installation::Api(program) => {
                let (method, path, body) = request;
                let tag = program.call("GET", path, None, &[]).await;
                let tag = tag.headers.get("etag").and_then(|tag| tag.to_str().ok());
                let headers: Vec<_> = tag.map(|tag| ("if-match", tag)).into_iter().collect();
                let answer = program.call(method, path, body, &headers).await;
                assert!(answer.status.is_success(), "{path}: {}", answer.body);
                data(&answer).to_string()
            }
            Installation::CommandLine => self.server.json(command).to_string(),
        }
    }

    /// Reads a page of the console, a path, or a command's output, and checks that it contains these words.
    async fn look(&self, page: &str, path: &str, command: &[&str], words: &[&str]) {
        let text = match &self.place {
            Installation::Console(visitor) => visitor.get(page).await,
            Installation::Api(program) => program.get(path).await.to_string(),
            Installation::CommandLine => self.server.json(command).to_string(),
        };
        for word in words {
            assert!(
                text.contains(word),
                "{}: {word} is not in {page}: {text}",
                self.name()
            );
        }
    }
}

type Form<'a> = (&'a str, &'a [(&'a str, &'a str)]);
type Request<'a> = (&'a str, &'a str, Option<Value>);

/// The URL in an answer.
fn url(said: &str) -> String {
    let start = said.find("https://localhost").unwrap();
    let end = said[start..]
        .find(|c: char| !(c.is_ascii_alphanumeric() || ":/._-".contains(c)))
        .unwrap();
    said[start..start + end].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::too_many_lines,
    reason = "it is the table of all that is done with webhooks"
)]
async fn webhooks_are_managed_everywhere() {
    let server = Server::start();
    for hand in Hand::all(&server).await {
        let name = hand.name();
        let settings = [
            ("name", name),
            ("allowlist", ""),
            ("payload_logging", "on"),
            ("body_bytes", "1000"),
            ("overload", "refuse"),
            ("rotation_days", "90"),
        ];
        let body = json!({"name": name, "max_body": 1000});
        let command = ["webhook", "create", name, "--max-body", "1000"];
        let first = url(&hand
            .act(
                ("/webhooks/new", &settings),
                ("POST", "/api/v1/webhooks", Some(body)),
                &command,
            )
            .await);
        let made = server.json(&["webhook", "show", name]);
        let handle = made["handle"].as_str().unwrap();
        assert_eq!(made["max_body"], 1000, "{name}");
        assert_eq!(
            server.post(Http::One, &first, r#"{"title":"a"}"#).await.status,
            201,
            "{name}"
        );

        let path = format!("/api/v1/webhooks/{handle}");
        let page = format!("/webhooks/{handle}");
        let preview = (format!("{page}/preview"), format!("{path}/allowlist/preview"));
        let body = json!({"allowlist": ["192.0.2.0/24"], "days": 30});
        let command = [
            "webhook",
            "preview",
            name,
            "--allow",
            "192.0.2.0/24",
            "--days",
            "30",
        ];
        let fields = [("allowlist", "192.0.2.0/24"), ("days", "30")];
        let said = hand
            .act((&preview.0, &fields), ("POST", &preview.1, Some(body)), &command)
            .await;
        assert!(said.contains("127.0.0.1"), "{name}: {said}");
        assert!(
            said.contains("1 sender from the last 30 days (1 delivery) would be refused.")
                || (said.contains(r#""senders":1"#) && said.contains(r#""deliveries":1"#)),
            "{name}: {said}"
        );

        let edited = [
            ("name", name),
            ("allowlist", "192.0.2.0/24"),
            ("body_bytes", "2000"),
            ("overload", "postpone"),
            ("per_minute", "7"),
            ("rotation_days", ""),
        ];
        let body = json!({"allowlist": ["192.0.2.0/24"], "max_body": 2000, "overload": 503, "per_minute": 7, "payload_logging": false, "rotation_days": null});
        let command = [
            "webhook",
            "edit",
            name,
            "--allow",
            "192.0.2.0/24",
            "--max-body",
            "2000",
            "--overload",
            "503",
            "--per-minute",
            "7",
            "--payload-logging",
            "off",
            "--rotation-days",
            "0",
        ];
        hand.act(
            (&format!("{page}/edit"), &edited),
            ("PATCH", &path, Some(body)),
            &command,
        )
        .await;
        let now = server.json(&["webhook", "show", name]);
        let set = [
            "allowlist",
            "max_body",
            "overload",
            "per_minute",
            "payload_logging",
            "rotation_days",
        ]
        .map(|field| &now[field]);
        assert_eq!(
            json!(set),
            json!([["192.0.2.0/24"], 2000, 503, 7, false, null]),
            "{name}"
        );
        assert_eq!(
            server.post(Http::One, &first, r#"{"title":"a"}"#).await.status,
            403,
            "{name}"
        );

        let again = format!("{path}/regenerate");
        let second = url(&hand
            .act(
                (&format!("{page}/regenerate"), &[]),
                ("POST", &again, None),
                &["webhook", "regenerate", name],
            )
            .await);
        assert_eq!(
            server.post(Http::One, &first, r#"{"title":"a"}"#).await.status,
            410,
            "{name}"
        );
        assert_eq!(
            server.post(Http::One, &second, r#"{"title":"a"}"#).await.status,
            403,
            "{name}"
        );
        let revoke = format!("{path}/revoke");
        hand.act(
            (&format!("{page}/revoke"), &[("name", name)]),
            ("POST", &revoke, None),
            &["webhook", "revoke", name, "--yes"],
        )
        .await;
        assert_eq!(
            server.post(Http::One, &second, r#"{"title":"a"}"#).await.status,
            410,
            "{name}"
        );

        hand.look(
            "/webhooks",
            "/api/v1/webhooks",
            &["webhook", "list"],
            &[name, "revoked"],
        )
        .await;
        hand.look(
            &page,
            &path,
            &["webhook", "show", name],
            &[handle, "192.0.2.0/24"],
        )
        .await;
        let usage = (format!("{page}?range=7d"), format!("{path}/usage?range=7d"));
        server
            .deliveries(|items| items.iter().filter(|item| item["webhook"] == handle).count() >= 4)
            .await;
        hand.look(
            &usage.0,
            &usage.1,
            &["webhook", "usage", name, "--range", "7d"],
            &["127.0.0.1", "IP_NOT_ALLOWED", "WEBHOOK_REVOKED"],
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_and_incidents_are_seen_everywhere() {
    let server = Server::start();
    let (hands, mut files) = (Hand::all(&server).await, HashSet::new());
    let accepted = server
        .post(
            Http::One,
            &server.demo_url(),
            r#"{"title":"Disk full","dedup_key":"d"}"#,
        )
        .await;
    assert_eq!(accepted.status, 201);
    assert_eq!(
        server
            .post(Http::One, &server.demo_url(), r#"{"title":{}}"#)
            .await
            .status,
        422
    );
    let items = server.deliveries(|items| items.len() == 2).await;
    let by_code = |code: Value| {
        items.iter().find(|item| item["code"] == code).unwrap()["id"]
            .as_str()
            .unwrap()
    };
    let (passed, refused) = (by_code(Value::Null), by_code("VALIDATION_ERROR".into()));
    for hand in &hands {
        let filter = "outcome=refused&source=127.0.0.0/8&from=2026-01-01T00:00:00Z";
        let command = [
            "deliveries",
            "list",
            "--outcome",
            "refused",
            "--source",
            "127.0.0.0/8",
            "--from",
            "2026-01-01T00:00:00Z",
        ];
        let (page, path) = (format!("/logs?{filter}"), format!("/api/v1/deliveries?{filter}"));
        hand.look(
            &page,
            &path,
            &command,
            &[refused, "VALIDATION_ERROR", "black-box/1"],
        )
        .await;
        for (id, words) in [
            (passed, ["INC-1", "Disk full", "black-box/1"]),
            (refused, ["VALIDATION_ERROR", "127.0.0.1", "application/json"]),
        ] {
            let (page, path) = (format!("/deliveries/{id}"), format!("/api/v1/deliveries/{id}"));
            hand.look(&page, &path, &["deliveries", "show", id], &words).await;
        }
        hand.look(
            "/incidents",
            "/api/v1/incidents",
            &["incidents", "list"],
            &["INC-1", "Disk full"],
        )
        .await;
        hand.look(
            "/incidents/INC-1",
            "/api/v1/incidents/INC-1",
            &["incidents", "show", "INC-1"],
            &["Disk full", "open"],
        )
        .await;
        files.insert(export(hand).await);
    }
    assert_eq!(files.len(), 1, "the same file everywhere: {files:?}");
    for (number, hand) in (2..).zip(&hands) {
        let id = format!("INC-{number}");
        server
            .post(Http::One, &server.demo_url(), r#"{"title":"Again"}"#)
            .await;
        story(hand, &id).await;
    }
}

/// Acknowledges, resolves and reopens an incident, and adds a note.
async fn story(hand: &Hand<'_>, id: &str) {
    for (word, done) in [("acknowledge", "acknowledged"), ("resolve", "resolved")] {
        let (form, path) = (
            format!("/incidents/{id}/{word}"),
            format!("/api/v1/incidents/{id}"),
        );
        hand.act(
            (&form, &[]),
            ("PATCH", &path, Some(json!({"status": done}))),
            &["incidents", word, id],
        )
        .await;
        assert_eq!(
            hand.server.json(&["incidents", "show", id])["status"],
            done,
            "{}",
            hand.name()
        );
    }
    let (form, path) = (
        format!("/incidents/{id}/reopen"),
        format!("/api/v1/incidents/{id}"),
    );
    hand.act(
        (&form, &[]),
        ("PATCH", &path, Some(json!({"status": "open"}))),
        &["incidents", "reopen", id],
    )
    .await;
    let (form, notes) = (format!("/incidents/{id}/note"), format!("{path}/notes"));
    hand.act(
        (&form, &[("text", "It came back.")]),
        ("POST", &notes, Some(json!({"text": "It came back."}))),
        &["incidents", "note", id, "It came back."],
    )
    .await;
    hand.look(
        &format!("/incidents/{id}"),
        &path,
        &["incidents", "show", id],
        &[
            "Opened by a delivery",
            "Resolved by",
            "Reopened by",
            "Note by",
            "It came back.",
        ],
    )
    .await;
}

async fn export(hand: &Hand<'_>) -> String {
    match &hand.place {
        Installation::Console(visitor) => visitor.get("/logs/export?format=ndjson").await,
        Installation::Api(program) => {
            let answer = program
                .call("GET", "/api/v1/deliveries/export?format=ndjson", None, &[])
                .await;
            answer.body
        }
        Installation::CommandLine => {
            let output = crate::support::run(
                hand.server.directory(),
                &["deliveries", "export", "--format", "ndjson"],
                "",
            );
            String::from_utf8(output.stdout).unwrap()
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_managed_everywhere() {
    let server = Server::start();
    for hand in Hand::all(&server).await {
        let name = hand.name();
        let fields = [("name", name), ("role", "viewer")];
        let body = json!({"name": name, "role": "viewer"});
        hand.act(
            ("/members", &fields),
            ("POST", "/api/v1/members", Some(body)),
            &["member", "add", name, "--role", "viewer"],
        )
        .await;
        let member = find(&server, "member", name);
        let id = member["id"].as_str().unwrap();
        assert_eq!(member["role"], "viewer");
        let path = format!("/api/v1/members/{id}");
        // An API token makes no links.
        let said = match &hand.place {
            Installation::Console(visitor) => visitor.send(&format!("/members/{id}/link"), &[]).await.body,
            Installation::Api(_) | Installation::CommandLine => {
                server.json(&["sign-in-link", name]).to_string()
            }
        };
        assert!(said.contains("/sign-in/hgl_"), "{name}: {said}");
        let body = json!({"role": "operator"});
        hand.act(
            (
                &format!("/members/{id}/role"),
                &[("role", "operator"), ("was", "viewer")],
            ),
            ("PATCH", &path, Some(body)),
            &["member", "role", name, "operator"],
        )
        .await;
        assert_eq!(find(&server, "member", name)["role"], "operator");
        hand.look(
            "/members",
            "/api/v1/members",
            &["member", "list"],
            &[name, "operator"],
        )
        .await;
        hand.act(
            (&format!("/members/{id}/remove"), &[("confirm", "yes")]),
            ("DELETE", &path, None),
            &["member", "remove", name],
        )
        .await;
        assert_eq!(find(&server, "member", name), Value::Null);

        let fields = [("name", name), ("role", "viewer"), ("expires_days", "30")];
        let body = json!({"name": name, "role": "viewer", "expires_days": 30});
        let said = hand
            .act(
                ("/tokens", &fields),
                ("POST", "/api/v1/tokens", Some(body)),
                &["token", "create", name, "--role", "viewer", "--expires", "30"],
            )
            .await;
        assert!(said.contains("hgt_"), "{name}: {said}");
        let token = find(&server, "token", name);
        let id = token["id"].as_str().unwrap();
        assert!(token["expires_at"].is_string());
        hand.look("/tokens", "/api/v1/tokens", &["token", "list"], &[name, "viewer"])
            .await;
        let path = format!("/api/v1/tokens/{id}");
        hand.act(
            (&format!("/tokens/{id}/revoke"), &[("confirm", "yes")]),
            ("DELETE", &path, None),
            &["token", "revoke", id],
        )
        .await;
        assert_eq!(find(&server, "token", name)["state"], "revoked");
        hand.look(
            "/audit?what=token.revoke",
            "/api/v1/audit?act=token.revoke",
            &["audit", "list", "--act", "token.revoke"],
            &["token.revoke", name],
        )
        .await;
    }
}

fn find(server: &Server, kind: &str, name: &str) -> Value {
    let items = server.json(&[kind, "list"])["items"].as_array().unwrap().clone();
    items
        .into_iter()
        .find(|item| item["name"] == name)
        .unwrap_or_default()
}
