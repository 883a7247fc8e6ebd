//! Credentials that make others: none that is stronger, and none that lives on.

use serde_json::json;

use crate::program::{Program, code};
use crate::support::{Server, run};

/// A token of an admin is no way to a session of an admin, nor to that admin's password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_an_admin_is_no_way_to_a_session() {
    let server = Server::start();
    let program = Program::new(&server, "admin");
    let added = run(
        server.directory(),
        &["member", "add", "ada", "--role", "admin"],
        "",
    );
    assert!(added.status.success(), "{added:?}");
    let members = program.get("/api/v1/members").await;
    let mut members = members["items"].as_array().unwrap().iter();
    let ada = members.find(|member| member["name"] == "ada").unwrap();
    let path = format!("/api/v1/members/{}/sign-in-link", ada["id"].as_str().unwrap());
    let answer = program.post(&path, json!({})).await;
    assert_eq!((answer.status.as_u16(), &*code(&answer)), (403, "FORBIDDEN"));
    let member = json!({"name": "eve", "role": "admin", "password": "a long enough password"});
    let answer = program.post("/api/v1/members", member).await;
    assert_eq!((answer.status.as_u16(), &*code(&answer)), (403, "FORBIDDEN"));
}
