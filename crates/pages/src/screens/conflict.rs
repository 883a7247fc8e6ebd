//! An edit conflict: another member has saved the same form in between. The page shows both values, and asks before it
//! overwrites.

use askama::Template;
use askama::filters::HtmlSafe;
use hookgate_domain::Timestamp;

use crate::text::UserText;
use crate::when;

/// A change that another member saved while the form was open.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The actor of the change, if recorded.
    pub by: Option<UserText>,
    /// Time of the change.
    pub at: Option<Timestamp>,
    /// The time of the page.
    pub now: Timestamp,
    /// The revision that overwriting replaces, sent back as `overwrite`.
    pub revision: i64,
    /// The fields that differ.
    pub rows: Vec<ConflictRow>,
    /// Path of the page with the saved values.
    pub theirs: String,
}

/// A field that differs.
#[derive(Clone, Debug)]
pub struct ConflictRow {
    /// Label of the field in the form.
    pub label: &'static str,
    /// The saved value.
    pub theirs: UserText,
    /// The typed value.
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

/// The part of a page that shows a conflict, inside the form.
#[derive(Template)]
#[template(path = "parts/conflict.html")]
pub(crate) struct ConflictPart<'a>(pub(crate) &'a Conflict);

impl HtmlSafe for ConflictPart<'_> {}
