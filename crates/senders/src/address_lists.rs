//! Parsers of published address lists. One unreadable entry refuses the whole document: a list with holes would lose
//! deliveries silently.
//!
//! A document is parsed in one pass. Unwanted parts are skipped, nothing but the networks is kept, and parsing ends at the
//! first wrong entry or above [`MAX_NETWORKS`]. So a publisher controls neither the memory nor the time that parsing takes.

mod providers;

use std::collections::HashSet;

use hookgate_domain::address_set::{Provider, SetFilter};
use hookgate_domain::leaks::may_hold_secret;
use hookgate_domain::networks::{EntryError, MAX_NETWORKS, TooWide, misread_pair, parse_entry};
use hookgate_domain::text::{TextError, read_text};
use hookgate_domain::{IpNetwork, Networks};
use thiserror::Error;

/// Characters of a wrong entry that an error quotes.
const QUOTED: usize = 50;

/// Reads a published document and returns the networks that match the filter.
///
/// # Errors
/// [`AddressListError`]. If one entry is wrong, the error quotes it.
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

/// Collects the networks that match the filter, without repetitions.
#[derive(Default)]
struct Wanted {
    networks: Vec<IpNetwork>,
    seen: HashSet<IpNetwork>,
    entries: usize,
    /// The error of the entry at which parsing ended.
    fault: Option<AddressListError>,
}

impl Wanted {
    /// Parses the next entry and adds its network, unless it is there already.
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

    /// The error of the next entry.
    fn fault(&self, entry: &str, source: EntryError) -> AddressListError {
        AddressListError::Entry {
            position: self.entries + 1,
            entry: quoted(entry),
            source,
        }
    }
}

/// Reads a plain list: networks separated by commas or white space, with comments from `#` to the end of a line.
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

/// Makes an entry safe for an error text: control characters are escaped, long entries are cut, possible secrets are left
/// out.
fn quoted(entry: &str) -> String {
    if may_hold_secret(entry.as_bytes()) {
        return "…".to_owned();
    }
    entry.chars().take(QUOTED).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
