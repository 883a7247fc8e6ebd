//! A store moves to a server and back, and to a file and back.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use hookgate_testkit::https::Http;
use hookgate_testkit::postgres::Postgres;
use serde_json::Value;

use crate::support::node;
use crate::support::{Server, run, run_as_is};

fn hookgate(arguments: &[&OsStr], code: i32) -> Value {
    let output = run_as_is(&[arguments, &["--json".as_ref()]].concat(), "");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    let text = if code == 0 { output.stdout } else { output.stderr };
    serde_json::from_slice(&text).unwrap()
}

async fn filled() -> Server {
    let server = Server::start();
    for title in ["it's one", "two"] {
        let body = format!(r#"{{"title":"{title}","dedup_key":"{title}"}}"#);
        let answer = server.post(Http::One, &server.demo_url(), &body).await;
        assert_eq!(answer.status, 201);
    }
    server.post(Http::One, &server.demo_url(), "{").await;
    server.deliveries(|all| all.len() == 3).await;
    server
}

fn lists(place: [&OsStr; 2]) -> Vec<Value> {
    let lists = [
        ["webhook", "list"],
        ["deliveries", "list"],
        ["incidents", "list"],
        ["audit", "list"],
    ];
    lists
        .map(|list| {
            let arguments: Vec<_> = list.iter().map(OsStr::new).chain(place).collect();
            hookgate(&arguments, 0)
        })
        .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_moves_to_a_server_and_back() {
    let mut server = filled().await;
    let directory = server.directory().to_owned();
    let copy = |from: &str, to: &str, code| {
        let arguments = ["db", "copy", "--from", from, "--to", to].map(OsStr::new);
        hookgate(&arguments, code)
    };
    let url = Postgres::shared().database().unwrap();
    let embedded = format!("sqlite:{}", directory.display());
    let running = copy(&embedded, &url, 5);
    assert!(
        running["error"]["message"].as_str().unwrap().contains("running"),
        "{running}"
    );
    server.signal("-TERM");
    let file = directory.join("url");
    fs::write(&file, &url).unwrap();
    let copied = copy(&embedded, &format!("@{}", file.display()), 0);
    assert_eq!(copied["tables"]["deliveries"]["rows"], 3);
    assert!(!copied.to_string().contains("not-a-secret"), "{copied}");
    let there = directory.join("node");
    node::lay_out(&there, &url);
    let config = there.join(node::CONFIG);
    let give_key = |to: &Path| fs::copy(directory.join("sealing.key"), to.join("sealing.key")).unwrap();
    give_key(&there);
    let before = lists(["--data".as_ref(), directory.as_os_str()]);
    assert_eq!(lists(["--config".as_ref(), config.as_os_str()]), before);
    assert_eq!(copy(&embedded, &url, 4)["error"]["code"], "REFUSED");
    let back = directory.join("back");
    let returned = copy(&url, &format!("sqlite:{}", back.display()), 0);
    assert_eq!(returned["tables"]["incidents"], copied["tables"]["incidents"]);
    give_key(&back);
    assert_eq!(lists(["--data".as_ref(), back.as_os_str()]), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_written_while_the_server_runs_and_is_a_store_again() {
    let server = filled().await;
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("backup.db");
    let name = file.to_str().unwrap();
    let done = |directory: &Path, arguments: &[&str], code| {
        let output = run(directory, arguments, "");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    };
    done(server.directory(), &["backup", name], 0);
    done(server.directory(), &["backup", name], 4);
    done(server.directory(), &["restore", name, "--verify"], 0);
    done(server.directory(), &["restore", name], 4);
    let restored = scratch.path().join("restored");
    done(&restored, &["restore", name], 0);
    fs::copy(
        server.directory().join("sealing.key"),
        restored.join("sealing.key"),
    )
    .unwrap();
    let place = |directory: &Path| lists(["--data".as_ref(), directory.as_os_str()]);
    assert_eq!(place(&restored), place(server.directory()));
    done(&restored, &["restore", "nowhere", "--verify"], 3);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    fs::write(&file, bytes).unwrap();
    done(&restored, &["restore", name, "--verify"], 1);
    done(&scratch.path().join("other"), &["restore", name], 1);
    assert!(!scratch.path().join("other/hookgate.db").exists());
}
