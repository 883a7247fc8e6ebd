//! What a text that people will see must not hold.

/// Whether a character has no shape of its own and changes how the text around it looks: control characters, line and
/// paragraph separators, and the bidirectional controls (UAX #9) that make a text read otherwise than it is.
///
/// The zero-width joiners pass: emoji and several scripts are written with them.
pub(crate) const fn is_unshown(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_character_is_unshown() {
        assert!(('\0'..=char::MAX).filter(|c| c.is_control()).all(is_unshown));
    }

    #[test]
    fn letters_of_all_scripts_and_emoji_pass() {
        assert!(!"Zoë שלום 警報 می‌خواهم 👩‍🚒 e\u{301}".contains(is_unshown));
    }
}
