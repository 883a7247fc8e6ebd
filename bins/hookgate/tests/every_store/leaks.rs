//! Leaks of secrets: the server is flooded at the most detailed log level and administered. Then all its files, logs and
//! answers are searched for secrets, in every form of text.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use hookgate_testkit::https::{Answer, Full, Http, Request};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::every_store::needles::Needles;
use crate::support::program::{Program, data};
use crate::support::visitor::ConsoleClient;
use crate::support::{
    Server, Store, dump, dumps_core, let_dump_core, place, plain_tcp, post, run, run_as_is, sql,
};

/// Requests of each kind.
const FLOOD: usize = 40;
const PASSWORD: &str = "Zq7-kobold-Xylophon-31";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_written_anywhere() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("data");
    let log = scratch.path().join("log");
    let mut server = Server::start_in(&directory, "trace", Stdio::from(fs::File::create(&log).unwrap()));
    let urls = webhooks(&server);
    let mut secrets = Needles::default();
    for url in &urls {
        secrets.add_id("a webhook ID", url);
    }
    let (program, visitor) = administer(&server, &mut secrets).await;

    for url in &urls {
        for http in Http::BOTH {
            flood(&server, http, url, &secrets).await;
        }
        raw(&server, url, &secrets).await;
    }
    server.deliveries(|items| items.len() >= 100).await;
    search_commands(&server, &urls, &secrets);
    // A list fails as long as one of its rows is damaged.
    sql(
        &directory,
        "UPDATE webhooks SET allowlist = (SELECT allowlist FROM webhooks WHERE name = 'signed') WHERE name = 'damaged'",
    );
    search_console(&server, &visitor, &secrets).await;
    search_api(&server, &program, &secrets).await;
    search_process(&server, &secrets);
    if crate::STORE == Store::Embedded {
        let backup = scratch.path().join("backup");
        let made = run(&directory, &["backup", backup.to_str().unwrap()], "");
        assert!(made.status.success(), "{made:?}");
        secrets.must_not_be_in("the backup", &fs::read(&backup).unwrap());
    }
    secrets.must_not_be_in("the dump", dump(&directory).as_bytes());
    search_files(&directory, &secrets);
    assert_eq!(server.signal("-TERM"), Some(0));
    search_files(&directory, &secrets);
    let logged = fs::read(&log).unwrap();
    assert!(
        logged.len() > 10_000,
        "there was something to search: {} bytes",
        logged.len()
    );
    secrets.must_not_be_in("the log", &logged);
    let mut digests = Needles::default();
    for id in urls.iter().filter_map(|url| url.rsplit('/').next()?.parse().ok()) {
        let id: hookgate_domain::WebhookId = id;
        digests.add("a digest", id.digest().as_bytes());
    }
    digests.must_not_be_in("the log", &logged);
}

/// A crash leaves no secret either, even if the system would write a core dump.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_no_core_dump() {
    let scratch = tempfile::tempdir().unwrap();
    let mut other = Command::new("sleep")
        .arg("60")
        .current_dir(scratch.path())
        .spawn()
        .unwrap();
    let_dump_core(other.id());
    assert!(dumps_core(&mut other), "another process does leave one");

    let mut server = Server::start();
    server
        .post(Http::One, &server.demo_url(), r#"{"title":"t"}"#)
        .await;
    let_dump_core(server.pid());
    assert!(!server.dumps_core());
}

