//! The rules for single fields: a value that breaks its rule is repaired or left out.

use std::borrow::Cow;

use super::cut::{cut, cut_key, fits};
use super::link::http_url;
use super::words::{IncidentStatus, Severity};
use super::{
    MAX_DEDUP_KEY, MAX_METADATA_KEYS, MAX_METADATA_VALUE, MAX_SOURCE_URL, Metadata, MetadataValue, Note,
    NoteCode,
};

/// Checks fields and collects the notes about changes.
pub(super) struct Repairs(pub(super) Vec<Note>);

impl Repairs {
    /// Checks a text, cut to `most` characters. `None` if it is empty.
    pub(super) fn text<'a>(
        &mut self,
        field: &'static str,
        value: Option<Cow<'a, str>>,
        most: usize,
    ) -> Option<Cow<'a, str>> {
        self.bounded(field, value?, most, cut)
    }

    /// Checks a dedup key. A longer one is cut so that different keys stay different.
    pub(super) fn key<'a>(
        &mut self,
        field: &'static str,
        value: Option<Cow<'a, str>>,
    ) -> Option<Cow<'a, str>> {
        self.bounded(field, value?, MAX_DEDUP_KEY, cut_key)
    }

    pub(super) fn severity(&mut self, field: &'static str, value: Option<Cow<'_, str>>) -> Option<Severity> {
        let word = self.tidy(field, value?)?;
        let Ok(severity) = word.parse() else {
            self.0.push(Note::word(field, NoteCode::UnknownWord, &word));
            return None;
        };
        if Severity::is_ambiguous(&word) {
            self.0.push(Note::word(field, NoteCode::AmbiguousWord, &word));
        }
        Some(severity)
    }

    pub(super) fn status(
        &mut self,
        field: &'static str,
        value: Option<Cow<'_, str>>,
    ) -> Option<IncidentStatus> {
        let word = self.tidy(field, value?)?;
        let status = word.parse().ok();
        if status.is_none() {
            self.0.push(Note::word(field, NoteCode::UnknownWord, &word));
        }
        status
    }

    /// Checks a link. `None` if it is not an http or https URL, or is too long.
    pub(super) fn link<'a>(
        &mut self,
        field: &'static str,
        value: Option<Cow<'a, str>>,
    ) -> Option<Cow<'a, str>> {
        let text = self.tidy(field, value?)?;
        let Some(url) = http_url(&text) else {
            self.0.push(Note::new(field, NoteCode::NotALink));
            return None;
        };
        if !fits(&url, MAX_SOURCE_URL) {
            self.0.push(Note::limit(field, NoteCode::TooLong, MAX_SOURCE_URL));
            return None;
        }
        Some(match url {
            Cow::Owned(encoded) => {
                self.0.push(Note::new(field, NoteCode::PercentEncoded));
                Cow::Owned(encoded)
            }
            Cow::Borrowed(_) => text,
        })
    }

    /// Checks the metadata: keeps the first entries, and of entries with the same key the first one.
    pub(super) fn metadata(
        &mut self,
        field: &'static str,
        mut entries: Vec<(Cow<'_, str>, MetadataValue<'_>)>,
    ) -> Metadata {
        if entries.len() > MAX_METADATA_KEYS {
            entries.truncate(MAX_METADATA_KEYS);
            self.0
                .push(Note::limit(field, NoteCode::TooMany, MAX_METADATA_KEYS));
        }
        let mut has_nul = false;
        for (key, value) in &mut entries {
            has_nul |= replace_nul(key);
            if let MetadataValue::Text(text) = value {
                has_nul |= replace_nul(text);
            }
        }
        if has_nul {
            self.0.push(Note::new(field, NoteCode::ReplacedCharacters));
        }
        if cut_entries(&mut entries) {
            self.0.push(Note::limit(field, NoteCode::Cut, MAX_METADATA_VALUE));
        }
        if drop_duplicates(&mut entries) {
            self.0.push(Note::new(field, NoteCode::DuplicateKey));
        }
        Metadata::new(&entries)
    }

    fn bounded<'a>(
        &mut self,
        field: &'static str,
        value: Cow<'a, str>,
        most: usize,
        cut: fn(&str, usize) -> String,
    ) -> Option<Cow<'a, str>> {
        let text = self.tidy(field, value)?;
        if fits(&text, most) {
            return Some(text);
        }
        self.0.push(Note::limit(field, NoteCode::Cut, most));
        Some(cut(&text, most).into())
    }

    /// Trims a text and replaces NUL, which PostgreSQL can't store in a text. `None` if nothing is left.
    fn tidy<'a>(&mut self, field: &'static str, text: Cow<'a, str>) -> Option<Cow<'a, str>> {
        let text = match without_nul(&text) {
            Some(text) => {
                self.0.push(Note::new(field, NoteCode::ReplacedCharacters));
                Cow::Owned(text)
            }
            None => text,
        };
        let tidy = match text {
            Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
            Cow::Owned(text) if trimmed(&text).len() == text.len() => Cow::Owned(text),
            Cow::Owned(text) => Cow::Owned(trimmed(&text).to_owned()),
        };
        Some(tidy).filter(|text| !text.is_empty())
    }
}

