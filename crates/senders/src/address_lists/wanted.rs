//! The networks of a document that match a filter.

use std::collections::HashSet;

use hookgate_domain::IpNetwork;
use hookgate_domain::leaks::may_hold_secret;
use hookgate_domain::networks::{EntryError, MAX_NETWORKS, parse_entry};

use super::error::AddressListError;

/// Characters of a wrong entry that an error quotes.
const QUOTED: usize = 50;

/// Collects the networks that match the filter, without repetitions.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) networks: Vec<IpNetwork>,
    seen: HashSet<IpNetwork>,
    entries: usize,
    /// The error of the entry at which parsing ended.
    pub(super) fault: Option<AddressListError>,
}

impl Wanted {
    /// Parses the next entry and adds its network, unless it is there already.
    pub(super) fn take(&mut self, entry: &str) -> Result<(), AddressListError> {
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
    pub(super) fn fault(&self, entry: &str, source: EntryError) -> AddressListError {
        AddressListError::Entry {
            position: self.entries + 1,
            entry: quoted(entry),
            source,
        }
    }
}

/// Makes an entry safe for an error text: control characters are escaped, long entries are cut, possible secrets are left
/// out.
fn quoted(entry: &str) -> String {
    if may_hold_secret(entry.as_bytes()) {
        return "…".to_owned();
    }
    entry.chars().take(QUOTED).flat_map(char::escape_debug).collect()
}
