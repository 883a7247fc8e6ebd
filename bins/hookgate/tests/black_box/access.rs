//! Files and directories with secrets, open to other users of the machine before Hookgate opens them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{HOOKGATE, Server, run};

/// The files of a development server that hold secrets.
const SECRETS: [&str; 5] = ["hookgate.db", "server.lock", "sealing.key", "ca.key", "gate.key"];

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|text| String::from_utf8_lossy(text))
        .concat()
}

/// Opens a data directory and every secret in it to everybody.
fn open_to_others(data: &Path) {
    set_mode(data, 0o777);
    for name in SECRETS {
        set_mode(&data.join(name), 0o666);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_closes_what_was_open() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    fs::create_dir(&data).unwrap();
    set_mode(&data, 0o777);
    let mut server = Server::start_in(&data, "warn", Stdio::inherit());
    assert_eq!(mode(&data), 0o700, "dev");
    assert_eq!(server.signal("-KILL"), None);
    let backup = scratch.path().join("backup.db");
    let copy = format!("sqlite:{}", scratch.path().join("copy").display());
    let from = format!("sqlite:{}", data.display());
    for command in [
        &["migrate"][..],
        &["member", "list"],
        &["webhook", "create", "one"],
        &["backup", backup.to_str().unwrap()],
        &["db", "copy", "--from", &from, "--to", &copy],
    ] {
        open_to_others(&data);
        let mut arguments = command.to_vec();
        let output = if command[0] == "db" {
            arguments.push("--json");
            Command::new(HOOKGATE).args(arguments).output().unwrap()
        } else {
            run(&data, command, "")
        };
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(mode(&data), 0o700, "{command:?}");
        for name in SECRETS {
            assert_eq!(mode(&data.join(name)), 0o600, "{command:?}: {name}");
        }
    }
    let restored = scratch.path().join("restored");
    fs::create_dir(&restored).unwrap();
    set_mode(&restored, 0o777);
    set_mode(&backup, 0o644);
    let output = run(&restored, &["restore", backup.to_str().unwrap()], "");
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("backup.db is open to other users"),
        "{}",
        said(&output)
    );
    assert_eq!(
        (mode(&restored), mode(&restored.join("hookgate.db"))),
        (0o700, 0o600)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_second_start_is_a_new_file() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let mut server = Server::start_in(&data, "warn", Stdio::inherit());
    server.signal("-TERM");
    let key = data.join("gate.key");
    let old = fs::read(&key).unwrap();
    let held = scratch.path().join("held");
    let mut reader = fs::File::open(&key).unwrap();
    let _server = Server::start_in(&data, "warn", Stdio::inherit());
    std::io::copy(&mut reader, &mut fs::File::create(&held).unwrap()).unwrap();
    assert_eq!(fs::read(&held).unwrap(), old);
    assert_ne!(fs::read(&key).unwrap(), old);
}

#[test]
fn doctor_tells_what_was_open() {
    let store = tempfile::tempdir().unwrap();
    let data = store.path();
    assert!(run(data, &["migrate"], "").status.success());
    assert!(!said(&run(data, &["doctor"], "")).contains("other users"));
    set_mode(data, 0o755);
    set_mode(&data.join("sealing.key"), 0o644);
    let told = said(&run(data, &["doctor"], ""));
    for what in [
        "is open to other users of this machine (mode 0755)",
        "sealing.key is open",
        "closed just now",
    ] {
        assert!(told.contains(what), "{told}");
    }
    assert!(!said(&run(data, &["doctor"], "")).contains("other users"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_configuration_that_others_can_read_are_told() {
    let dev = Server::start();
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    for file in ["gate.pem", "gate.key"] {
        fs::copy(dev.directory().join(file), at(file)).unwrap();
    }
    fs::create_dir(at("data")).unwrap();
    fs::write(at("store.url"), "sqlite:data").unwrap();
    fs::write(at("seal"), [7; 32]).unwrap();
    let config = at("hookgate.toml");
    let text = "public_url = \"https://localhost\"\n[store]\nurl_file = \"store.url\"\nsealing_key_file = \"seal\"\n[gate]\nlisten = \"127.0.0.1:0\"\ncertificate = \"gate.pem\"\nkey = \"gate.key\"\n[console]\nlisten = \"127.0.0.1:0\"\n";
    fs::write(&config, text).unwrap();
    let hookgate = |arguments: &[&str]| {
        let mut command = Command::new(HOOKGATE);
        command.args(arguments).arg("--config").arg(&config);
        command.output().unwrap()
    };
    let secrets = [
        ("store.url_file", "store.url"),
        ("store.sealing_key_file", "seal"),
        ("gate.key", "gate.key"),
    ];
    for bits in [0o600, 0o666, 0o640] {
        for (_, file) in secrets {
            set_mode(&at(file), bits);
        }
        set_mode(&at("data"), 0o700);
        let check = hookgate(&["config", "check"]);
        assert!(check.status.success(), "{}", said(&check));
        assert!(hookgate(&["migrate"]).status.success());
        let doctor = hookgate(&["doctor"]);
        for (setting, file) in secrets {
            let told = format!("{setting}: {} is open to other users", at(file).display());
            for output in [&check, &doctor] {
                assert_eq!(
                    said(output).contains(&told),
                    bits != 0o600,
                    "{bits:o}: {}",
                    said(output)
                );
            }
        }
    }
    let url = "url = \"postgres://hookgate:hunter2-Zq7@192.0.2.1/h\"";
    fs::write(&config, text.replace("url_file = \"store.url\"", url)).unwrap();
    set_mode(&config, 0o644);
    let told = said(&hookgate(&["config", "check"]));
    assert!(
        told.contains("store.url: ") && told.contains("hookgate.toml is open"),
        "{told}"
    );
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn a_directory_of_another_user_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    fs::create_dir(&data).unwrap();
    if chown(&data, Some(65_533), None).is_err() {
        // Only root gives files away.
        return;
    }
    set_mode(scratch.path(), 0o755);
    set_mode(&data, 0o777);
    let program = scratch.path().join("hookgate");
    fs::copy(HOOKGATE, &program).unwrap();
    for command in ["migrate", "dev"] {
        let output = Command::new(&program)
            .args([command, "--data"])
            .arg(&data)
            .uid(65_534)
            .output()
            .unwrap();
        assert!(!output.status.success());
        assert!(
            said(&output).contains("belongs to another user"),
            "{}",
            said(&output)
        );
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    }
}
