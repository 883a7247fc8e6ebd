//! The errors of reading an address list.

use hookgate_domain::networks::{EntryError, MAX_NETWORKS, TooWide};
use hookgate_domain::text::TextError;
use thiserror::Error;

/// The error of reading an address list.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressListError {
    /// The document is not valid text.
    #[error("the document can't be read: {0}")]
    Text(#[from] TextError),
    /// The document does not have the provider's format.
    #[error("the document does not have this provider's format")]
    Form,
    /// The document lacks a section that the filter names.
    #[error("the document has no section `{0}`")]
    NoSection(String),
    /// No network of the document matches the filter.
    #[error("the document has no networks that match the filter")]
    Empty,
    /// More networks than a set may have.
    #[error("the document has more networks than a set may have ({MAX_NETWORKS})")]
    TooLong,
    /// The networks together have more addresses than any publisher. A published list is used without a review, so it is
    /// refused.
    #[error("no publisher has so many addresses: {0}")]
    TooWide(#[from] TooWide),
    /// The server is stopping, so the document was not read.
    #[error("the document was not read: the server is stopping")]
    Stopping,
    /// An entry is not a network.
    #[error("entry {position} of the document, `{entry}`: {source}")]
    Entry {
        /// Position among the entries that match the filter, counted from 1.
        position: usize,
        /// The entry, escaped and cut after 50 characters, or `…` if it may hold a secret.
        entry: String,
        /// The error of parsing the entry.
        source: EntryError,
    },
}
