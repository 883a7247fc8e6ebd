//! The fields that templates of a mapping fill.

use hookgate_domain::draft::{
    MAX_DEDUP_KEY, MAX_DESCRIPTION, MAX_METADATA_VALUE, MAX_SERVICE, MAX_SOURCE_URL, MAX_TITLE,
};

/// A field of an item: its name in the mapping and in notes, and the most characters of its text.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) note: &'static str,
    pub(super) most: usize,
    /// `true` if it decides what a delivery changes.
    pub(super) is_decisive: bool,
}

pub(super) const TITLE: Field = decisive("title", "title", MAX_TITLE);
pub(super) const STATUS: Field = decisive("status", "status", MAX_SERVICE);
pub(super) const KEY: Field = decisive("key", "dedup_key", MAX_DEDUP_KEY);
pub(super) const RESOLVED: Field = decisive("resolved", "status", MAX_SERVICE);
pub(super) const ACKNOWLEDGED: Field = decisive("acknowledged", "status", MAX_SERVICE);
pub(super) const SKIP: Field = decisive("skip", "payload", MAX_SERVICE);
pub(super) const TEST: Field = decisive("test", "payload", MAX_SERVICE);
pub(super) const DELIVERY_ID: Field = decisive("delivery_id", "payload", MAX_DEDUP_KEY);
pub(super) const DESCRIPTION: Field = ornament("description", MAX_DESCRIPTION);
pub(super) const SEVERITY: Field = ornament("severity", MAX_SERVICE);
pub(super) const SERVICE: Field = ornament("service", MAX_SERVICE);
pub(super) const SOURCE_URL: Field = ornament("source_url", MAX_SOURCE_URL);
pub(super) const METADATA: Field = ornament("metadata", MAX_METADATA_VALUE);

const fn decisive(name: &'static str, note: &'static str, most: usize) -> Field {
    let is_decisive = true;
    Field {
        name,
        note,
        most,
        is_decisive,
    }
}

const fn ornament(name: &'static str, most: usize) -> Field {
    Field {
        is_decisive: false,
        ..decisive(name, name, most)
    }
}
