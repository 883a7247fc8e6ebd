//! Cuts texts to a limit, between characters as people see them: an accent or skin tone stays with its base character.

use std::fmt::Write;

use ring::digest::{SHA256, digest};

/// The character at the end of a cut text.
const ELLIPSIS: char = '…';
/// Most characters by which a cut moves back to find a base character. No real text has longer sequences of marks.
const MAX_STEPS_BACK: usize = 16;
/// Bytes of the SHA-256 at the end of a cut key. A collision of 128 bits does not happen by accident.
const HASH_BYTES: usize = 16;

/// Returns `true` if the text has at most `most` characters.
pub(super) fn fits(text: &str, most: usize) -> bool {
    // A character has at least one byte, so characters of short texts need not be counted.
    text.len() <= most || text.chars().nth(most).is_none()
}

/// The beginning of a text and an ellipsis, together at most `most` characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    let mut short = beginning(text, most.saturating_sub(1)).trim_end().to_owned();
    short.push(ELLIPSIS);
    short
}

/// The beginning of a key, an ellipsis and a hash of the whole key, together at most `most` characters.
pub(super) fn cut_key(key: &str, most: usize) -> String {
    let mut short = cut(key, most.saturating_sub(2 * HASH_BYTES));
    for byte in &digest(&SHA256, key.as_bytes()).as_ref()[..HASH_BYTES] {
        // Writing to a `String` does not fail.
        let _ = write!(short, "{byte:02x}");
    }
    short
}

/// The first characters of a text, at most `most`. Moves the end back to a border between characters as people see them, if
/// one is near.
fn beginning(text: &str, most: usize) -> &str {
    let Some((end, next)) = text.char_indices().nth(most) else {
        return text;
    };
    let mut next = next;
    for (at, c) in text[..end].char_indices().rev().take(MAX_STEPS_BACK) {
        if !is_mark(next) && c != ZERO_WIDTH_JOINER {
            return &text[..at + c.len_utf8()];
        }
        next = c;
    }
    &text[..end]
}

const ZERO_WIDTH_JOINER: char = '\u{200D}';

/// Returns `true` if a character belongs to the one before it: combining marks, variation selectors, skin tones, tags.
const fn is_mark(c: char) -> bool {
    matches!(
        c,
        ZERO_WIDTH_JOINER
            | '\u{300}'..='\u{36F}'
            | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{20D0}'..='\u{20FF}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FE20}'..='\u{FE2F}'
            | '\u{1F3FB}'..='\u{1F3FF}'
            | '\u{E0020}'..='\u{E007F}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_see_as_one_character_is_not_cut_in_two() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abe\u{301}x", 4), "ab…");
        assert_eq!(cut("a👩\u{200D}🚒bc", 4), "a…");
        assert_eq!(cut("a👍\u{1F3FD}bc", 3), "a…");
        assert_eq!(cut("ab cdef", 4), "ab…");
        let heap = "a".to_owned() + &"\u{301}".repeat(100);
        assert_eq!(cut(&heap, 50).chars().count(), 50, "no writing");
    }

    proptest! {
        #[test]
        fn a_cut_text_is_a_beginning_within_its_limit(text in "(?s).{0,80}", most in 40_usize..60) {
            let short = cut(&text, most);
            prop_assert!(fits(&short, most));
            prop_assert!(text.starts_with(short.strip_suffix(ELLIPSIS).unwrap()));
            prop_assert!(fits(&cut_key(&text, most), most));
        }
    }
}