/// Webhooks of every kind, and a URL that never existed.
fn webhooks(server: &Server) -> Vec<String> {
    let old = server.create("old", &[]);
    let new = server.json(&["webhook", "regenerate", "old"])["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let dead = server.create("dead", &["--allow", "192.0.2.1"]);
    let closed = server.create("closed", &["--allow", "192.0.2.1"]);
    let damaged = server.create("damaged", &[]);
    let signed = server.create("signed", &["--signature", "standard-webhooks"]);
    server.json(&["webhook", "revoke", "dead", "--yes"]);
    sql(
        server.directory(),
        "UPDATE webhooks SET allowlist = 'garbage' WHERE name = 'damaged'",
    );
    let demo = server.demo_url();
    // A URL with a typing error is nearly a secret.
    let mistyped = format!("{}x", &demo[..demo.len() - 1]);
    vec![demo, old, new, dead, closed, damaged, signed, mistyped]
}

/// Creates and ends secrets in the console, with the API and on the command line.
async fn administer<'a>(server: &'a Server, secrets: &mut Needles) -> (Program<'a>, ConsoleClient<'a>) {
    let link = server.ready["sign_in"].as_str().unwrap();
    secrets.add_id("a used sign-in link", link);
    let visitor = ConsoleClient::sign_in(server).await;
    secrets.add_id("a session", visitor.session());
    visitor
        .send(
            "/account/password",
            &[("password", PASSWORD), ("again", PASSWORD)],
        )
        .await;
    secrets.add("a password", PASSWORD.as_bytes());
    let by_password = ConsoleClient::by_password(server, "owner", PASSWORD).await;
    secrets.add_id("a session", by_password.session());
    by_password.send("/sign-out", &[]).await;

    let made = server.json(&["token", "create", "owner-tests", "--role", "owner"]);
    let token = made["token"].as_str().unwrap();
    secrets.add_id("a token", token);
    let program = Program::with(server, token);
    let made = program
        .post("/api/v1/tokens", json!({"name": "t", "role": "viewer"}))
        .await;
    secrets.add_id("a token", data(&made)["token"].as_str().unwrap());
    // A token can't set a password, and the password that it sent must not be stored anywhere.
    let refused = json!({"name": "eve", "role": "operator", "password": format!("{PASSWORD}!")});
    program.post("/api/v1/members", refused).await;
    let member = json!({"name": "ada", "role": "operator"});
    let member = data(&program.post("/api/v1/members", member).await);
    let link = server.json(&["sign-in-link", "ada"])["sign_in"]
        .as_str()
        .unwrap()
        .to_owned();
    secrets.add_id("a sign-in link", &link);

    let signed = json!({"name": "signed too", "signed": true});
    let made = data(&program.post("/api/v1/webhooks", signed).await);
    secrets.add_id("a webhook ID", made["url"].as_str().unwrap());
    let secret = made["signing_secret"].as_str().unwrap();
    let text = secret.strip_prefix("whsec_").unwrap();
    secrets.add("a signing secret", text.as_bytes());
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
    secrets.add("a signing key", &bytes);
    let texts = [
        server.demo_url().rsplit('/').next().unwrap().to_owned(),
        token.to_owned(),
        visitor.session().to_owned(),
        link.rsplit('/').next().unwrap().to_owned(),
        secret.to_owned(),
    ];
    repeat_with_secrets(&program, member["id"].as_str().unwrap(), &texts, secrets).await;
    (program, visitor)
}

/// Calls every route that creates, with every secret as the request ID, and in the fields and parameters.
async fn repeat_with_secrets(program: &Program<'_>, member: &str, texts: &[String], secrets: &Needles) {
    let link = format!("/api/v1/members/{member}/sign-in-link");
    for (number, text) in texts.iter().enumerate() {
        for (path, body) in [
            ("/api/v1/webhooks", json!({"name": format!("again {number}")})),
            (
                "/api/v1/tokens",
                json!({"name": format!("again {number}"), "role": "viewer"}),
            ),
            (
                "/api/v1/members",
                json!({"name": format!("again {number}"), "role": "viewer"}),
            ),
            (
                "/api/v1/address-sets",
                json!({"name": format!("again-{number}"), "networks": ["192.0.2.1"]}),
            ),
            (&link, json!({})),
        ] {
            let key = format!("rotate-{text}-for{path}");
            for again in [false, true] {
                let headers = [("idempotency-key", &*key)];
                let answer = program.call("POST", path, Some(body.clone()), &headers).await;
                // A token can't create a link, and the data that it sent must not be stored anywhere.
                let is_done = answer.status.is_success() || path == link;
                assert!(is_done || again, "{path}: {}", answer.body);
            }
            for body in [
                json!({"name": text, "role": text}),
                json!({"name": "x", text: 1}),
                json!({"name": {text: 1}}),
                json!(text),
            ] {
                let answer = program.call("POST", path, Some(body), &[]).await;
                assert!(!answer.status.is_success() || path == link, "{path}");
                secrets.must_not_be_in(path, answer.body.as_bytes());
            }
        }
        let query = format!("/api/v1/deliveries?{text}=1&webhook={text}&source={text}&code={text}");
        let answer = program.call("GET", &query, None, &[]).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        secrets.must_not_be_in("a wrong query", answer.body.as_bytes());
        let answer = program
            .call("GET", &format!("/api/v1/audit?actor={text}"), None, &[])
            .await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        secrets.must_not_be_in("an unknown actor", answer.body.as_bytes());
    }
}

