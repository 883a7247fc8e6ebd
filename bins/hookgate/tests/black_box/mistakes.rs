//! Mistakes in files and arguments: each is found before a server starts, and no message repeats a secret.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::every_store::needles::Needles;
use crate::support::node::{self, CONFIG};
use crate::support::run_as_is;

fn embedded() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    node::lay_out(directory.path(), "sqlite:data");
    directory
}

/// Runs a command on the configuration in this directory.
fn run(directory: &Path, arguments: &[&str]) -> Output {
    let config = directory.join(CONFIG);
    let mut all: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    all.extend([OsStr::new("--config"), config.as_os_str()]);
    run_as_is(&all, "")
}

fn said(output: &Output) -> String {
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    format!("{out}{err}")
}

#[test]
fn a_broken_key_is_named_and_never_printed() {
    let directory = embedded();
    let path = directory.path().join("gate.key");
    let key = fs::read_to_string(&path).unwrap();
    let mut needles = Needles::default();
    for line in key.lines().filter(|line| !line.starts_with("---")) {
        needles.add("the key", &line.as_bytes()[..24]);
    }
    for (broken, words) in [
        (
            key.replace('\n', ""),
            "is one line: a PEM file needs its line breaks",
        ),
        (key.replace('\n', "\\n"), "line breaks"),
        (key.replace("-----END", "--END"), "without its END marker"),
        (key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), "encrypted"),
        (
            key.replace("PRIVATE KEY", "CERTIFICATE"),
            "were the two files exchanged?",
        ),
    ] {
        fs::write(&path, &broken).unwrap();
        for command in [
            &["serve"][..],
            &["config", "check"],
            &["config", "check", "--json"],
            &["doctor", "--json"],
        ] {
            let output = run(directory.path(), command);
            let text = said(&output);
            needles.must_not_be_in(&command.join(" "), text.as_bytes());
            if command[0] != "doctor" {
                assert_eq!(output.status.code(), Some(2), "{command:?}: {text}");
                assert!(text.contains(words), "{command:?}: {text}");
            }
        }
    }
}

#[test]
fn the_check_finds_what_a_start_would_find() {
    let directory = embedded();
    let at = |name: &str| directory.path().join(name);
    let check = || run(directory.path(), &["config", "check"]);
    assert!(check().status.success(), "{}", said(&check()));
    assert!(!at("data").exists(), "the check creates nothing");
    let (chain, key) = (
        fs::read(at("gate.pem")).unwrap(),
        fs::read(at("gate.key")).unwrap(),
    );
    let mut mistakes = 0;
    for (name, content) in [
        ("gate.pem", &b""[..]),
        ("gate.pem", &key),
        ("gate.key", &chain),
        ("gate.key", b"\x30\x82"),
        ("gate.pem", b"\xFF\xFE-\0-\0"),
        ("data", b"not a directory"),
    ] {
        let before = fs::read(at(name)).ok();
        fs::write(at(name), content).unwrap();
        let output = check();
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
        mistakes += 1;
        match before {
            Some(before) => fs::write(at(name), before).unwrap(),
            None => fs::remove_file(at(name)).unwrap(),
        }
    }
    fs::remove_file(at("gate.key")).unwrap();
    assert!(said(&check()).contains("can't read"), "{}", said(&check()));
    assert_eq!(mistakes, 6);
}

