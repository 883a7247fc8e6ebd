//! Entries with an end, a comment or a set, as text.

use hookgate_domain::allowlist::{
    Allowed, EntryComment, EntryCommentError, MAX_COMMENT_CHARACTERS, MAX_SETS, MAX_TEMPORARY,
};
use hookgate_domain::{Allowlist, AllowlistError};
use proptest::prelude::*;

fn list(text: &str) -> Allowlist {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_line_has_entries_an_end_and_a_comment() {
    let text = "# the lists of 2026\n192.0.2.1, 192.0.2.2 until 2026-12-01 # both offices # old\n\n@github\n";
    let list = list(text);
    assert_eq!(
        list.to_string(),
        "192.0.2.1 until 2026-12-02T00:00:00Z # both offices # old\n192.0.2.2 until 2026-12-02T00:00:00Z # both offices # old\n@github"
    );
    assert_eq!(
        list.sets().map(ToString::to_string).collect::<Vec<_>>(),
        ["github"]
    );
    let entries = list.entries().unwrap();
    assert!(matches!(entries[2].allowed, Allowed::Set(_)) && entries[2].comment.is_none());
}

#[test]
fn what_allows_the_same_stands_once_and_the_last_word_counts() {
    let list = list("192.0.2.1 # old\n192.0.2.2\n192.0.2.1/32 # new");
    assert_eq!(list.to_string(), "192.0.2.1 # new\n192.0.2.2");
}

#[test]
fn what_is_wrong_is_named() {
    let message = |text: &str| text.parse::<Allowlist>().unwrap_err().to_string();
    assert_eq!(
        message("192.0.2.1 until tomorrow"),
        "`until tomorrow` in the allowlist: not a date or a time by RFC 3339, such as 2026-12-01 or 2026-12-01T18:00:00Z"
    );
    assert!(message("192.0.2.1 until 2026-12-01 192.0.2.2").starts_with("`until 2026-12-01`"));
    assert!(message("192.0.2.1 until").starts_with("`until `"));
    assert!(message("until 2026-12-01").starts_with("entry 1 of the allowlist, `until`"));
    assert!(
        message("192.0.2.1, @Office")
            .starts_with("entry 2 of the allowlist, `@Office`: the name of an address set")
    );
    assert!(message("any, 192.0.2.1").starts_with("entry 1"));
    assert_eq!(message("# nothing"), AllowlistError::Empty.to_string());
    let long = format!("192.0.2.1 # {}", "x".repeat(MAX_COMMENT_CHARACTERS + 1));
    assert_eq!(
        long.parse::<Allowlist>(),
        Err(AllowlistError::Comment { position: 1 })
    );
    assert!("192.0.2.1 # wh_secret".parse::<Allowlist>().is_err());
}

#[test]
fn a_comment_is_one_short_line() {
    let longest = "\u{e4}".repeat(MAX_COMMENT_CHARACTERS);
    for text in ["x", "both offices # old", &longest] {
        let comment: EntryComment = format!(" {text}\t").parse().unwrap();
        assert_eq!((comment.as_str(), comment.to_string()), (text, text.to_owned()));
    }
    for text in [
        "",
        " ",
        "two\nlines",
        "a\u{202e}b",
        "at wh_",
        &format!("{longest}x"),
    ] {
        assert_eq!(text.parse::<EntryComment>(), Err(EntryCommentError), "{text}");
    }
}

#[test]
fn lists_are_equal_if_their_entries_are() {
    let one = list("192.0.2.1\n@office # new");
    assert_eq!(one, list("192.0.2.1/32\n@office # new"));
    for other in [
        "192.0.2.1",
        "192.0.2.1\n@office",
        "@office # new\n192.0.2.1",
        "any",
    ] {
        assert_ne!(one, list(other), "{other}");
    }
    assert_eq!(list("any"), Allowlist::any());
    assert_eq!(list("any").sets().count(), 0);
}

#[test]
fn ends_and_sets_are_bounded() {
    let ending = |count: usize| {
        let line = |index: usize| format!("192.0.{}.{} until 2026-12-01", index / 256, index % 256);
        let lines: Vec<_> = (0..count).map(line).collect();
        lines.join("\n").parse::<Allowlist>()
    };
    assert!(ending(MAX_TEMPORARY).is_ok());
    assert_eq!(ending(MAX_TEMPORARY + 1), Err(AllowlistError::TooManyTemporary));
    let sets = |count: usize| {
        let names: Vec<_> = (0..count).map(|index| format!("@set{index}")).collect();
        names.join(" ").parse::<Allowlist>()
    };
    assert!(sets(MAX_SETS).is_ok());
    assert_eq!(sets(MAX_SETS + 1), Err(AllowlistError::TooManySets));
}

prop_compose! {
    fn line()(
        address in any::<u32>(),
        set in prop::option::of("[a-z][a-z0-9._-]{0,20}"),
        until in prop::option::of(-62_000_000_000_000_000_i64..250_000_000_000_000_000),
        comment in prop::option::of("[ -~äß,#]{0,60}"),
    ) -> String {
        let who = set.map_or_else(|| std::net::Ipv4Addr::from_bits(address).to_string(), |set| format!("@{set}"));
        let until = until.map_or_else(String::new, |until| format!(" until {}", hookgate_domain::Timestamp::from_micros(until)));
        let comment = comment.map_or_else(String::new, |comment| format!(" # {comment}"));
        format!("{who}{until}{comment}")
    }
}

proptest! {
    /// A displayed list parses to the same list.
    #[test]
    fn lists_are_read_as_they_are_written(lines in prop::collection::vec(line(), 1..16)) {
        let text = lines.join("\n");
        prop_assume!(!text.contains("wh_"));
        // An entry may be there twice with two ends, or without a prefix length: stored lists are read nevertheless.
        let list = Allowlist::from_stored(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(Allowlist::from_stored(&list.to_string()), Ok(list.clone()));
        // A list that people may write parses by the rules for people, too.
        if text.parse::<Allowlist>().is_ok() {
            prop_assert_eq!(list.to_string().parse::<Allowlist>(), Ok(list));
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = text.parse::<Allowlist>();
    }
}
