//! Characters without a shape of their own, and texts that look alike: one list for names, pages, terminals and files.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton as prototype;

/// `true` for a character without a shape of its own: control characters, line and paragraph separators, the
/// bidirectional controls (UAX #9), all of Unicode's `Default_Ignorable_Code_Point`, and the few others that fonts
/// leave blank.
///
/// The text around the character is not considered: a joiner between two Arabic letters is invisible too.
/// [`characters`] considers it.
///
/// ```
/// use hookgate_domain::invisible::is_invisible;
///
/// assert!("\u{AD}\u{202E}\u{9B}\u{2800}\u{3164}\u{E0041}\u{200D}".chars().all(is_invisible));
/// assert!(!"Zoë שלום 警報 🔥 ".contains(is_invisible));
/// ```
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    is_control(c) || is_default_ignorable(c) || is_blank(c)
}

/// `true` for a character that a terminal may execute, or that ends a line.
const fn is_control(c: char) -> bool {
    matches!(c, '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{2028}' | '\u{2029}')
}

/// `Default_Ignorable_Code_Point` of Unicode 17 (`DerivedCoreProperties.txt`).
const fn is_default_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Blank in fonts although Unicode calls it a letter, a symbol or a mark of format: empty Braille, Khitan filler, null note head,
/// interlinear annotation, Egyptian joiners.
const fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{2800}' | '\u{16FE4}' | '\u{1D159}' | '\u{FFF9}'..='\u{FFFB}' | '\u{13430}'..='\u{1343F}'
    )
}

/// The characters of a text, each with `true` if it is hidden: [invisible](is_invisible), and not part of an emoji or
/// letter, as joiners and variation selectors are.
///
/// ```
/// use hookgate_domain::invisible::characters;
///
/// let hidden = |text: &str| characters(text).filter(|(_, is_hidden)| *is_hidden).count();
/// assert_eq!(hidden("می\u{200C}خواهم 👩\u{200D}🚒 ⚠\u{FE0F}"), 0);
/// assert_eq!(hidden("a\u{200D}da\u{FE0F}"), 2);
/// ```
pub fn characters(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut rest = text.chars().peekable();
    let mut before = None;
    std::iter::from_fn(move || {
        let c = rest.next()?;
        if !is_invisible(c) {
            before = Some(c);
            return Some((c, false));
        }
        let is_part = is_part(before, c, rest.peek().copied());
        // A selector belongs to the emoji before it, and a joiner may follow.
        if !(is_part && is_selector(c)) {
            before = None;
        }
        Some((c, !is_part))
    })
}

/// `true` if a text has a hidden character.
///
/// ```
/// use hookgate_domain::invisible::has_hidden;
///
/// assert!(has_hidden("a\u{200D}da") && !has_hidden("Zoë 警報"));
/// ```
#[must_use]
pub fn has_hidden(text: &str) -> bool {
    characters(text).any(|(_, is_hidden)| is_hidden)
}

/// The text with every hidden character replaced by its escape, such as `\u{202e}`.
///
/// ```
/// use hookgate_domain::invisible::with_hidden_shown;
///
/// assert_eq!(with_hidden_shown("Disk füll 🔥"), "Disk füll 🔥");
/// assert_eq!(with_hidden_shown("\u{1b}[2J\u{202e}x"), r"\u{1b}[2J\u{202e}x");
/// ```
#[must_use]
pub fn with_hidden_shown(text: &str) -> Cow<'_, str> {
    if !has_hidden(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for (c, is_hidden) in characters(text) {
        if is_hidden {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// `true` if an invisible character changes the shape of its neighbours, such as a joiner inside an emoji.
fn is_part(before: Option<char>, c: char, after: Option<char>) -> bool {
    let (Some(before), after) = (before, after.unwrap_or('\0')) else {
        return false;
    };
    match c {
        '\u{200C}' | '\u{200D}' if is_joined(before) && is_joined(after) => true,
        '\u{200D}' => is_emoji(before) && is_emoji(after),
        // A keycap is a digit, the selector and a frame.
        '\u{FE0E}' | '\u{FE0F}' => is_emoji(before) || after == '\u{20E3}',
        // A kanji as a family writes its name.
        '\u{E0100}'..='\u{E01EF}' => {
            matches!(before, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
        }
        '\u{180B}'..='\u{180D}' | '\u{180F}' => matches!(before, '\u{1820}'..='\u{18AA}'),
        _ => false,
    }
}

const fn is_selector(c: char) -> bool {
    matches!(c, '\u{FE0E}' | '\u{FE0F}')
}

/// `true` for a letter of a script whose letters join or stack: Arabic and related scripts, and the scripts that
/// descend from Brahmi.
const fn is_joined(c: char) -> bool {
    matches!(
        c,
        '\u{620}'..='\u{DFF}' | '\u{F00}'..='\u{109F}' | '\u{1780}'..='\u{18AF}' | '\u{1A20}'..='\u{1C4F}'
            | '\u{A840}'..='\u{A87F}' | '\u{A8E0}'..='\u{A8FF}' | '\u{A980}'..='\u{A9DF}' | '\u{AA60}'..='\u{AA7F}'
            | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' | '\u{10A00}'..='\u{10AFF}' | '\u{11000}'..='\u{11FFF}'
            | '\u{1E900}'..='\u{1E95F}'
    ) && !is_invisible(c)
}

/// `true` for an emoji, and for a symbol that becomes one with a variation selector.
const fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21FF}'
            | '\u{2300}'..='\u{23FF}' | '\u{24C2}' | '\u{25A0}'..='\u{27BF}' | '\u{2934}'..='\u{2935}'
            | '\u{2B00}'..='\u{2BFF}' | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}' | '\u{1F000}'..='\u{1FAFF}'
    )
}

