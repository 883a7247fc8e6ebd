//! Text files and pipes: their meaning does not depend on the editor that saved them.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::{HOOKGATE, Server, place, run_as_is};

/// A text as editors and shells save it.
fn saved(text: &str) -> [Vec<u8>; 3] {
    let crlf = text.replace('\n', "\r\n");
    [
        text.to_owned(),
        format!("\u{feff}{text}"),
        format!("\u{feff}{crlf}\r\n"),
    ]
    .map(String::into_bytes)
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// Runs a command with these bytes on its standard input.
fn piped(server: &Server, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(HOOKGATE);
    command
        .args(arguments)
        .args(place(server.directory()))
        .arg("--json");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn pipes_are_read_by_one_rule() {
    let server = Server::start();
    for url in saved(&server.demo_url()) {
        let output = piped(&server, &["webhook", "which"], &url);
        assert!(output.status.success(), "{output:?}");
    }
    for (number, password) in saved("correct horse").iter().enumerate() {
        let name = format!("ada{number}@example.org");
        let output = piped(&server, &["member", "add", &name, "--role", "viewer"], password);
        assert!(output.status.success(), "{output:?}");
        let member: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(member.get("sign_in").is_none(), "it has a password: {member}");
    }
    for (wrong, why) in [
        (utf16("correct horse"), "UTF-16"),
        (b"correct\thorse\n".to_vec(), "can't be typed"),
        (b"correct horse\nbattery\n".to_vec(), "more than one line"),
        (b"\n".to_vec(), "is empty"),
    ] {
        let output = piped(
            &server,
            &["member", "add", "bo@example.org", "--role", "viewer"],
            &wrong,
        );
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(why) && !said.contains("horse"), "{said}");
    }
}

#[test]
fn configurations_and_the_files_that_they_name_are_read_by_one_rule() {
    let scratch = tempfile::tempdir().unwrap();
    let (file, url) = (scratch.path().join("hookgate.toml"), scratch.path().join("url"));
    let show = || {
        let arguments = ["config", "show", "--json", "--config"].map(AsRef::as_ref);
        run_as_is(&[&arguments[..], &[file.as_os_str()]].concat(), "")
    };
    let configurations = saved("public_url = \"https://hooks.example.org\"\n[store]\nurl_file = \"url\"\n");
    for (configuration, address) in configurations.iter().zip(saved("sqlite:/var/lib/hookgate")) {
        fs::write(&file, configuration).unwrap();
        fs::write(&url, address).unwrap();
        let output = show();
        assert!(output.status.success(), "{output:?}");
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(shown["store.url"]["value"], "sqlite:/var/lib/hookgate");
    }
    fs::write(&file, utf16("public_url = 1")).unwrap();
    let output = show();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("UTF-16"));
}

#[test]
fn lists_of_addresses_are_read_by_one_rule() {
    let server = Server::start();
    let scratch = tempfile::tempdir().unwrap();
    let documents = [
        ("list", "192.0.2.0/24\n198.51.100.7\n"),
        ("github", "{\"hooks\":[\"192.0.2.0/24\",\n\"198.51.100.7\"]}"),
    ];
    for (provider, document) in documents {
        for (number, bytes) in saved(document).iter().enumerate() {
            let (file, name) = (scratch.path().join("list"), format!("{provider}-{number}"));
            fs::write(&file, bytes).unwrap();
            let file = file.to_str().unwrap();
            let set = server.json(&[
                "addresses",
                "import",
                &name,
                "--provider",
                provider,
                "--file",
                file,
            ]);
            assert_eq!(set["count"], 2, "{set}");
        }
    }
}
