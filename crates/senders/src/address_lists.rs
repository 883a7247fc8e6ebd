//! The addresses that senders publish, from the documents in which they publish them. An entry that can't be read refuses the
//! whole document: a list with holes loses deliveries in silence.
//!
//! A document is read once from its beginning. What is not wanted is skipped and nothing is copied, so that a publisher decides
//! neither how much memory is taken nor how long reading lasts: it ends at the first entry that is wrong or one too many.

mod providers;

use std::collections::HashSet;

use hookgate_domain::{
    EntryError, IpNetwork, MAX_NETWORKS, Networks, Provider, SetFilter, TextError, TooWide, may_hold_secret,
    misread_pair, parse_entry, read_text,
};
use thiserror::Error;

/// How much of a wrong entry an error repeats, in characters.
const QUOTED: usize = 50;

/// Reads a published document: the networks of the part that is wanted.
///
/// # Errors
/// [`AddressListError`], which names the entry that is at fault.
pub fn read_address_list(
    provider: Provider,
    filter: &SetFilter,
    document: &[u8],
) -> Result<Networks, AddressListError> {
    let text = &*read_text(document)?;
    let mut wanted = Wanted::default();
    if provider == Provider::List && !text.trim_ascii_start().starts_with('[') {
        plain(text, &mut wanted)?;
    } else {
        providers::read(provider, filter, text, &mut wanted)?;
    }
    let networks = Networks::of(wanted.networks).map_err(|_| AddressListError::TooLong)?;
    if networks.as_slice().is_empty() {
        return Err(AddressListError::Empty);
    }
    networks.check_width()?;
    Ok(networks)
}

/// Why a document gives no networks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressListError {
    /// Not UTF-8.
    #[error("the document can't be read: {0}")]
    Text(#[from] TextError),
    /// Not of the form that this provider publishes.
    #[error("the document does not have this provider's format")]
    Form,
    /// It has no such part.
    #[error("the document has no section `{0}`")]
    NoSection(String),
    /// Nothing that is wanted is in it.
    #[error("the document has no networks that match the filter")]
    Empty,
    /// More networks than a set may have.
    #[error("the document has more networks than a set may have ({MAX_NETWORKS})")]
    TooLong,
    /// It would let too many addresses pass, and counts without anybody having looked at it.
    #[error("no publisher has so many addresses: {0}")]
    TooWide(#[from] TooWide),
    /// Nobody has the time to read it any more.
    #[error("the document was not read: the server is stopping")]
    Stopping,
    /// One entry is no network.
    #[error("entry {position} of the document, `{entry}`: {source}")]
    Entry {
        /// Which one of those that are wanted, counted from 1.
        position: usize,
        /// The entry, cut and escaped.
        entry: String,
        /// What is wrong with it.
        source: EntryError,
    },
}

/// The networks that are wanted, as far as the document was read.
#[derive(Default)]
struct Wanted {
    networks: Vec<IpNetwork>,
    seen: HashSet<IpNetwork>,
    entries: usize,
    /// What was wrong with an entry, where reading ended.
    fault: Option<AddressListError>,
}

impl Wanted {
    /// Takes the next entry.
    fn take(&mut self, entry: &str) -> Result<(), AddressListError> {
        let network = parse_entry(entry).map_err(|source| self.fault(entry, source))?;
        self.entries += 1;
        if self.seen.contains(&network) {
            return Ok(());
        }
        if self.networks.len() == MAX_NETWORKS {
            return Err(AddressListError::TooLong);
        }
        self.seen.insert(network);
        self.networks.push(network);
        Ok(())
    }

    /// The next entry is wrong.
    fn fault(&self, entry: &str, source: EntryError) -> AddressListError {
        AddressListError::Entry {
            position: self.entries + 1,
            entry: quoted(entry),
            source,
        }
    }
}

/// Networks separated by commas or space, `#` before a comment.
fn plain(text: &str, wanted: &mut Wanted) -> Result<(), AddressListError> {
    let parts = text
        .lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(|line| line.split(','));
    for part in parts {
        let mut words = part.split_ascii_whitespace().peekable();
        while let Some(word) = words.next() {
            if let Some(next) = words.peek()
                && let Some(source) = misread_pair(word, next)
            {
                return Err(wanted.fault(&format!("{word} {next}"), source));
            }
            wanted.take(word)?;
        }
    }
    Ok(())
}

/// The entry fit for a message.
fn quoted(entry: &str) -> String {
    if may_hold_secret(entry.as_bytes()) {
        return "…".to_owned();
    }
    entry.chars().take(QUOTED).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
