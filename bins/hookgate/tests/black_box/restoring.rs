//! A backup through a pipe, and a restored store, which reports and ends credentials that must not survive.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use hookgate_testkit::https::Http;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{HOOKGATE, Server, run, sql};

/// A server with a webhook whose URL was revoked after the backup, and the backup.
struct Stage {
    server: Server,
    scratch: TempDir,
    backup: PathBuf,
    /// The URL that is active in the backup.
    revoked: String,
}

impl Stage {
    fn new() -> Self {
        let server = Server::start();
        let revoked = server.create("leaked", &[]);
        let scratch = TempDir::new().unwrap();
        let backup = scratch.path().join("backup.db");
        let output = server_command(server.directory(), &["backup", backup.to_str().unwrap()]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        server.json(&["webhook", "revoke", "leaked", "--yes"]);
        Self {
            server,
            scratch,
            backup,
            revoked,
        }
    }

    /// Restores the backup with these arguments. Returns the new directory and the output.
    fn restore(&self, name: &str, arguments: &[&str]) -> (PathBuf, Output) {
        let to = self.scratch.path().join(name);
        let output = server_command(
            &to,
            &[&["restore", self.backup.to_str().unwrap()], arguments].concat(),
        )
        .output()
        .unwrap();
        assert!(output.status.success(), "{output:?}");
        fs::copy(
            self.server.directory().join("sealing.key"),
            to.join("sealing.key"),
        )
        .unwrap();
        (to, output)
    }
}

fn server_command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(HOOKGATE);
    command
        .args(arguments)
        .arg("--data")
        .arg(directory)
        .stdin(Stdio::null());
    command
}

fn url_state(directory: &Path, url: &str) -> Value {
    let which = run(directory, &["webhook", "which"], url);
    serde_json::from_slice::<Value>(&which.stdout).unwrap()["url_state"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_lives_again_unless_all_urls_are_retired() {
    let stage = Stage::new();
    assert_eq!(url_state(stage.server.directory(), &stage.revoked), "revoked");
    let (plain, output) = stage.restore("plain", &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("work again") && said.contains("--retire-all-urls"),
        "{said}"
    );
    assert_eq!(url_state(&plain, &stage.revoked), "live");
    let (retired, output) = stage.restore("retired", &["--retire-all-urls"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("URLs retired: 2"), "{said}");
    for url in [&stage.revoked, &stage.server.demo_url()] {
        assert_eq!(url_state(&retired, url), "regenerated");
    }
    let audit = run(&retired, &["audit", "list", "--act", "webhook.regenerate"], "");
    let audit: Value = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!(audit["items"].as_array().unwrap().len(), 2);
    let names: Vec<_> = fs::read_dir(&retired)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(!names.iter().any(|name| name == ".hookgate-restore"), "{names:?}");
    let server = Server::start_in(&retired, "warn", Stdio::inherit());
    let old = stage.server.demo_url().replace(
        stage.server.ready["gate"].as_str().unwrap(),
        server.ready["gate"].as_str().unwrap(),
    );
    assert_eq!(server.post(Http::One, &old, r#"{"title":"x"}"#).await.status, 410);
}

#[test]
fn no_session_or_sign_in_link_lives_in_a_restored_store() {
    let stage = Stage::new();
    let count = |directory: &Path| {
        let counted = sql(
            directory,
            "SELECT (SELECT COUNT(*) FROM sessions) + (SELECT COUNT(*) FROM sign_in_links)",
        );
        counted.trim().parse::<u32>().unwrap()
    };
    assert!(count(stage.server.directory()) > 0);
    let (restored, _) = stage.restore("restored", &[]);
    assert_eq!(count(&restored), 0);
}

/// The log of a deleted database belongs to another store than the backup: replaying it would damage the restored database.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_beside_a_leftover_log_is_refused() {
    let mut server = Server::start();
    let scratch = TempDir::new().unwrap();
    let backup = scratch.path().join("b.db");
    let send = async |server: &Server, times| {
        for _ in 0..times {
            let answer = server
                .post(Http::Two, &server.demo_url(), r#"{"title":"t"}"#)
                .await;
            assert_eq!(answer.status, 201);
        }
    };
    send(&server, 30).await;
    let data = server.directory().to_owned();
    let restore = || {
        server_command(&data, &["restore", backup.to_str().unwrap()])
            .output()
            .unwrap()
    };
    let made = server_command(&data, &["backup", backup.to_str().unwrap()]).output();
    assert!(made.unwrap().status.success());
    send(&server, 20).await;
    server.signal("-KILL");
    let log = data.join("hookgate.db-wal");
    assert!(log.metadata().unwrap().len() > 0, "the log is not empty");
    fs::remove_file(data.join("hookgate.db")).unwrap();
    let output = restore();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(log.to_str().unwrap()), "{said}");
    for part in ["hookgate.db-wal", "hookgate.db-shm"] {
        fs::rename(data.join(part), scratch.path().join(part)).unwrap();
    }
    assert!(restore().status.success());
    assert_eq!(sql(&data, "PRAGMA integrity_check").trim(), "ok");
    assert_eq!(sql(&data, "SELECT count(*) FROM deliveries").trim(), "30");
}

#[test]
fn a_backup_goes_through_pipes() {
    let stage = Stage::new();
    let to = stage.scratch.path().join("piped");
    let piped = stage.scratch.path().join("piped.db");
    let output = server_command(stage.server.directory(), &["backup", "-"])
        .stdout(File::create(&piped).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("sealing key"));
    let restore = |from: Stdio| {
        server_command(&to, &["restore", "-"])
            .stdin(from)
            .output()
            .unwrap()
    };
    let broken = stage.scratch.path().join("broken");
    fs::write(&broken, &fs::read(&piped).unwrap()[..5000]).unwrap();
    let output = restore(File::open(&broken).unwrap().into());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("standard input")
    );
    assert!(!to.join("hookgate.db").exists());
    let output = restore(File::open(&piped).unwrap().into());
    assert!(output.status.success(), "{output:?}");
    assert!(to.join("hookgate.db").exists());
    let data = stage.server.directory();
    let full = server_command(data, &["backup", "-"])
        .stdout(File::options().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(full.status.code(), Some(1));
    assert!(
        String::from_utf8(full.stderr)
            .unwrap()
            .contains("the backup is incomplete")
    );
    let left = fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        !left
            .into_iter()
            .any(|name| name.to_string_lossy().starts_with("backup-stream"))
    );
}
