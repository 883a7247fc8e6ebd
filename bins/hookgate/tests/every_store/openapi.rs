//! The admin API against its own document: a client generates valid and invalid requests from the document, and checks that
//! it describes each answer.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use hookgate_testkit::https::Http;
use serde_json::{Value, json};

use crate::support::Server;

/// The checks. `positive_data_acceptance` is missing: a schema can't express some rules (an allowlist without host bits, an
/// `If-Match` with the current revision), so a request that fits the schema may still be refused.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection,missing_required_header,\
    unsupported_method,allow_header_conformance,ignored_auth,use_after_free,ensure_resource_availability";

/// Statuses that refuse a wrong request. The client does not expect 412, 413 and 428 by itself.
const REFUSED: &str = "[400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428]";

/// Acts that must have succeeded at the end: otherwise the client has met only objects that don't exist.
const DONE: [&str; 13] = [
    "webhook.create",
    "webhook.edit",
    "webhook.regenerate",
    "webhook.revoke",
    "address_set.create",
    "address_set.edit",
    "address_set.remove",
    "incident.resolve",
    "incident.note",
    "member.add",
    "member.role",
    "member.remove",
    "token.revoke",
];

/// Number of objects of each kind for requests that end one.
const DOOMED: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_in_the_document() {
    let server = Server::start();
    for body in [r#"{"title":"Disk full"}"#, r#"{"title":"CPU"}"#, "{"] {
        server.post(Http::One, &server.demo_url(), body).await;
    }
    let deliveries = server.deliveries(|items| items.len() == 3).await;
    let token = server.json(&["token", "create", "client", "--role", "owner"]);
    let settings = server.directory().join("schemathesis.toml");
    fs::write(&settings, settings_with(&server, &deliveries)).unwrap();
    let client: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "../../target/tools/schemathesis/bin/schemathesis",
    ]
    .iter()
    .collect();
    let run = Command::new(client)
        .arg("--config-file")
        .arg(settings)
        .arg("run")
        .arg(format!("{}/api/openapi.json", server.console()))
        .args(["--tls-verify", server.ready["ca"].as_str().unwrap()])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", token["token"].as_str().unwrap()),
        ])
        .args([
            "--checks",
            CHECKS,
            "--phases",
            "examples,coverage,fuzzing,stateful",
        ])
        .args(["--seed", "20261124", "--max-examples", "30", "--no-color"])
        .current_dir(server.directory())
        .output()
        .expect("schemathesis, which `cargo xtask test` installs");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(!said.contains("Unresolvable references"), "{said}");
    assert!(said.contains("Tested: 36"), "an operation was left out: {said}");
    for act in DONE {
        let trail = server.json(&["audit", "list", "--act", act, "--limit", "200"]);
        let by_client = |entry: &Value| entry["actor"]["id"] == token["id"];
        let entries = trail["items"].as_array().unwrap();
        assert!(entries.iter().any(by_client), "{act} was never done: {said}");
    }
    let tokens = server.json(&["token", "list", "--limit", "200"]);
    let is_alive = |item: &Value| item["id"] == token["id"] && item["state"] == "live";
    assert!(
        tokens["items"].as_array().unwrap().iter().any(is_alive),
        "it took its own access away"
    );
}

/// The client's settings: the names of existing objects, so that it gets other answers than 404. Requests that end an object
/// have objects of their own, and none of these is the client's token.
fn settings_with(server: &Server, deliveries: &[Value]) -> String {
    let mut settings = String::new();
    let mut dictionary = |name: &str, values: &[Value]| {
        write!(settings, "[dictionaries.{name}]\nvalues = {}\n", json!(values)).unwrap();
    };
    let doomed = |command: [&str; 2], id: &str, arguments: &[&str]| -> Vec<Value> {
        (0..DOOMED)
            .map(|number| {
                let name = format!("doomed {number}");
                let made = server.json(&[&command[..], &[&name], arguments].concat());
                made[id].clone()
            })
            .collect()
    };
    let ada = server.json(&["member", "add", "ada", "--role", "viewer"]);
    let delivered: Vec<_> = deliveries.iter().map(|item| item["id"].clone()).collect();
    dictionary("webhooks", &[server.ready["webhook"]["handle"].clone()]);
    dictionary("doomed_webhooks", &doomed(["webhook", "create"], "handle", &[]));
    dictionary("deliveries", &delivered);
    dictionary("incidents", &[json!("INC-1"), json!("INC-2")]);
    dictionary("members", &[ada["id"].clone()]);
    dictionary(
        "doomed_members",
        &doomed(["member", "add"], "id", &["--role", "viewer"]),
    );
    dictionary(
        "doomed_tokens",
        &doomed(["token", "create"], "id", &["--role", "viewer"]),
    );
    for name in ["branch", "plant"] {
        let network = ["--network", "192.0.2.0/24,198.51.100.0/24"];
        server.json(&[&["addresses", "create", name][..], &network].concat());
    }
    dictionary("sets", &[json!("branch"), json!("plant")]);
    let doomed_sets: Vec<_> = (0..DOOMED)
        .map(|number| json!(format!("doomed{number}")))
        .collect();
    for name in &doomed_sets {
        let name = name.as_str().unwrap();
        server.json(&["addresses", "create", name, "--network", "192.0.2.0/24"]);
    }
    dictionary("doomed_sets", &doomed_sets);
    let tags: Vec<_> = (1..=3).map(|revision| json!(format!("\"{revision}\""))).collect();
    dictionary("tags", &tags);
    for check in ["negative_data_rejection", "missing_required_header"] {
        write!(settings, "[checks.{check}]\nexpected-statuses = {REFUSED}\n").unwrap();
    }
    for (pattern, parameter, dictionary) in [
        (
            "^(show|edit)Webhook$|^showUsage$|^(preview|suggest)Allowlist$",
            "path.handle",
            "webhooks",
        ),
        ("^(regenerate|revoke)Webhook$", "path.handle", "doomed_webhooks"),
        (
            "^(show|edit|refresh|decide|preview)AddressSet$|^listAddressSetVersions$",
            "path.name",
            "sets",
        ),
        ("^removeAddressSet$", "path.name", "doomed_sets"),
        ("^showDelivery$", "path.id", "deliveries"),
        ("Incident$", "path.id", "incidents"),
        ("^changeMember$|SignInLink$", "path.id", "members"),
        ("^removeMember$", "path.id", "doomed_members"),
        ("^revokeToken$", "path.id", "doomed_tokens"),
    ] {
        write!(
            settings,
            "[[operations]]\ninclude-operation-id-regex = '{pattern}'\n\
             parameters = {{ \"{parameter}\" = {{ dictionary = \"{dictionary}\", probability = 0.8 }} }}\n"
        )
        .unwrap();
    }
    settings + "[parameters]\n\"header.If-Match\" = { dictionary = \"tags\", probability = 0.8 }\n"
}
