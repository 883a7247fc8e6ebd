//! The rules for single fields: a value that breaks its rule is repaired or left out.

use std::borrow::Cow;

use super::cut::{cut, cut_key, fits};
use super::link::http_url;
use super::words::{IncidentStatus, Severity};
use super::{
    MAX_DEDUP_KEY, MAX_METADATA_KEYS, MAX_METADATA_VALUE, MAX_SOURCE_URL, MetadataValue, Note, NoteCode,
};

/// Checks fields and collects the notes about changes.
pub(super) struct Repairs(pub(super) Vec<Note>);

impl Repairs {
    /// Checks a text, cut to `most` characters. `None` if it is empty.
    pub(super) fn text(&mut self, field: &'static str, value: Option<String>, most: usize) -> Option<String> {
        self.bounded(field, value?, most, cut)
    }

    /// Checks a dedup key. A longer one is cut so that different keys stay different.
    pub(super) fn key(&mut self, field: &'static str, value: Option<String>) -> Option<String> {
        self.bounded(field, value?, MAX_DEDUP_KEY, cut_key)
    }

    pub(super) fn severity(&mut self, field: &'static str, value: Option<String>) -> Option<Severity> {
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

    pub(super) fn status(&mut self, field: &'static str, value: Option<String>) -> Option<IncidentStatus> {
        let word = self.tidy(field, value?)?;
        let status = word.parse().ok();
        if status.is_none() {
            self.0.push(Note::word(field, NoteCode::UnknownWord, &word));
        }
        status
    }

    /// Checks a link. `None` if it is not an http or https URL, or is too long.
    pub(super) fn link(&mut self, field: &'static str, value: Option<String>) -> Option<String> {
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
                encoded
            }
            Cow::Borrowed(_) => text,
        })
    }

    /// Checks the metadata: keeps the first entries, and of entries with the same key the first one.
    pub(super) fn metadata(
        &mut self,
        field: &'static str,
        mut entries: Vec<(String, MetadataValue)>,
    ) -> Vec<(String, MetadataValue)> {
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
        entries
    }

    fn bounded(
        &mut self,
        field: &'static str,
        value: String,
        most: usize,
        cut: fn(&str, usize) -> String,
    ) -> Option<String> {
        let text = self.tidy(field, value)?;
        if fits(&text, most) {
            return Some(text);
        }
        self.0.push(Note::limit(field, NoteCode::Cut, most));
        Some(cut(&text, most))
    }

    /// Trims a text and replaces NUL, which PostgreSQL can't store in a text. `None` if nothing is left.
    fn tidy(&mut self, field: &'static str, mut text: String) -> Option<String> {
        if replace_nul(&mut text) {
            self.0.push(Note::new(field, NoteCode::ReplacedCharacters));
        }
        let trimmed = text.trim();
        if trimmed.len() == text.len() {
            Some(text).filter(|text| !text.is_empty())
        } else {
            Some(trimmed.to_owned()).filter(|text| !text.is_empty())
        }
    }
}

/// Replaces NUL by U+FFFD. Returns `true` if there was one.
fn replace_nul(text: &mut String) -> bool {
    let has_nul = text.contains('\0');
    if has_nul {
        *text = text.replace('\0', "\u{FFFD}");
    }
    has_nul
}

/// Cuts keys and values that are too long. Returns `true` if there were any. A number that is too long becomes a text.
fn cut_entries(entries: &mut [(String, MetadataValue)]) -> bool {
    let mut is_cut = false;
    for (key, value) in entries {
        if !fits(key, MAX_DEDUP_KEY) {
            (*key, is_cut) = (cut_key(key, MAX_DEDUP_KEY), true);
        }
        let text = match value {
            MetadataValue::Text(text) => text.as_str(),
            MetadataValue::Number(number) => number.as_str(),
            _ => continue,
        };
        if !fits(text, MAX_METADATA_VALUE) {
            (*value, is_cut) = (MetadataValue::Text(cut(text, MAX_METADATA_VALUE)), true);
        }
    }
    is_cut
}

/// Drops entries with a repeated key. Returns `true` if there were any. Compares each pair of entries: there are at most
/// [`MAX_METADATA_KEYS`].
fn drop_duplicates(entries: &mut Vec<(String, MetadataValue)>) -> bool {
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
