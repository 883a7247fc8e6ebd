//! Environment variables: each one affects the current command, or the command says that it does not.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::HOOKGATE;
use crate::support::node;

/// Runs a command in a directory, without Hookgate's variables from this process.
fn run(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let output: Output = Command::new(HOOKGATE)
        .args(arguments)
        .env_remove("HOOKGATE_TEST_SCALE")
        .envs(environment.iter().copied())
        .current_dir(directory)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_variable_that_no_command_knows_is_refused_by_all_that_read_one() {
    let scratch = tempfile::tempdir().unwrap();
    let misspelt = [("HOOKGATE_PUBLIC_ULR", "https://hooks.example.org")];
    for arguments in [
        &["dev", "--gate", "127.0.0.1:0"][..],
        &["webhook", "list"],
        &["webhook", "list", "--data", "data"],
        &["migrate", "--data", "data"],
        &["doctor"],
        &["backup", "file"],
        &["restore", "file", "--verify"],
        &["db", "copy", "--from", "sqlite:a", "--to", "sqlite:b"],
    ] {
        let (code, said) = run(scratch.path(), arguments, &misspelt);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        let expected = "HOOKGATE_PUBLIC_ULR: unknown variable; did you mean HOOKGATE_PUBLIC_URL?";
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    assert_eq!(
        run(scratch.path(), &["completions", "bash"], &misspelt).0,
        Some(0)
    );
    assert_eq!(
        std::fs::read_dir(scratch.path()).unwrap().count(),
        0,
        "nothing was made"
    );
}

#[test]
fn a_store_in_the_environment_is_never_passed_over_in_silence() {
    let scratch = tempfile::tempdir().unwrap();
    let at = scratch.path();
    assert_eq!(run(at, &["migrate", "--data", "data"], &[]).0, Some(0));
    for variable in [
        ("HOOKGATE_STORE_URL", "sqlite:other"),
        ("HOOKGATE_STORE_URL_FILE", "other"),
        ("HOOKGATE_STORE_SEALING_KEY_FILE", "other"),
    ] {
        let (code, said) = run(at, &["webhook", "list"], &[variable]);
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains(variable.0) && said.contains("--config FILE"),
            "{said}"
        );
        let (code, said) = run(at, &["webhook", "list"], &[variable, ("HOOKGATE_DATA", "data")]);
        assert_eq!(code, Some(2), "both are the environment's: {said}");
        let (code, said) = run(at, &["webhook", "list", "--data", "data"], &[variable]);
        assert_eq!(code, Some(0), "what is typed wins: {said}");
        assert!(said.contains(&format!("{} is not used", variable.0)), "{said}");
    }
    let url = ("HOOKGATE_PUBLIC_URL", "https://hooks.example.org");
    let (code, said) = run(at, &["webhook", "create", "w", "--data", "data"], &[url]);
    assert_eq!(code, Some(0));
    assert!(
        said.contains("HOOKGATE_PUBLIC_URL is not used without --config"),
        "{said}"
    );
    // These commands allow the settings of a server.
    let shared = [
        ("HOOKGATE_GATE_LISTEN", "0.0.0.0:8443"),
        ("HOOKGATE_LOG_LEVEL", "info"),
    ];
    assert_eq!(
        run(at, &["webhook", "show", "w", "--data", "data"], &shared),
        (Some(0), String::new())
    );
}

#[test]
fn dev_takes_a_variable_or_refuses_it() {
    let scratch = tempfile::tempdir().unwrap();
    let dev = ["dev", "--gate", "127.0.0.1:0"];
    for (name, value, what) in [
        (
            "HOOKGATE_GATE_LISTEN",
            "127.0.0.1:0",
            "not used by `hookgate dev`",
        ),
        ("HOOKGATE_STORE_URL", "sqlite:data", "not used by `hookgate dev`"),
        ("HOOKGATE_STORE_KEEP_DAYS", "7", "not used by `hookgate dev`"),
        ("HOOKGATE_LOG_LEVEL", "loud", "HOOKGATE_LOG_LEVEL: "),
        ("HOOKGATE_ADDRESSES_REFRESH_HOURS", "0", "must be 1 to 720 hours"),
        (
            "HOOKGATE_ADDRESSES_CA",
            "none.pem",
            "addresses.ca: can't use none.pem",
        ),
    ] {
        let (code, said) = run(scratch.path(), &dev, &[(name, value)]);
        assert_eq!(code, Some(2), "{name}: {said}");
        assert!(said.contains(what), "{name}: {said}");
    }
    assert_eq!(
        std::fs::read_dir(scratch.path()).unwrap().count(),
        0,
        "nothing was made"
    );
}

#[test]
fn an_option_that_names_a_store_in_vain_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    for arguments in [
        &[
            "db", "copy", "--from", "sqlite:a", "--to", "sqlite:b", "--data", "c",
        ][..],
        &["config", "init", "--config", "c"],
        &["completions", "bash", "--data", "c"],
    ] {
        let (code, said) = run(scratch.path(), arguments, &[]);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains("can't be used here"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_server_checks_its_files_before_it_touches_the_store() {
    let scratch = tempfile::tempdir().unwrap();
    let at = scratch.path();
    // Nothing answers there, and a server would wait half a minute.
    node::lay_out(at, "postgres://hookgate:x@127.0.0.1:9/hookgate?sslmode=disable");
    std::fs::write(at.join("console.pem"), "no certificate").unwrap();
    std::fs::remove_file(at.join("gate.key")).unwrap();
    let pair = [
        ("HOOKGATE_CONSOLE_CERTIFICATE", "console.pem"),
        ("HOOKGATE_CONSOLE_KEY", "console.pem"),
        ("HOOKGATE_ADDRESSES_CA", "none.pem"),
    ];
    let wrong = [
        "gate.key: can't read",
        "console.certificate: can't use",
        "addresses.ca: can't use",
    ];
    let (code, said) = run(at, &["serve", "--config", node::CONFIG], &pair);
    assert_eq!(code, Some(2), "{said}");
    assert!(wrong.iter().all(|what| said.contains(what)), "{said}");
    assert!(
        !said.contains("trying again"),
        "the database was not waited for: {said}"
    );
    assert!(!at.join("sealing.key").exists());
    let output = Command::new(HOOKGATE)
        .args(["doctor", "--config", node::CONFIG])
        .envs(pair)
        .current_dir(at)
        .output()
        .unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(5), "{found}");
    assert!(wrong.iter().all(|what| found.contains(what)), "{found}");
}