/// `true` if people could confuse the two texts. Invisible characters, the kind of space, compatibility forms (`１` for
/// `1`) and case don't count. Letters of other scripts count as those that they look like (UTS #39, section 4) in
/// either case: `В` as `B`, although `в` does not look like `b`. Two ASCII texts are compared by their characters
/// alone, so that `l` and `1` are different.
///
/// ```
/// use hookgate_domain::invisible::looks_alike;
///
/// assert!(looks_alike("ada", "\u{430}d\u{430}") && !looks_alike("l", "1"));
/// ```
#[must_use]
pub fn looks_alike(one: &str, other: &str) -> bool {
    let (one, other) = (comparable(one), comparable(other));
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(&other);
    }
    [str::to_owned, str::to_lowercase, str::to_uppercase]
        .into_iter()
        .any(|in_case| skeleton(&in_case(&one)) == skeleton(&in_case(&other)))
}

/// A text without invisible characters and compatibility forms, with one kind of space between words.
fn comparable(text: &str) -> String {
    let visible = text.chars().filter(|c| !is_invisible(*c));
    let normal: String = visible.nfkc().filter(|c| !is_invisible(*c)).collect();
    normal.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The UTS #39 skeleton of a text, in lower case: texts with the same skeleton look alike.
fn skeleton(text: &str) -> String {
    prototype(text).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_control_character_is_invisible() {
        assert!(('\0'..=char::MAX).filter(|c| c.is_control()).all(is_invisible));
    }

    #[test]
    fn letters_of_all_scripts_and_emoji_are_shown() {
        for text in [
            "Zoë שלום 警報 e\u{301} 辻",
            "می\u{200C}خواهم ක\u{DCA}\u{200D}ෂ क\u{94D}\u{200D}ष",
            "👩\u{200D}🚒 👩🏽\u{200D}🚒 ❤\u{FE0F}\u{200D}🔥 ⚠\u{FE0F} 1\u{FE0F}\u{20E3} 🇩🇪",
            "ᠠ\u{180B} 辻\u{E0100}",
        ] {
            assert!(!has_hidden(text), "{text}");
            assert_eq!(with_hidden_shown(text), text);
        }
    }

    #[test]
    fn joiners_and_selectors_elsewhere_are_hidden() {
        for text in [
            "a\u{200D}da",
            "\u{200D}🚒",
            "🚒\u{200D}",
            "می\u{200C}\u{200C}خ",
            "a\u{FE0F}",
            "🚒\u{FE0F}\u{FE0F}\u{200C}",
            "a\u{180B}",
        ] {
            assert!(has_hidden(text), "{text:?}");
        }
    }

    #[test]
    fn texts_that_people_take_for_each_other_look_alike() {
        for text in [
            "Ada",
            "a\u{200D}da",
            "ada\u{AD}",
            "ada\u{3164}",
            "ada\u{E0041}",
            "ada\u{2800}",
            "\u{FEFF}ada",
            "аdа",
            "ａｄａ",
            "ada\u{A0}",
            "ad\u{251}",
            "ADА",
            "Аda",
        ] {
            assert!(looks_alike(text, "ada"), "{text:?}");
        }
        for (one, other) in [
            ("Bob", "\u{412}ob"),
            ("Bob", "\u{392}ob"),
            ("bob", "\u{412}OB"),
            ("Tom", "\u{422}om"),
            ("TOM", "\u{422}om"),
            ("Mary", "\u{41C}\u{430}ry"),
            ("Mary", "\u{39C}ary"),
            ("Mary", "\u{216F}ary"),
            ("adam", "ada\u{217F}"),
            ("web0", "web\u{FF10}"),
            ("web1", "web\u{FF11}"),
            ("web1", "web\u{4CF}"),
            ("Helen", "\u{41D}elen"),
            ("Helen", "\u{397}elen"),
            ("helen", "\u{43D}elen"),
            ("Kim", "\u{41A}im"),
            ("KIM", "\u{41A}im"),
            ("Ivan", "\u{406}van"),
            ("Ada  B", "ada\u{2003}b"),
            ("Zoé", "zoe\u{301}"),
        ] {
            assert!(looks_alike(one, other), "{one} {other}");
            assert!(looks_alike(other, one), "{other} {one}");
        }
        for (one, other) in [
            ("web1", "webl"),
            ("web0", "webO"),
            ("torn", "tom"),
            ("Zoë", "Zoe"),
            ("Борис", "Bob"),
        ] {
            assert!(!looks_alike(one, other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn every_text_looks_like_itself_in_any_case(text in any::<String>()) {
            prop_assert!(looks_alike(&text, &text));
            prop_assert!(looks_alike(&text, &text.to_lowercase()) || !text.is_ascii());
        }

        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            prop_assert!(!has_hidden(&with_hidden_shown(&text)));
        }
    }
}
