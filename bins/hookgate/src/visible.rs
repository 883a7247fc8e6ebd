//! Text that may be hostile, as a terminal may show it.

use std::borrow::Cow;

/// The text with everything escaped that a terminal could act on or that reorders what is read: control characters,
/// line separators and marks of direction.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{061C}' | '\u{FEFF}')
    };
    if !text.contains(hostile) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| {
        if hostile(c) {
            c.escape_unicode().to_string()
        } else {
            c.to_string()
        }
    };
    Cow::Owned(text.chars().map(escape).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_act_on() {
        assert_eq!(visible("Disk füll 🔥"), "Disk füll 🔥");
        assert_eq!(
            visible("\u{1b}[2J\n\u{202e}x\u{9b}"),
            r"\u{1b}[2J\u{a}\u{202e}x\u{9b}"
        );
    }
}
