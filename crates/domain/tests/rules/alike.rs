//! Names that people give: none holds a secret or an invisible character.

use hookgate_domain::WebhookName;
use hookgate_domain::address_set::{AddressSetName, SetFilter};
use hookgate_domain::allowlist::EntryComment;
use hookgate_domain::idempotency::IdempotencyKey;
use hookgate_domain::webhook::WebhookNameError;

#[test]
fn names_with_invisible_characters_are_refused() {
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
        assert_eq!(
            text.parse::<WebhookName>(),
            Err(WebhookNameError::ControlCharacter)
        );
        assert!(text.parse::<EntryComment>().is_err(), "{text:?}");
    }
}

/// Every secret, whole, cut and in upper case, in every field with a name or comment.
#[test]
fn no_name_and_no_comment_holds_a_secret() {
    for prefix in ["wh_", "hgt_", "hgs_", "hgl_", "whsec_"] {
        for text in [
            prefix.to_owned(),
            format!("old {prefix}x"),
            format!("{prefix}{}", "A7b".repeat(12)),
            format!("x{}{}", prefix.to_uppercase(), "A7".repeat(16)),
            format!("{}%5F{}", prefix.trim_end_matches('_'), "A7".repeat(16)),
        ] {
            let error = WebhookNameError::LooksLikeSecret;
            assert_eq!(text.parse::<WebhookName>(), Err(error), "{text}");
            assert!(text.parse::<EntryComment>().is_err(), "{text}");
            let key = IdempotencyKey::from_header(text.as_bytes()).unwrap();
            assert!(key.as_str().starts_with("sha256:"), "{text}");
        }
        assert!(format!("{prefix}set").parse::<AddressSetName>().is_err());
        assert!(format!("service={prefix}a").parse::<SetFilter>().is_err());
    }
    assert!("kWh_total".parse::<WebhookName>().is_ok());
}
