//! No column of the database holds a secret, nor data that guesses of a secret could be tried against: no fast digest of a
//! password, of the name or the body of a request, or of a payload. Only random secrets are stored as SHA-256, each kind in
//! its own column.

use std::collections::BTreeMap;
use std::fs;

use hookgate_testkit::https::{Full, Http, Request};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::every_store::needles::Needles;
use crate::support::program::{Program, data};
use crate::support::visitor::ConsoleClient;
use crate::support::{Server, run, sql};

const PASSWORD: &str = "Kiosk-Quarz-84";
const PIPED: &str = "Vortex-Zimt-2209";
/// A payload with few digits, which are guessed quickly.
const PIN: &str = "pin 48213377";

/// The columns that hold the SHA-256 of a random secret.
const DIGESTS: [&str; 5] = [
    "webhooks.digest",
    "retired_urls.digest",
    "tokens.digest",
    "sessions.digest",
    "sign_in_links.digest",
];

/// Texts that no column may hold, and texts that only the columns of digests may hold.
#[derive(Default)]
struct Secrets {
    nowhere: Needles,
    in_digests: Needles,
    digests: usize,
}

impl Secrets {
    fn sha256(text: &[u8]) -> Vec<u8> {
        digest(&SHA256, text).as_ref().to_vec()
    }

    /// Adds a secret that could be guessed.
    fn add_guessable(&mut self, what: &str, secret: &str) {
        self.nowhere.add(what, secret.as_bytes());
        self.add_text(what, secret);
    }

    /// Adds a random secret: an ID, a token, or a URL that ends with one.
    fn add_random(&mut self, what: &str, secret: &str) {
        self.nowhere.add_id(what, secret);
        let digest = Self::sha256(secret.rsplit('/').next().unwrap().as_bytes());
        self.in_digests.add(&format!("the SHA-256 of {what}"), &digest);
        self.digests += 1;
    }

    /// Adds a text with secrets in it, of which no digest may be stored.
    fn add_text(&mut self, what: &str, text: &str) {
        let digest = Self::sha256(text.as_bytes());
        self.nowhere.add(&format!("the SHA-256 of {what}"), &digest);
    }

    /// Adds the body of a request, as received and in the forms that idempotency has compared.
    fn add_body(&mut self, path: &str, body: &str) {
        self.add_text(path, body);
        self.add_text(path, &format!("{path}\n{body}"));
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("path", path);
        form.extend_pairs(form_urlencoded::parse(body.as_bytes()).filter(|(name, _)| name != "csrf"));
        self.add_text(path, &form.finish());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_column_holds_a_secret_or_a_fast_digest_of_one() {
    let server = Server::start();
    let mut secrets = Secrets::default();
    secrets.add_guessable("a password", PASSWORD);
    secrets.add_guessable("a password of the command line", PIPED);
    secrets.add_random("the demo webhook", &server.demo_url());
    let visitor = by_console(&server, &mut secrets).await;
    by_command(&server, &mut secrets);
    by_api(&server, &mut secrets).await;
    deliver(&server, &mut secrets).await;
    server.deliveries(|items| items.len() >= 3).await;
    assert_eq!(visitor.call("GET", "/account", String::new()).await.status, 200);

    let columns = columns(&server);
    assert!(columns.len() > 100, "{}", columns.len());
    let mut found = 0;
    for (column, values) in &columns {
        secrets.nowhere.must_not_be_in(column, values.as_bytes());
        if DIGESTS.contains(&column.as_str()) {
            found += usize::from(secrets.in_digests.found_in(values.as_bytes()).is_some());
        } else {
            secrets.in_digests.must_not_be_in(column, values.as_bytes());
        }
    }
    assert!(found >= 4, "what is looked for is found where it is: {found}");
    assert!(
        columns["audit.request_key"].contains("hmac:"),
        "requests were kept"
    );
    assert!(
        columns["idempotency_keys.payload_digest"].len() > 64,
        "keys were kept"
    );
    for file in ["hookgate.db", "hookgate.db-wal"] {
        let bytes = fs::read(server.directory().join(file)).unwrap();
        secrets.nowhere.must_not_be_in(file, &bytes);
    }
}

/// Every value of every column of every table, as text; bytes as hexadecimal digits.
fn columns(server: &Server) -> BTreeMap<String, String> {
    let names = sql(
        server.directory(),
        "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'",
    );
    let read = |line: &str| {
        let (table, column) = line.split_once('|').unwrap();
        // Text is searched as it is, and bytes as hexadecimal digits.
        let query =
            format!("SELECT hex(\"{column}\") || ' ' || quote(\"{column}\") FROM \"{table}\" ORDER BY 1");
        (format!("{table}.{column}"), sql(server.directory(), &query))
    };
    names.lines().map(read).collect()
}

async fn by_console<'a>(server: &'a Server, secrets: &mut Secrets) -> ConsoleClient<'a> {
    let link = server.ready["sign_in"].as_str().unwrap();
    secrets.add_random("a used sign-in link", link);
    let visitor = ConsoleClient::sign_in(server).await;
    secrets.add_random("a session", visitor.session());
    let member = [("name", "grace"), ("role", "operator")];
    let webhook = [("name", "signed form"), ("signed", "on")];
    let token = [("name", "form token"), ("role", "viewer"), ("expires_days", "")];
    let password = [("password", PASSWORD), ("again", PASSWORD)];
    for (path, fields) in [
        ("/account/password", &password[..]),
        ("/members", &member),
        ("/webhooks", &webhook),
        ("/tokens", &token),
    ] {
        let body = visitor.form(path, fields);
        secrets.add_body(path, &body);
        let answer = visitor.call("POST", path, body).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    }
    let wrong = [("name", "owner"), ("password", PIPED)];
    for fields in [&wrong, &[("name", PIPED), ("password", PASSWORD)]] {
        secrets.add_body("/sign-in", &visitor.form("/sign-in", fields));
        assert_eq!(visitor.try_to_send("/sign-in", fields).await.status, 422);
    }
    let again = ConsoleClient::by_password(server, "owner", PASSWORD).await;
    secrets.add_random("a session by password", again.session());
    again
}

