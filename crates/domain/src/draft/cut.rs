//! Texts cut to a limit. What is left is text again: no half of a character, no mark without its letter.

use std::fmt::Write;

use ring::digest::{SHA256, digest};

/// What stands where a text was cut.
const ELLIPSIS: char = '…';
/// Characters that a cut goes back at most to find a letter: longer heaps of marks are no writing.
const MAX_STEPS_BACK: usize = 16;
/// Bytes of the SHA-256 at the end of a key that was cut: nobody finds two keys with the same 128 bits.
const HASH_BYTES: usize = 16;

/// Whether the text has at most so many characters.
pub(super) fn fits(text: &str, most: usize) -> bool {
    // A character has at least one byte, so short texts need no count.
    text.len() <= most || text.chars().nth(most).is_none()
}

/// The beginning of a text and an ellipsis, at most so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    let mut short = beginning(text, most.saturating_sub(1)).trim_end().to_owned();
    short.push(ELLIPSIS);
    short
}

/// The beginning of a key, an ellipsis and a hash of the whole key, at most so many characters.
pub(super) fn cut_key(key: &str, most: usize) -> String {
    let mut short = cut(key, most.saturating_sub(2 * HASH_BYTES));
    for byte in &digest(&SHA256, key.as_bytes()).as_ref()[..HASH_BYTES] {
        // Writing to a text does not fail.
        let _ = write!(short, "{byte:02x}");
    }
    short
}

/// At most so many characters, to the end of one that people see as one where that is near.
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

/// Whether a character belongs to the one before it: combining marks, variation selectors, skin tones, tags.
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
