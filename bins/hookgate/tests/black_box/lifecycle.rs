//! The life of a server: start, stop, and the time in between.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use hookgate_testkit::https::Http;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{HOOKGATE, Server, comes, run, wants_the_body};

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_what_is_in_flight() {
    let mut server = Server::start();
    let path = server.demo_url()[server.ready["gate"].as_str().unwrap().len()..].to_owned();
    let mut slow = server.client.tls(server.address(), Http::One).await.unwrap();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 13\r\n\r\n{{");
    slow.write_all(head.as_bytes()).await.unwrap();
    let _idle = server.client.connect(server.address(), Http::Two).await.unwrap();
    wants_the_body(&mut slow).await;
    assert!(
        Command::new("kill")
            .args(["-TERM", &server.pid().to_string()])
            .status()
            .unwrap()
            .success()
    );
    comes("the port is closed", async || {
        let again = TcpStream::connect(server.address()).await;
        again.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    })
    .await;
    slow.write_all(br#""title":"t"}"#).await.unwrap();
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).await.unwrap();
    assert!(String::from_utf8(answer).unwrap().starts_with("HTTP/1.1 201 "));
    assert_eq!(
        server.signal("-CONT"),
        Some(0),
        "it ended by itself, with exit code 0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_directory_is_refused() {
    let server = Server::start();
    let second = run(server.directory(), &["dev", "--gate", "127.0.0.1:0"], "");
    assert_eq!(second.status.code(), Some(5));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains("another server"), "{message}");
    assert_eq!(
        server
            .post(Http::One, &server.demo_url(), r#"{"title":"t"}"#)
            .await
            .status,
        201
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_is_for_its_owner_only() {
    let server = Server::start();
    server
        .post(Http::One, &server.demo_url(), r#"{"title":"t"}"#)
        .await;
    let mode = |name: &str| {
        fs::metadata(server.directory().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("."), 0o700);
    for file in [
        "hookgate.db",
        "hookgate.db-wal",
        "gate.key",
        "ca.key",
        "sealing.key",
    ] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

/// By a command, and at the start of a server.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_opened_is_closed_and_links_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let mut server = Server::start_in(&data, "warn", std::process::Stdio::inherit());
    server.signal("-TERM");
    let files = ["hookgate.db", "gate.key", "ca.key", "sealing.key"];
    let mode = |name: &str| fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
    let open = || {
        for name in files {
            fs::set_permissions(data.join(name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let check = || {
        assert_eq!(mode("."), 0o700);
        for name in files {
            assert_eq!(mode(name), 0o600, "{name}");
        }
    };
    open();
    assert!(run(&data, &["webhook", "list"], "").status.success());
    check();
    open();
    let mut server = Server::start_in(&data, "warn", std::process::Stdio::inherit());
    check();
    server.signal("-TERM");

    let elsewhere = scratch.path().join("elsewhere");
    for name in ["sealing.key", "ca.key", "server.lock"] {
        let path = data.join(name);
        fs::rename(&path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        let output = run(&data, &["dev", "--gate", "127.0.0.1:0"], "");
        assert!(!output.status.success(), "{name}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains(path.to_str().unwrap()) && said.contains("a link"),
            "{said}"
        );
        fs::remove_file(&path).unwrap();
        fs::rename(&elsewhere, &path).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_keeps_the_data_and_the_ca() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("data");
    let mut first = Server::start_in(&directory, "warn", std::process::Stdio::inherit());
    let url = first.demo_url();
    let path = url[first.ready["gate"].as_str().unwrap().len()..].to_owned();
    assert_eq!(first.post(Http::One, &url, r#"{"title":"t"}"#).await.status, 201);
    assert_eq!(first.signal("-TERM"), Some(0));
    let second = Server::start_in(&directory, "warn", std::process::Stdio::inherit());
    assert!(second.ready["webhook"].is_null(), "a URL is shown once");
    let url = format!("{}{path}", second.ready["gate"].as_str().unwrap());
    let answer = first
        .client
        .send(Http::Two, crate::support::post(&url, r#"{"title":"t"}"#))
        .await
        .unwrap();
    assert!(answer.body.contains("INC-2"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_takes_up_a_new_certificate_and_keeps_the_old_one_if_the_new_one_is_broken() {
    let scratch = tempfile::tempdir().unwrap();
    let dev = Server::start();
    for file in ["gate.pem", "gate.key", "ca.pem"] {
        fs::copy(dev.directory().join(file), scratch.path().join(file)).unwrap();
    }
    let config = scratch.path().join("hookgate.toml");
    let text = "public_url = \"https://localhost\"\n[store]\nurl = \"sqlite:data\"\n[gate]\nlisten = \"127.0.0.1:0\"\nplain_listen = \"127.0.0.1:0\"\ncertificate = \"gate.pem\"\nkey = \"gate.key\"\n[console]\nlisten = \"127.0.0.1:0\"\n";
    fs::write(&config, text).unwrap();
    let log = scratch.path().join("log");
    let mut child = Command::new(HOOKGATE)
        .args(["serve", "--config"])
        .arg(&config)
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let read = || fs::read_to_string(&log).unwrap();
    let logged = async |words: &str| comes(words, async || read().contains(words)).await;
    logged("serving").await;
    let log = read();
    let line = log.lines().find(|line| line.contains("serving")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let address = line["address"].as_str().unwrap().parse().unwrap();
    let hang_up = || {
        Command::new("kill")
            .args(["-HUP", &child.id().to_string()])
            .status()
            .unwrap()
    };
    fs::write(scratch.path().join("gate.pem"), "broken").unwrap();
    hang_up();
    logged("the old one stays").await;
    assert!(dev.client.connect(address, Http::One).await.is_ok());

    let other = Server::start();
    for file in ["gate.pem", "gate.key"] {
        fs::copy(other.directory().join(file), scratch.path().join(file)).unwrap();
    }
    hang_up();
    logged("was reloaded").await;
    assert!(other.client.connect(address, Http::One).await.is_ok());
    assert!(dev.client.connect(address, Http::One).await.is_err());
    assert!(
        Command::new("kill")
            .arg(child.id().to_string())
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
