//! A missing sealing key is reported and never replaced.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::support::node;
use crate::support::{Server, run, run_as_is};

/// Runs a command on a data directory, checks the exit code, and returns both outputs.
fn says(directory: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(directory, arguments, "");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_restored_store_waits_for_its_key() {
    let mut server = Server::start();
    let data = server.directory().to_owned();
    server.create("signed", &["--signature", "standard-webhooks"]);
    let scratch = tempfile::tempdir().unwrap();
    let (backup, restored) = (scratch.path().join("b.db"), scratch.path().join("restored"));
    says(&data, &["backup", backup.to_str().unwrap()], 0);
    server.signal("-TERM");
    says(&restored, &["restore", backup.to_str().unwrap()], 0);
    let key = restored.join("sealing.key");
    for command in [
        &["webhook", "list"][..],
        &["webhook", "create", "w"],
        &["migrate"],
        &["dev", "--gate", "127.0.0.1:0"],
    ] {
        let said = says(&restored, command, 2);
        assert!(
            said.contains(key.to_str().unwrap()) && said.contains("is missing"),
            "{said}"
        );
        assert!(said.contains("copy the sealing key"), "{said}");
        assert!(!key.exists(), "{command:?} made a key");
    }
    assert!(says(&restored, &["doctor"], 0).contains("sealing.key is missing"));
    fs::write(&key, [7; 32]).unwrap();
    for command in [&["webhook", "list"][..], &["dev", "--gate", "127.0.0.1:0"]] {
        assert!(says(&restored, command, 2).contains("is not the key of this store"));
    }
    assert!(says(&restored, &["doctor"], 0).contains("is not the key of this store"));
    fs::copy(data.join("sealing.key"), &key).unwrap();
    says(&restored, &["webhook", "list"], 0);
    assert!(!says(&restored, &["doctor"], 0).contains("sealing key"));
}

#[test]
fn a_wrong_path_in_the_configuration_makes_no_key() {
    let scratch = tempfile::tempdir().unwrap();
    let store = scratch.path().join("store");
    says(&store, &["migrate"], 0);
    says(&store, &["webhook", "list"], 0);
    fs::create_dir(scratch.path().join("node")).unwrap();
    node::configure(
        &scratch.path().join("node"),
        &format!("sqlite:{}", store.display()),
    );
    let config = scratch.path().join("node").join(node::CONFIG);
    let list = || {
        run_as_is(
            &[
                "webhook".as_ref(),
                "list".as_ref(),
                "--config".as_ref(),
                config.as_os_str(),
            ],
            "",
        )
    };
    let output = list();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("store.sealing_key_file") && said.contains("is missing"),
        "{said}"
    );
    let key = scratch.path().join("node/sealing.key");
    assert!(!key.exists());
    fs::copy(store.join("sealing.key"), &key).unwrap();
    assert_eq!(list().status.code(), Some(0));
}

/// A store whose server has its key elsewhere: a command that knows only the data directory would seal with a key that the
/// server does not have.
#[test]
fn a_command_on_the_directory_alone_makes_no_second_key() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    node::lay_out(scratch.path(), &format!("sqlite:{}", data.display()));
    let mut server = node::serve(scratch.path(), "warn", Stdio::inherit(), &[]);
    server.kill().unwrap();
    server.wait().unwrap();
    for create in [
        &["webhook", "create", "w", "--signature", "standard-webhooks"][..],
        &["webhook", "create", "w"],
        &["sign-in-link"],
    ] {
        let said = says(&data, create, 2);
        assert!(
            said.contains("sealing.key") && said.contains("is missing"),
            "{said}"
        );
        assert!(!data.join("sealing.key").exists(), "{create:?} made a key");
    }
}

#[test]
fn a_key_without_a_fingerprint_has_to_open_what_is_sealed() {
    let mut server = Server::start();
    let data = server.directory().to_owned();
    server.create("signed", &["--signature", "standard-webhooks"]);
    server.signal("-TERM");
    crate::support::sql(&data, "DELETE FROM settings WHERE key = 'sealing_key'");
    let key = data.join("sealing.key");
    let right = fs::read(&key).unwrap();
    fs::write(&key, [7; 32]).unwrap();
    assert!(says(&data, &["webhook", "list"], 2).contains("is not the key of this store"));
    fs::remove_file(&key).unwrap();
    assert!(says(&data, &["webhook", "list"], 2).contains("is missing"));
    assert!(!key.exists());
    fs::write(&key, right).unwrap();
    says(&data, &["webhook", "list"], 0);
    assert!(!says(&data, &["doctor"], 0).contains("sealing key"));
    crate::support::sql(
        &data,
        "UPDATE webhooks SET signing_secret = x'00' WHERE signing_secret IS NOT NULL",
    );
    assert!(says(&data, &["doctor"], 0).contains("does not open the signing secret"));
}
