//! Members, tokens, sign-in links and the audit trail on the command line.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;

use hookgate_testkit::postgres::Postgres;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::node;
use crate::support::{Store, place, run, run_as_is, sql};

/// An empty store, without a server.
fn store() -> TempDir {
    let directory = TempDir::new().unwrap();
    if crate::STORE == Store::Postgres {
        node::lay_out(directory.path(), &Postgres::shared().database().unwrap());
    }
    let made = run(directory.path(), &["migrate"], "");
    assert!(made.status.success(), "{made:?}");
    directory
}

fn run_json(directory: &Path, arguments: &[&str], input: &str) -> Value {
    let output = run(directory, arguments, input);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let failure: Value = serde_json::from_slice(&output.stderr).unwrap();
    failure["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn the_first_link_makes_the_owner_and_later_ones_do_not() {
    let store = store();
    let first = run_json(store.path(), &["sign-in-link"], "");
    let second = run_json(store.path(), &["sign-in-link"], "");
    assert_eq!(first["member"]["role"], "owner");
    assert_eq!(first["member"]["has_password"], false);
    assert_eq!(first["member"]["id"], second["member"]["id"]);
    let links = [&first, &second].map(|link| link["sign_in"].as_str().unwrap());
    assert_ne!(links[0], links[1]);
    for link in links {
        let (console, secret) = link.split_once("/sign-in/hgl_").unwrap();
        assert!(console.starts_with("https://localhost:"), "{console}");
        assert_eq!(secret.len(), 38);
    }
    assert_eq!(
        sql(store.path(), "SELECT count(*) FROM sign_in_links").trim(),
        "1"
    );
    refused(&run(store.path(), &["sign-in-link", "nobody"], ""), 3);
}

#[test]
fn a_link_alone_is_printed_for_people() {
    let store = store();
    let place = place(store.path());
    let arguments = [OsStr::new("sign-in-link"), place[0].as_ref(), place[1].as_ref()];
    let output = run_as_is(&arguments, "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("https://localhost:") && text.contains("/sign-in/hgl_") && text.lines().count() == 1
    );
}

#[test]
fn members_come_change_and_go() {
    let store = store();
    let data = store.path();
    run_json(data, &["sign-in-link"], "");
    let ada = run_json(
        data,
        &["member", "add", "Ada@example.org", "--role", "admin"],
        "correct horse battery\n",
    );
    assert_eq!(ada["has_password"], true);
    assert!(ada.get("sign_in").is_none());
    let stored = sql(
        data,
        "SELECT password FROM members WHERE name_key = 'ada@example.org'",
    );
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");

    let bob = run_json(data, &["member", "add", "bob", "--role", "viewer"], "");
    assert_eq!(bob["has_password"], false);
    assert!(bob["sign_in"].as_str().unwrap().contains("/sign-in/hgl_"));

    let taken = ["member", "add", "ADA@example.org", "--role", "viewer"];
    refused(&run(data, &taken, ""), 4);
    let short = ["member", "add", "eve", "--role", "viewer"];
    assert!(refused(&run(data, &short, "short\n"), 2).contains("8 characters"));

    let changed = run_json(data, &["member", "role", "BOB", "operator"], "");
    assert_eq!(
        (&changed["id"], &changed["role"]),
        (&bob["id"], &Value::from("operator"))
    );
    let last = refused(&run(data, &["member", "role", "owner", "viewer"], ""), 4);
    assert!(last.contains("last owner"), "{last}");
    refused(&run(data, &["member", "remove", "owner"], ""), 4);
    run_json(data, &["member", "remove", bob["id"].as_str().unwrap()], "");
    refused(&run(data, &["member", "remove", "bob"], ""), 3);
    let names: Vec<_> = run_json(data, &["member", "list"], "")["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["owner", "Ada@example.org"]);
    let page = run_json(data, &["member", "list", "--limit", "1"], "");
    let cursor = page["next"].as_str().unwrap();
    let rest = run_json(data, &["member", "list", "--cursor", cursor], "");
    assert_eq!(rest["items"][0]["name"], "Ada@example.org");
}

#[test]
fn a_token_is_shown_once_and_dies_when_revoked() {
    let store = store();
    let data = store.path();
    let made = run_json(
        data,
        &["token", "create", "backup", "--role", "viewer", "--expires", "7"],
        "",
    );
    let secret = made["token"].as_str().unwrap();
    assert!(secret.starts_with("hgt_") && secret.len() == 42);
    assert_eq!(
        (&made["state"], &made["role"]),
        (&"live".into(), &"viewer".into())
    );
    assert!(made["expires_at"].is_string() && made["last_used_at"].is_null());
    let noted = run_json(data, &["audit", "list", "--act", "token.create"], "");
    assert_eq!(noted["items"][0]["after"]["expires_in_days"], 7);

    run_json(data, &["token", "create", "backup", "--role", "admin"], "");
    refused(&run(data, &["token", "revoke", "backup"], ""), 2);
    let id = made["id"].as_str().unwrap();
    assert_eq!(run_json(data, &["token", "revoke", id], "")["state"], "revoked");
    refused(&run(data, &["token", "revoke", id], ""), 4);
    // The name is unique again after one of the two tokens is revoked.
    run_json(data, &["token", "revoke", "backup"], "");
    refused(&run(data, &["token", "revoke", "backup"], ""), 3);
    let list = run(data, &["token", "list"], "");
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(!list.contains("hgt_"), "{list}");
}

/// Does an act of each kind, and returns the secrets that were shown.
fn administer(data: &Path) -> (String, Vec<String>) {
    let signed = ["webhook", "create", "alerts", "--signature", "standard-webhooks"];
    let created = run_json(data, &signed, "");
    let renamed = [
        "webhook",
        "edit",
        "alerts",
        "--name",
        "alarms",
        "--allow",
        "192.0.2.0/24",
    ];
    run_json(data, &renamed, "");
    let resigned = ["webhook", "edit", "alarms", "--signature", "standard-webhooks"];
    let resigned = run_json(data, &resigned, "");
    let fresh = run_json(data, &["webhook", "regenerate", "alarms"], "");
    run_json(data, &["webhook", "revoke", "alarms", "--yes"], "");
    let token = run_json(data, &["token", "create", "t", "--role", "admin"], "");
    let ada = ["member", "add", "ada", "--role", "viewer"];
    run_json(data, &ada, "correct horse battery\n");
    let link = run_json(data, &["sign-in-link", "ada"], "");
    let shown = [
        &created["url"],
        &created["signing_secret"],
        &resigned["signing_secret"],
        &fresh["url"],
        &token["token"],
        &link["sign_in"],
    ];
    let last = |text: &Value| text.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    (
        created["handle"].as_str().unwrap().to_owned(),
        shown.into_iter().map(last).collect(),
    )
}

#[test]
fn the_trail_tells_who_did_what_and_no_secret() {
    let store = store();
    let data = store.path();
    let (handle, secrets) = administer(data);
    let trail = run_json(data, &["audit", "list"], "");
    let entries = trail["items"].as_array().unwrap();
    let acts: Vec<_> = entries.iter().rev().map(|entry| &entry["act"]).collect();
    let expected = [
        "webhook.create",
        "webhook.edit",
        "webhook.edit",
        "webhook.regenerate",
        "webhook.revoke",
        "token.create",
        "member.add",
        "sign_in_link.create",
    ];
    assert_eq!(acts, expected);
    for entry in entries {
        assert_eq!(entry["actor"]["kind"], "command_line");
        assert!(!entry["actor"]["name"].as_str().unwrap().is_empty());
        assert!(entry["from"].is_null() && entry["at"].is_string());
    }
    let edits: Vec<_> = entries
        .iter()
        .rev()
        .filter(|entry| entry["act"] == "webhook.edit")
        .map(|edit| (&edit["before"], &edit["after"]))
        .collect();
    let before = json!({"name": "alerts", "allowlist": "any"});
    let after = json!({"name": "alarms", "allowlist": "192.0.2.0/24"});
    assert_eq!(edits[0], (&before, &after));
    assert_eq!(edits[1], (&Value::Null, &json!({"signing_secret": "changed"})));
    assert!(entries.iter().any(|entry| entry["subject"]["id"] == handle));

    let text = trail.to_string();
    let others = ["correct horse battery".to_owned(), "argon2".to_owned()];
    for secret in secrets.iter().chain(&others) {
        assert!(!text.contains(secret.as_str()), "{secret}");
    }
}

#[test]
fn the_trail_is_paged_and_filtered() {
    let store = store();
    let data = store.path();
    let (handle, _) = administer(data);
    let count = |page: &Value| page["items"].as_array().unwrap().len();
    let page = run_json(data, &["audit", "list", "--limit", "3"], "");
    let next = page["next"].as_str().unwrap();
    let rest = run_json(data, &["audit", "list", "--cursor", next], "");
    assert_eq!((count(&page), count(&rest), &rest["next"]), (3, 5, &Value::Null));
    let revoked = ["audit", "list", "--act", "webhook.revoke", "--subject", &handle];
    assert_eq!(count(&run_json(data, &revoked, "")), 1);
    let unknown = run(data, &["audit", "list", "--actor", "nobody"], "");
    assert_eq!(unknown.status.code(), Some(3), "{unknown:?}");
}

#[test]
fn the_trail_is_exported_and_the_export_is_on_it() {
    let store = store();
    let data = store.path();
    administer(data);
    let export = ["audit", "export", "--act", "webhook.create", "--format", "ndjson"];
    let entry = run_json(data, &export, "");
    assert_eq!(entry["act"], "webhook.create");
    assert!(
        entry["change"].as_str().unwrap().contains("allowlist: any"),
        "{entry}"
    );
    let trail = run_json(data, &["audit", "list", "--act", "audit"], "");
    let asked = serde_json::json!({"act": "webhook.create", "format": "ndjson"});
    assert_eq!(trail["items"][0]["after"], asked);
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let store = store();
    for arguments in [
        &["audit", "list", "--act", "nonsense"][..],
        &["audit", "list", "--cursor", "nonsense"],
        &["token", "create", "t", "--role", "king"],
        &["token", "create", "hgt_t", "--role", "viewer"],
        &["member", "add", " ", "--role", "viewer"],
    ] {
        assert_eq!(
            run(store.path(), arguments, "").status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
}

/// The trail is append-only in the database too.
#[test]
fn an_entry_is_never_changed() {
    let store = store();
    run_json(store.path(), &["sign-in-link"], "");
    let statement = "UPDATE audit SET actor_name = 'somebody else'";
    assert!(std::panic::catch_unwind(|| sql(store.path(), statement)).is_err());
}
