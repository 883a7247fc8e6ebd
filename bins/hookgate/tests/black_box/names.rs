//! Names, from the command line to the store: no secrets, no invisible characters, and no two that look the same.

use std::process::Command;

use crate::support::{HOOKGATE, dump, run};

const HIDDEN: [&str; 11] = [
    "ada\u{ad}",
    "a\u{200d}da",
    "ada\u{3164}",
    "ada\u{e0041}",
    "ada\u{2800}",
    "ada\u{2060}",
    "ada\u{fe0f}",
    "ada\u{180e}",
    "ada\u{34f}",
    "\u{115f}ada",
    "\u{430}d\u{430}",
];

#[test]
fn of_names_that_look_the_same_one_is_taken() {
    let store = tempfile::tempdir().unwrap();
    let done = |arguments: &[&str]| run(store.path(), arguments, "").status.success();
    assert!(done(&["migrate"]));
    assert!(done(&["member", "add", "ada", "--role", "viewer"]));
    for name in HIDDEN {
        assert!(!done(&["member", "add", name, "--role", "viewer"]), "{name:?}");
    }
    assert!(done(&["member", "add", "ade", "--role", "viewer"]));
    for (name, twins) in [
        ("Bob", &["\u{412}ob", "\u{392}ob", "BOB"][..]),
        ("Tom", &["\u{422}om"]),
        ("Mary", &["\u{41C}\u{430}ry", "\u{39C}ary", "\u{216F}ary"]),
        ("adam", &["ada\u{217F}"]),
        ("web0", &["web\u{FF10}"]),
        ("web1", &["web\u{FF11}"]),
        ("Helen", &["\u{41D}elen", "\u{397}elen"]),
        ("Kim", &["\u{41A}im"]),
    ] {
        assert!(done(&["member", "add", name, "--role", "viewer"]), "{name}");
        for twin in twins {
            assert!(!done(&["member", "add", twin, "--role", "viewer"]), "{twin}");
        }
    }
    assert!(done(&["member", "add", "webl", "--role", "viewer"]));
}

#[test]
fn the_user_of_the_machine_is_checked_as_a_name_is() {
    let store = tempfile::tempdir().unwrap();
    assert!(run(store.path(), &["migrate"], "").status.success());
    for (user, actor) in [
        ("ops", "ops"),
        ("a\u{1b}[2J\u{202e}", "uid "),
        ("hgt_7Kd0nQzR4mT8vXb1Lc5Yh2Js9Wf6Gp3Ea0Ui4O", "uid "),
    ] {
        let output = Command::new(HOOKGATE)
            .args(["token", "create", "ci", "--role", "viewer", "--data"])
            .arg(store.path())
            .env("USER", user)
            .env("LOGNAME", user)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let shown = run(store.path(), &["audit", "list", "--limit", "1"], "");
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains(&format!("\"{actor}")), "{user:?}: {shown}");
        assert!(actor == user || !dump(store.path()).contains(user), "{user:?}");
    }
}

#[test]
fn no_name_or_comment_holds_a_secret() {
    let store = tempfile::tempdir().unwrap();
    let exit = |arguments: &[&str]| run(store.path(), arguments, "").status.code();
    assert_eq!(exit(&["migrate"]), Some(0));
    for prefix in ["wh_", "hgt_", "hgs_", "hgl_", "whsec_"] {
        let secret = format!("{prefix}7Kd0nQzR4mT8vXb1Lc5Yh2Js9Wf6Gp3Ea0Ui4O");
        let comment = format!("192.0.2.1 # {secret}");
        for arguments in [
            &["webhook", "create", &secret][..],
            &["webhook", "create", "w", "--allow", &comment],
            &["token", "create", &secret, "--role", "viewer"],
            &["member", "add", &secret, "--role", "viewer"],
        ] {
            assert_eq!(exit(arguments), Some(2), "{arguments:?}");
        }
    }
}