#[test]
fn arguments_with_secrets_are_not_repeated() {
    let directory = embedded();
    let mut needles = Needles::default();
    needles.add("the password", b"hunter2-Zq7-correct");
    needles.add_id("the ID", "wh_7Kd0nQzR4mT8vXb1Lc5Yh2Js9Wf6Gp3Ea0Ui4OqZ");
    let url = "postgres://u:hunter2-Zq7-correct@db/h?sslmode=prefer";
    let token = format!("hgt_{}", "hunter2-Zq7-correct");
    for arguments in [
        &["db", "copy", "--from", url, "--to", "sqlite:x"][..],
        &["db", "copy", &format!("--from={url}"), "--to", "sqlite:x"],
        &["webhook", "which", &token],
        &["member", "add", "ada", "hunter2-Zq7-correct"],
        &["webhook", "which", &token, "--json"],
    ] {
        let output = run(directory.path(), arguments);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        needles.must_not_be_in("the message", text.as_bytes());
        assert!(text.contains("(hidden)"), "{text}");
    }
    fs::write(
        directory.path().join(CONFIG),
        "\"postgres://u:hunter2-Zq7-correct@db\" = 1\n",
    )
    .unwrap();
    let output = run(directory.path(), &["config", "check"]);
    needles.must_not_be_in("an unknown key", said(&output).as_bytes());
    for path in ["~/data", "$HOME/data"] {
        let output = run_as_is(&["--data", path, "webhook", "list"].map(OsStr::new), "");
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(said(&output).contains("only shells expand"), "{}", said(&output));
    }
}

/// Passes every secret in every place in which a command expects another value.
#[test]
fn no_error_of_the_command_line_repeats_a_secret() {
    let directory = embedded();
    let digits = "7Kd0nQzR4mT8vXb1Lc5Yh2Js9Wf6Gp3Ea0Ui4O";
    let mut needles = Needles::default();
    needles.add("the digits", digits.as_bytes());
    for prefix in ["wh_", "hgt_", "hgs_", "hgl_", "whsec_"] {
        let secret = format!("{prefix}{digits}");
        let url = format!("https://hooks.example.org/webhooks/custom/{secret}");
        let list = format!("192.0.2.1,{secret}");
        let option = format!("--name={secret}");
        for arguments in [
            &["webhook", "create", &secret][..],
            &["webhook", "create", &url],
            &["webhook", "create", "a", "--allow", &secret],
            &["webhook", "create", "a", "--allow", &list],
            &["webhook", "show", &secret],
            &["webhook", "edit", "a", "--name", &secret],
            &["webhook", "edit", "a", &option],
            &["webhook", "edit", "a", &format!("--{secret}=1")],
            &["webhook", "which", &url],
            &["token", "create", &secret],
            &["token", "create", "a", "--role", &secret],
            &["token", "revoke", &secret],
            &["member", "add", &secret, "--role", "viewer"],
            &["member", "remove", &secret],
            &["deliveries", "show", &secret],
            &["deliveries", "list", "--webhook", &secret],
            &["deliveries", "list", "--source", &secret],
            &["incidents", "show", &secret],
            &["audit", "list", "--subject", &secret],
            &["sign-in-link", &secret],
            &["addresses", "create", &secret],
            &[&secret],
        ] {
            for json in [&[][..], &["--json"]] {
                let output = run(directory.path(), &[arguments, json].concat());
                assert!(!output.status.success(), "{arguments:?}");
                needles.must_not_be_in(&format!("{arguments:?}"), &output.stdout);
                needles.must_not_be_in(&format!("{arguments:?}"), &output.stderr);
            }
        }
    }
}

#[test]
fn a_server_waits_for_its_database_and_not_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    // No process listens on this port, as with a database that has not started yet.
    let port = hookgate_testkit::ports::reserve().unwrap();
    let url = format!("postgres://u:hunter2-Zq7-correct@127.0.0.1:{port}/h?sslmode=disable");
    node::lay_out(directory.path(), &url);
    fs::write(directory.path().join("sealing.key"), [7; 32]).unwrap();
    let began = Instant::now();
    let output = run(directory.path(), &["serve"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(began.elapsed() >= std::time::Duration::from_secs(25), "{text}");
    assert!(
        text.contains("trying again") && !text.contains("hunter2"),
        "{text}"
    );
    let output = run(directory.path(), &["webhook", "list"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(!text.contains("trying again"), "commands don't wait: {text}");
}
