//! What people call things, from the command line to the store: no secret, nothing that nobody sees, and no two that look the same.

use super::support::run;

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
