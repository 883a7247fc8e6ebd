//! The admin API against its own document: a client that makes requests from the document, right and wrong ones, and
//! looks whether each answer is one that the document knows.

use std::path::PathBuf;
use std::process::Command;

use hookgate_testkit::https::Http;

use crate::support::Server;

/// What is looked for. What else the client knows does not hold here: there are rules that no schema can say (an allowlist
/// without host bits, an `If-Match` of this very moment), so a request that fits the schema may still be refused; and a
/// missing `If-Match` is answered 428, which it does not expect.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,\
    allow_header_conformance,ignored_auth,use_after_free,ensure_resource_availability";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_in_the_document() {
    let server = Server::start();
    for body in [r#"{"title":"Disk full"}"#, "{"] {
        server.post(Http::One, &server.demo_url(), body).await;
    }
    server.deliveries(|items| items.len() == 2).await;
    let token = server.json(&["token", "create", "client", "--role", "owner"]);
    let token = token["token"].as_str().unwrap();
    let client: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "../../target/tools/schemathesis/bin/schemathesis",
    ]
    .iter()
    .collect();
    let run = Command::new(client)
        .arg("run")
        .arg(format!("{}/api/openapi.json", server.console()))
        .args(["--tls-verify", server.ready["ca"].as_str().unwrap()])
        .args(["--header", &format!("Authorization: Bearer {token}")])
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
    assert!(said.contains("Tested: 23"), "an operation was left out: {said}");
    let trail = server.json(&["audit", "list", "--act", "webhook.create", "--limit", "200"]);
    assert!(
        trail["items"].as_array().unwrap().len() > 3,
        "its requests did something"
    );
}
