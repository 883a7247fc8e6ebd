//! Text from outside, made safe to show: escaped, isolated from the direction of the text around it, with every invisible
//! character replaced by its number. The module depends on no screen.

use std::fmt::{self, Write};

use askama::filters::HtmlSafe;
use hookgate_domain::invisible::{characters, with_hidden_shown};

/// Maximum number of characters in a table cell; the detail page shows the whole text.
const CELL_CHARACTERS: usize = 80;

/// A text from outside: a name, a title, a user agent. In a template it becomes escaped HTML inside `<bdi>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserText(String);

impl UserText {
    /// The text as received. Only for escaped places that must return it unchanged, such as the value of a field.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// `true` if the text is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Plain text for attributes and titles: hidden characters are shown by number. The result is not escaped.
    #[must_use]
    pub fn plain(&self) -> String {
        with_hidden_shown(&self.0).into_owned()
    }

    /// The text cut to the size of a table cell.
    #[must_use]
    pub fn cell(&self) -> Cell<'_> {
        Cell(&self.0)
    }

    /// The text as a block of many lines, such as a payload: line breaks and tabs stay.
    #[must_use]
    pub fn block(&self) -> Block<'_> {
        Block(&self.0)
    }
}

impl<T: Into<String>> From<T> for UserText {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for UserText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<bdi>")?;
        show(f, &self.0, usize::MAX, false)?;
        f.write_str("</bdi>")
    }
}

impl HtmlSafe for UserText {}

/// A [`UserText`] cut to the size of a table cell.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a>(&'a str);

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<bdi>")?;
        show(f, self.0, CELL_CHARACTERS, false)?;
        f.write_str("</bdi>")
    }
}

impl HtmlSafe for Cell<'_> {}

/// A [`UserText`] of many lines.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a>(&'a str);

impl fmt::Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, self.0, usize::MAX, true)
    }
}

impl HtmlSafe for Block<'_> {}

/// A secret for the one page that shows it. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// The secret.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for SecretText {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Writes the text escaped, up to `limit` displayed characters. Adjacent hidden characters share one mark.
fn show(f: &mut fmt::Formatter<'_>, text: &str, limit: usize, lines: bool) -> fmt::Result {
    let (mut seen, mut marked) = (0_usize, false);
    for (c, hidden) in characters(text) {
        let hidden = hidden && !(lines && matches!(c, '\n' | '\t'));
        let width = if hidden { c.escape_unicode().len() } else { 1 };
        seen = seen.saturating_add(width);
        if seen > limit {
            f.write_str(if marked { "</i>…" } else { "…" })?;
            return Ok(());
        }
        if hidden != marked {
            f.write_str(if hidden { "<i class=\"hid\">" } else { "</i>" })?;
            marked = hidden;
        }
        match c {
            _ if hidden => write!(f, "{}", c.escape_unicode())?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '&' => f.write_str("&amp;")?,
            '"' => f.write_str("&#34;")?,
            '\'' => f.write_str("&#39;")?,
            _ => f.write_char(c)?,
        }
    }
    if marked { f.write_str("</i>") } else { Ok(()) }
}

/// HTML with every hidden character replaced by its number, in attributes as in text, so that none reorders or hides the
/// text beside it. The numbers need no escaping. Line breaks and tabs stay.
pub(crate) fn without_hidden(html: String) -> String {
    let is_shown = |c: char| matches!(c, '\n' | '\t');
    if !characters(&html).any(|(c, is_hidden)| is_hidden && !is_shown(c)) {
        return html;
    }
    let html = html.replace("\r\n", "\n");
    let mut shown = String::with_capacity(html.len());
    for (c, is_hidden) in characters(&html) {
        if is_hidden && !is_shown(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_is_text() {
        let text = UserText::from("<script>alert(\"1\")</script> & 'x'");
        assert_eq!(
            text.to_string(),
            "<bdi>&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt; &amp; &#39;x&#39;</bdi>"
        );
    }

    #[test]
    fn what_has_no_shape_is_shown_by_number() {
        let text = UserText::from("a\u{202E}\0b");
        assert_eq!(
            text.to_string(),
            "<bdi>a<i class=\"hid\">\\u{202e}\\u{0}</i>b</bdi>"
        );
        assert_eq!(text.plain(), "a\\u{202e}\\u{0}b");
    }

    #[test]
    fn a_block_keeps_its_lines_and_a_cell_does_not() {
        let text = UserText::from("a\n\tb\r");
        assert_eq!(text.block().to_string(), "a\n\tb<i class=\"hid\">\\u{d}</i>");
        assert!(!text.cell().to_string().contains('\n'));
    }

    #[test]
    fn a_cell_is_short_whatever_comes() {
        for c in ["x", "\u{202E}", "&", "🚒"] {
            let html = UserText::from(c.repeat(5_000)).cell().to_string();
            assert!(html.len() < 500 && html.ends_with("…</bdi>"), "{html}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", SecretText::from("wh_x")), "SecretText(…)");
    }

    #[test]
    fn a_page_keeps_its_lines_and_shows_the_rest() {
        assert_eq!(without_hidden("<p>a\n\tb</p>".to_owned()), "<p>a\n\tb</p>");
        assert_eq!(
            without_hidden("<input value=\"\u{202E}a\u{1B}[2J\">a\r\nb\r 👩\u{200D}🚒".to_owned()),
            "<input value=\"\\u{202e}a\\u{1b}[2J\">a\nb\\u{d} 👩\u{200D}🚒"
        );
    }

    proptest! {
        #[test]
        fn no_page_has_a_hidden_character(html in any::<String>()) {
            let page = without_hidden(html);
            prop_assert!(!characters(&page).any(|(c, is_hidden)| is_hidden && !matches!(c, '\n' | '\t')));
        }

        #[test]
        fn nothing_hidden_and_no_tag_gets_through(text in any::<String>()) {
            let plain = UserText::from(text.as_str()).plain();
            prop_assert!(!characters(&plain).any(|(_, is_hidden)| is_hidden));
            let html = UserText::from(text).to_string();
            let inner = html.replace("<i class=\"hid\">", "").replace("</i>", "");
            let inner = inner.trim_start_matches("<bdi>").trim_end_matches("</bdi>");
            prop_assert!(!inner.contains(['<', '>', '"', '\'']));
        }
    }
}
