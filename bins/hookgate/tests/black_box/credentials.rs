//! Credentials that create credentials: a new one is not stronger, and does not outlive its creator's access.

use serde_json::{Value, json};

use crate::program::{Program, code};
use crate::support::{Server, run};
use crate::visitor::ConsoleClient;

/// A token of an admin does not lead to a session of an admin, nor to that admin's password.
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

/// A member with this role.
fn member(server: &Server, name: &str, role: &str) -> Value {
    server.json(&["member", "add", name, "--role", role])
}

/// The member's own session, by a link of the command line.
async fn own_session<'a>(server: &'a Server, member: &Value) -> ConsoleClient<'a> {
    ConsoleClient::by_link(server, member["sign_in"].as_str().unwrap()).await
}

/// A sign-in link that a member creates for another one in the console.
async fn link(by: &ConsoleClient<'_>, member: &Value) -> String {
    let path = format!("/members/{}/link", member["id"].as_str().unwrap());
    let page = by.send(&path, &[]).await.body;
    let from = page.find("/sign-in/hgl_").unwrap();
    let secret = page[from..].split(['"', '<', ' ', '\n']).next().unwrap();
    secret.to_owned()
}

/// `true` if the session still opens a page.
async fn is_alive(visitor: &ConsoleClient<'_>) -> bool {
    visitor.call("GET", "/account", String::new()).await.status == 200
}

/// `true` if the link still signs in.
async fn works(server: &Server, link: &str) -> bool {
    let answer = ConsoleClient::nobody(server).try_to_send(link, &[]).await;
    answer.header("set-cookie").starts_with("__Host-hookgate=hgs_")
}

/// A session and an unused link from an admin end if the member gets a role that the admin may not give, or if the admin
/// loses the role or the membership.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_link_opened_ends_with_what_its_maker_may() {
    let server = Server::start();
    for (number, end) in [
        ["role", "guest-0", "owner"].as_slice(),
        &["role", "admin-1", "viewer"],
        &["remove", "admin-2"],
    ]
    .into_iter()
    .enumerate()
    {
        let admin = member(&server, &format!("admin-{number}"), "admin");
        let admin = own_session(&server, &admin).await;
        let guest = member(&server, &format!("guest-{number}"), "viewer");
        let began = ConsoleClient::nobody(&server)
            .begin(&link(&admin, &guest).await, &[])
            .await;
        let unused = link(&admin, &guest).await;
        assert!(is_alive(&began).await, "{end:?}");
        let command = [&["member"], end].concat();
        let done = run(server.directory(), &command, "");
        assert!(done.status.success(), "{end:?}: {done:?}");
        assert!(!is_alive(&began).await, "{end:?}");
        assert!(!works(&server, &unused).await, "{end:?}");
    }
}

/// Signing out does not end an invitation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_outlives_signing_out() {
    let server = Server::start();
    let admin = own_session(&server, &member(&server, "ada", "admin")).await;
    let guest = member(&server, "bob", "viewer");
    let link = link(&admin, &guest).await;
    admin.send("/sign-out", &[]).await;
    assert!(works(&server, &link).await);
}

/// A session from a member's link can't create a credential that would outlive it, and the error gives a remedy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_by_a_members_link_makes_no_credential() {
    let server = Server::start();
    let admin = own_session(&server, &member(&server, "ada", "admin")).await;
    let guest = member(&server, "bob", "admin");
    let began = ConsoleClient::nobody(&server)
        .begin(&link(&admin, &guest).await, &[])
        .await;
    let path = format!("/members/{}/link", guest["id"].as_str().unwrap());
    let token = [("name", "ci"), ("role", "viewer"), ("expires_days", "")];
    for (path, fields) in [(&*path, &[][..]), ("/tokens", &token)] {
        let refused = began.try_to_send(path, fields).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(
            refused.body.contains("sign in with your password"),
            "{}",
            refused.body
        );
    }
}