async fn flood(server: &Server, http: Http, url: &str, secrets: &Needles) {
    let mut connection = server.client.connect(server.address(), http).await.unwrap();
    for number in 0..FLOOD {
        let request = match number % 8 {
            0 => post(url, &format!(r#"{{"title":"good {number}"}}"#)),
            1 => post(url, "{broken"),
            2 => post(url, r#"{"title":7}"#),
            3 => Request::get(url).body(Full::default()).unwrap(),
            4 => post(&format!("{url}/more?query=1"), "{}"),
            5 => {
                let urls = rewritten(url);
                let body: Vec<_> = urls.iter().map(|url| format!(r#""{url}":"{url}","#)).collect();
                post(
                    url,
                    &format!(r#"{{{}"title":"{}"}}"#, body.concat(), urls[number / 8]),
                )
            }
            6 => near_miss(url, number / 8),
            _ => Request::post(url)
                .header("x-original-url", url.replace('_', "%5F"))
                .header("content-encoding", "gzip")
                .header("referer", url)
                .header("x-forwarded-uri", format!("{}x", url.rsplit('/').next().unwrap()))
                .header("user-agent", format!("agent {url}"))
                .body(Full::default())
                .unwrap(),
        };
        match connection.send(request).await {
            Ok(answer) => search_answer("an answer of the gate", &answer, secrets),
            Err(_) => connection = server.client.connect(server.address(), http).await.unwrap(),
        }
    }
}

/// Forms of a URL in JSON as written by software on the way.
fn rewritten(url: &str) -> Vec<String> {
    let id = url.rsplit('/').next().unwrap();
    let escaped: Vec<_> = id.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    vec![
        url.replace('_', "\\u005f"),
        url.replace('_', "\\\\_"),
        url.replace('_', "%5F"),
        url.replace('_', "&#95;"),
        url.replace(id, &escaped.concat()),
    ]
}

/// A request to an address that is almost the URL.
fn near_miss(url: &str, number: usize) -> Request<Full<hookgate_testkit::https::Bytes>> {
    let id = url.rsplit('/').next().unwrap();
    let path = match number {
        0 => url.replace("/webhooks/", "//webhooks/"),
        1 => format!("{url}%0A"),
        2 => url.replace('_', "%255F"),
        3 => url.replace(&format!("/{id}"), &format!("?id={id}")),
        _ => format!("{url}/"),
    };
    post(&path, r#"{"title":"near"}"#)
}

/// Sends requests that no client library sends.
async fn raw(server: &Server, url: &str, secrets: &Needles) {
    let path = &url[server.ready["gate"].as_str().unwrap().len()..];
    let plain = plain_tcp(
        server.address(),
        format!("POST {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes(),
    );
    secrets.must_not_be_in("an answer over plain HTTP", plain.as_bytes());
    for request in [
        format!("POST {path} HTTP/1.1\nhost: a\n\n"),
        format!("POST {path}\u{e9} HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("POST https://elsewhere.example{path} HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("{path}\r\n\r\n"),
    ] {
        let mut stream = server.client.tls(server.address(), Http::One).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The server may close however it likes.
        let _ = stream.read_to_end(&mut answer).await;
        secrets.must_not_be_in("an answer to a wrong request", &answer);
    }
}

/// Searches the output of the command line, with a secret on standard input or by mistake among the arguments.
fn search_commands(server: &Server, urls: &[String], secrets: &Needles) {
    let directory = server.directory();
    for url in &urls[..4] {
        let which = run(directory, &["webhook", "which"], url);
        assert!(which.status.success());
        secrets.must_not_be_in("which", &which.stdout);
    }
    for arguments in [
        &["webhook", "list"][..],
        &["webhook", "show", "demo"],
        &["deliveries", "list", "--limit", "200"],
        &["deliveries", "export", "--format", "csv"],
        &["deliveries", "export", "--format", "ndjson"],
        &["incidents", "list", "--limit", "200"],
        &["member", "list"],
        &["token", "list"],
        &["audit", "list", "--limit", "200"],
        &["doctor"],
        &["webhook", "show", urls[0].rsplit('/').next().unwrap()],
        &["webhook", "create", &urls[0]],
    ] {
        for output in [run(directory, arguments, ""), plain_text(directory, arguments)] {
            secrets.must_not_be_in("standard output", &output.stdout);
            secrets.must_not_be_in("standard error", &output.stderr);
        }
    }
}

fn plain_text(directory: &Path, arguments: &[&str]) -> std::process::Output {
    let place = place(directory);
    let arguments: Vec<_> = arguments
        .iter()
        .map(std::ffi::OsStr::new)
        .chain(place.iter().map(AsRef::as_ref))
        .collect();
    run_as_is(&arguments, "")
}

/// The console's pages and exports.
async fn search_console(server: &Server, visitor: &ConsoleClient<'_>, secrets: &Needles) {
    let items = server.deliveries(|_| true).await;
    let handle = server.ready["webhook"]["handle"].as_str().unwrap();
    let of_webhook = ["", "/edit", "/regenerate", "/revoke"].map(|part| format!("/webhooks/{handle}{part}"));
    let deliveries = items
        .iter()
        .step_by(20)
        .map(|item| format!("/deliveries/{}", item["id"].as_str().unwrap()));
    let others = [
        "/webhooks",
        "/webhooks/new",
        "/logs",
        "/logs?outcome=refused",
        "/logs/export?format=csv",
        "/logs/export?format=ndjson",
        "/incidents",
        "/incidents/INC-1",
        "/members",
        "/tokens",
        "/audit",
        "/audit/export?format=ndjson",
        "/account",
    ];
    for path in others
        .map(str::to_owned)
        .into_iter()
        .chain(of_webhook)
        .chain(deliveries)
    {
        let answer = visitor.call("GET", &path, String::new()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        search_answer(&path, &answer, secrets);
    }
}

/// Searches the answers of the admin API.
async fn search_api(server: &Server, program: &Program<'_>, secrets: &Needles) {
    for path in [
        "/metrics",
        "/readyz",
        "/api/openapi.json",
        "/api/v1/webhooks",
        "/api/v1/deliveries?limit=200",
        "/api/v1/deliveries/export?format=csv",
        "/api/v1/deliveries/export?format=ndjson",
        "/api/v1/incidents?limit=200",
        "/api/v1/members",
        "/api/v1/tokens",
        "/api/v1/audit?limit=200",
        "/api/v1/audit/export?format=csv",
    ] {
        let answer = program.call("GET", path, None, &[]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        search_answer(path, &answer, secrets);
    }
    let used = Request::get(server.ready["sign_in"].as_str().unwrap());
    let used = server.send(Http::One, used.body(Full::default()).unwrap()).await;
    assert_eq!(used.status, 410);
    search_answer("the page of a used link", &used, secrets);
}

fn search_answer(place: &str, answer: &Answer, secrets: &Needles) {
    secrets.must_not_be_in(place, answer.body.as_bytes());
    for (name, value) in &answer.headers {
        secrets.must_not_be_in(&format!("{place}, {name}"), value.as_bytes());
    }
}

/// Searches the files of the server's process that other users of the machine may read.
fn search_process(server: &Server, secrets: &Needles) {
    for file in ["cmdline", "environ", "status", "maps"] {
        match fs::read(format!("/proc/{}/{file}", server.pid())) {
            Ok(bytes) => secrets.must_not_be_in(file, &bytes),
            // Only root may look.
            Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{file}"),
        }
    }
}

fn search_files(directory: &Path, secrets: &Needles) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        secrets.must_not_be_in(&path.display().to_string(), &fs::read(&path).unwrap());
    }
}