/// The text without white space at its ends.
fn trimmed(text: &str) -> &str {
    let is_visible = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    // Nearly all texts begin and end with a visible ASCII character, and need no decoding.
    if is_visible(text.as_bytes().first()) && is_visible(text.as_bytes().last()) {
        text
    } else {
        text.trim()
    }
}

/// The text with U+FFFD for each NUL; `None` if it has none.
fn without_nul(text: &str) -> Option<String> {
    has_zero(text.as_bytes()).then(|| text.replace('\0', "\u{FFFD}"))
}

/// Returns `true` if there is a zero byte. Eight bytes are checked at once, as one integer: most texts are too short for a
/// vectorized search to pay off.
fn has_zero(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (words, rest) = bytes.as_chunks();
    // Subtracting 1 sets the highest bit of a zero byte. Bytes above ASCII have that bit already, so `!word` leaves them out.
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & (ONES * 0x80) != 0;
    words.iter().any(|word| has_zero(u64::from_ne_bytes(*word))) || rest.contains(&0)
}

/// Replaces NUL by U+FFFD. Returns `true` if there was one.
fn replace_nul(text: &mut Cow<'_, str>) -> bool {
    let replaced = without_nul(text);
    let has_nul = replaced.is_some();
    if let Some(replaced) = replaced {
        *text = replaced.into();
    }
    has_nul
}

/// Cuts keys and values that are too long. Returns `true` if there were any. A number that is too long becomes a text.
fn cut_entries(entries: &mut [(Cow<'_, str>, MetadataValue<'_>)]) -> bool {
    let mut is_cut = false;
    for (key, value) in entries {
        if !fits(key, MAX_DEDUP_KEY) {
            (*key, is_cut) = (cut_key(key, MAX_DEDUP_KEY).into(), true);
        }
        let text = match value {
            MetadataValue::Text(text) => &**text,
            MetadataValue::Number(number) => number.as_str(),
            _ => continue,
        };
        if !fits(text, MAX_METADATA_VALUE) {
            (*value, is_cut) = (MetadataValue::Text(cut(text, MAX_METADATA_VALUE).into()), true);
        }
    }
    is_cut
}

/// Drops entries with a repeated key. Returns `true` if there were any. Compares each pair of entries: there are at most
/// [`MAX_METADATA_KEYS`].
fn drop_duplicates(entries: &mut Vec<(Cow<'_, str>, MetadataValue<'_>)>) -> bool {
    let before = entries.len();
    let mut at = 0;
    while at < entries.len() {
        let (kept, rest) = entries.split_at(at);
        if kept.iter().any(|(key, _)| *key == rest[0].0) {
            entries.remove(at);
        } else {
            at += 1;
        }
    }
    entries.len() < before
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_zero_byte_is_found(bytes in prop::collection::vec(prop_oneof![Just(0), Just(1), Just(0x80), any::<u8>()], 0..40), plain in 0_usize..40) {
            let bytes = [vec![0x81; plain], bytes].concat();
            prop_assert_eq!(has_zero(&bytes), bytes.contains(&0));
        }

        #[test]
        fn a_text_is_trimmed_as_the_standard_library_does(text in "\\s{0,2}\\PC{0,6}\\s{0,2}") {
            prop_assert_eq!(trimmed(&text), text.trim());
        }
    }
}
