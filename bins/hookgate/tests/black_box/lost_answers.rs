//! Commands whose output can't be printed: a closed output is an error before any change, and a later failure reports the
//! change.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::{HOOKGATE, Server, place, sql};

/// Runs a command with this shell redirection of its standard output.
fn redirected(server: &Server, arguments: &[&str], redirection: &str) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$@\" {redirection}"), "sh", HOOKGATE]);
    command
        .args(arguments)
        .args(place(server.directory()))
        .arg("--json");
    command.stdin(Stdio::null()).output().unwrap()
}

fn audited(server: &Server) -> usize {
    server.json(&["audit", "list"])["items"].as_array().unwrap().len()
}

const WITH_SECRETS: [&[&str]; 6] = [
    &["webhook", "create", "w"],
    &["webhook", "regenerate", "demo"],
    &["webhook", "edit", "demo", "--signature", "standard-webhooks"],
    &["token", "create", "t", "--role", "viewer"],
    &["member", "add", "ada@example.org", "--role", "viewer"],
    &["sign-in-link"],
];

#[test]
fn a_closed_output_is_refused_before_a_secret_is_made() {
    let server = Server::start();
    let before = audited(&server);
    for arguments in WITH_SECRETS {
        let output = redirected(&server, arguments, ">&-");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("nothing was done"), "{said}");
    }
    assert_eq!(audited(&server), before);
    let wanted = redirected(
        &server,
        &["token", "create", "u", "--role", "viewer"],
        "> /dev/null",
    );
    assert_eq!(wanted.status.code(), Some(0), "nobody wants that answer");
}

#[test]
fn an_answer_that_is_lost_is_told_with_what_was_done() {
    let server = Server::start();
    let changes: [&[&str]; 4] = [
        &["webhook", "edit", "demo", "--per-minute", "7"],
        &["member", "role", "ada@example.org", "operator"],
        &["member", "remove", "ada@example.org"],
        &["webhook", "revoke", "demo", "--yes"],
    ];
    for (arguments, has_secret) in WITH_SECRETS
        .iter()
        .map(|arguments| (arguments, true))
        .chain(changes.iter().map(|arguments| (arguments, false)))
    {
        let output = redirected(&server, arguments, "> /dev/full");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        let said: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(said["error"]["code"], "OUTPUT_FAILED");
        let message = said["error"]["message"].as_str().unwrap();
        assert!(message.contains("could not be printed"), "{message}");
        assert_eq!(message.contains("run `hookgate "), has_secret, "{message}");
        assert!(
            !message.contains("https://") && !message.contains("hgt_"),
            "{message}"
        );
    }
}

#[test]
fn a_reader_that_has_gone_ends_a_list_and_not_a_change() {
    let server = Server::start();
    let gone = |arguments| {
        let mut command = Command::new(HOOKGATE);
        command
            .args::<[&str; 3], _>(arguments)
            .args(place(server.directory()));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        child.wait_with_output().unwrap()
    };
    let changed = gone(["webhook", "regenerate", "demo"]);
    assert_eq!(changed.status.code(), Some(1), "{changed:?}");
    let said = String::from_utf8(changed.stderr).unwrap();
    assert!(
        said.contains("has a new URL") && said.contains("regenerate"),
        "{said}"
    );
    assert_eq!(gone(["webhook", "show", "demo"]).status.code(), Some(0));
}

#[test]
fn an_edit_and_a_new_signing_secret_are_one_change() {
    let server = Server::start();
    let before = audited(&server);
    let edit = [
        "webhook",
        "edit",
        "demo",
        "--per-minute",
        "7",
        "--signature",
        "standard-webhooks",
    ];
    let edited = server.json(&edit);
    assert_eq!(
        (&edited["per_minute"], &edited["signature"]),
        (&7.into(), &"standard-webhooks".into())
    );
    assert!(edited["signing_secret"].as_str().is_some());
    assert_eq!(audited(&server), before + 1);
    // The change is atomic: if one part fails, no part is stored.
    sql(
        server.directory(),
        "CREATE TRIGGER stop BEFORE UPDATE OF signing_secret ON webhooks BEGIN SELECT RAISE(ABORT, 'stop'); END",
    );
    let edit = [
        "webhook",
        "edit",
        "demo",
        "--per-minute",
        "9",
        "--signature",
        "standard-webhooks",
    ];
    assert!(!redirected(&server, &edit, "").status.success());
    assert_eq!(server.json(&["webhook", "show", "demo"])["per_minute"], 7);
}

#[test]
fn a_member_without_the_link_is_told_as_such() {
    let server = Server::start();
    sql(
        server.directory(),
        "CREATE TRIGGER stop BEFORE INSERT ON sign_in_links BEGIN SELECT RAISE(ABORT, 'stop'); END",
    );
    let add = ["member", "add", "ada@example.org", "--role", "viewer"];
    let output = redirected(&server, &add, "");
    assert!(!output.status.success(), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stderr).unwrap();
    let message = said["error"]["message"].as_str().unwrap();
    assert!(
        message
            .starts_with("the member ada@example.org was added, but its sign-in link could not be created (")
            && message.ends_with("): run `hookgate sign-in-link ada@example.org` for another link"),
        "{message}"
    );
    sql(server.directory(), "DROP TRIGGER stop");
    server.json(&["sign-in-link", "ada@example.org"]);
}
