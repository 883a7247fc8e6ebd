//! Names of members and tokens: none holds a secret or an invisible character, and none looks like another one.

use hookgate_people::{MemberName, PeopleNameError, TokenName};

/// Of names that look alike, all but one are invalid, or detected as alike.
#[test]
fn twelve_names_that_look_alike_are_one() {
    let name: MemberName = "ada".parse().unwrap();
    for text in [
        "ada\u{ad}",
        "a\u{200d}da",
        "ada\u{3164}",
        "ada\u{e0041}",
        "\u{2800}",
        "ada\u{2060}",
        "ada\u{fe0f}",
        "ada\u{180e}",
        "ada\u{34f}",
        "\u{115f}ada",
        "ada\u{2064}",
        "ada\u{206a}",
    ] {
        let error = Err(PeopleNameError::ControlCharacter);
        assert_eq!(text.parse::<MemberName>(), error, "{text:?}");
        assert_eq!(text.parse::<TokenName>(), Err(PeopleNameError::ControlCharacter));
    }
    for text in ["Ada", "\u{430}d\u{430}", "\u{ff41}da", " ada\u{a0}"] {
        assert!(text.parse::<MemberName>().unwrap().looks_like(&name), "{text:?}");
    }
    assert!(!"ade".parse::<MemberName>().unwrap().looks_like(&name));
}

/// Every secret, whole, cut and in upper case, in every name.
#[test]
fn no_name_holds_a_secret() {
    for prefix in ["wh_", "hgt_", "hgs_", "hgl_", "whsec_"] {
        for text in [
            prefix.to_owned(),
            format!("old {prefix}x"),
            format!("{prefix}{}", "A7b".repeat(12)),
            format!("x{}{}", prefix.to_uppercase(), "A7".repeat(16)),
            format!("{}%5F{}", prefix.trim_end_matches('_'), "A7".repeat(16)),
        ] {
            let error = PeopleNameError::LooksLikeSecret;
            assert_eq!(text.parse::<MemberName>(), Err(error), "{text}");
            assert_eq!(text.parse::<TokenName>(), Err(error), "{text}");
        }
    }
    assert!("kWh_total".parse::<TokenName>().is_ok());
}
