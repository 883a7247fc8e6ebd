//! A form that was saved by somebody else meanwhile: theirs beside one's own, and overwriting as a choice of its own.

use askama::Template;
use askama::filters::HtmlSafe;
use hookgate_domain::Timestamp;

use crate::text::UserText;
use crate::when;

/// The change of somebody else between the opening of a form and its saving.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// Who made it, if that is on record.
    pub by: Option<UserText>,
    /// When.
    pub at: Option<Timestamp>,
    /// The time of the page.
    pub now: Timestamp,
    /// The revision that overwriting replaces, sent back as `overwrite`.
    pub revision: i64,
    /// The fields that differ.
    pub rows: Vec<ConflictRow>,
    /// The page with their values.
    pub theirs: String,
}

/// A field that differs.
#[derive(Clone, Debug)]
pub struct ConflictRow {
    /// What the form calls it.
    pub label: &'static str,
    /// The value that is saved now.
    pub theirs: UserText,
    /// The value that was typed.
    pub mine: UserText,
}

impl Conflict {
    fn sentence(&self) -> String {
        let when = self
            .at
            .map_or_else(String::new, |at| format!(" {}", when::ago(at, self.now)));
        format!("changed this{when}, after you opened the form. Your changes were not saved.")
    }
}

/// The part of a page that shows a conflict, inside the form that it is about.
#[derive(Template)]
#[template(path = "parts/conflict.html")]
pub(crate) struct ConflictPart<'a>(pub(crate) &'a Conflict);

impl HtmlSafe for ConflictPart<'_> {}