fn by_command(server: &Server, secrets: &mut Secrets) {
    let directory = server.directory();
    let piped = run(directory, &["member", "add", "ada", "--role", "admin"], PIPED);
    assert!(piped.status.success(), "{piped:?}");
    let link = server.json(&["sign-in-link", "ada"]);
    secrets.add_random("a sign-in link", link["sign_in"].as_str().unwrap());
    let made = server.json(&["token", "create", "ci", "--role", "viewer"]);
    secrets.add_random("a token of the command line", made["token"].as_str().unwrap());
    secrets.add_random("a URL", &server.create("by command", &[]));
    let fresh = server.json(&["webhook", "regenerate", "by command"]);
    secrets.add_random("a second URL", fresh["url"].as_str().unwrap());
}

async fn by_api(server: &Server, secrets: &mut Secrets) {
    let owner = Program::new(server, "owner");
    secrets.add_random("the program's token", owner.token());
    let create = async |secrets: &mut Secrets, path: &str, body: Value, key: &str| {
        secrets.add_body(path, &body.to_string());
        // The idempotency key is searched for too, in every form of storage.
        secrets.add_text("the name of a request", key);
        let answer = owner
            .call("POST", path, Some(body), &[("idempotency-key", key)])
            .await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
        data(&answer)
    };
    let webhook = json!({"name": "signed", "signed": true});
    let made = create(secrets, "/api/v1/webhooks", webhook, PASSWORD).await;
    secrets.add_random("a signed URL", made["url"].as_str().unwrap());
    secrets.add_guessable("a signing secret", made["signing_secret"].as_str().unwrap());
    let token = json!({"name": "made", "role": "viewer"});
    let made = create(secrets, "/api/v1/tokens", token, PIPED).await;
    let token = made["token"].as_str().unwrap().to_owned();
    secrets.add_random("a token", &token);
    let member = json!({"name": "heidi", "role": "viewer"});
    create(secrets, "/api/v1/members", member, &format!("for-{token}")).await;
    let member = json!({"name": "ivan", "role": "viewer", "password": PASSWORD});
    secrets.add_body("/api/v1/members", &member.to_string());
    let key = [("idempotency-key", "with-a-password")];
    let refused = owner.call("POST", "/api/v1/members", Some(member), &key).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
}

/// Sends payloads that are not stored, each with a key.
async fn deliver(server: &Server, secrets: &mut Secrets) {
    secrets.nowhere.add("a PIN", PIN.as_bytes());
    let url = server.create("unlogged", &["--payload-logging", "off"]);
    for number in 0..3 {
        let body = json!({"title": "t", "note": format!("{PIN}{number}")}).to_string();
        secrets.add_text("a payload", &body);
        let request = Request::post(&url)
            .header("content-type", "application/json")
            .header("idempotency-key", format!("delivery-{number}"))
            .body(Full::from(body))
            .unwrap();
        let answer = server.send(Http::One, request).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
}
