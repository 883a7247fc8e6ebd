//! The IP allowlist of a webhook: which source addresses may use its URL.
//!
//! A list is either *any address* or a set of networks. Networks are kept twice: as typed, for people, and as sorted
//! disjoint ranges per address family, for the match. Two networks are either disjoint or one holds the other, so
//! dropping the held ones leaves ranges that each stand for one entry: the match names its rule for free.

mod entry;
mod ranges;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnetwork::IpNetwork;
use thiserror::Error;

pub use entry::{EntryError, parse_entry};
use ranges::Ranges;
pub use ranges::{address_bytes, network_bounds};

/// Most networks in one list. The largest published provider list has about 10,000.
///
/// ```
/// use hookgate_domain::{Allowlist, AllowlistError, MAX_NETWORKS};
///
/// let text = "192.0.2.7 ".repeat(MAX_NETWORKS);
/// assert!(text.parse::<Allowlist>().is_ok());
/// assert_eq!((text + "192.0.2.7").parse::<Allowlist>(), Err(AllowlistError::TooLong));
/// ```
pub const MAX_NETWORKS: usize = 16_384;

/// How much of a wrong entry an error repeats, in characters: more than the longest entry, less than a flood.
const QUOTED_CHARACTERS: usize = 64;

/// Which source addresses may use a webhook.
///
/// The text form separates entries by commas, spaces or newlines; `any` stands for every address. Parsing is strict:
/// see [`parse_entry`]. IPv4-mapped IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 address it maps, in the list and in
/// the address that is matched; so an IPv6 network lets no IPv4 address pass, not even `::/0`.
///
/// Equality is that of the lists as they were given, not of the addresses that they permit.
///
/// ```
/// use hookgate_domain::Allowlist;
///
/// let list: Allowlist = "192.0.2.7, 198.51.100.0/24\n2001:db8::/32".parse()?;
/// assert!(list.permits("198.51.100.200".parse()?));
/// assert!(list.permits("::ffff:192.0.2.7".parse()?));
/// assert!(!list.permits("203.0.113.9".parse()?));
/// assert_eq!(list.to_string(), "192.0.2.7, 198.51.100.0/24, 2001:db8::/32");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowlist(List);

#[derive(Clone, Debug, PartialEq, Eq)]
enum List {
    Any,
    Networks {
        typed: Box<[IpNetwork]>,
        v4: Ranges<u32>,
        v6: Ranges<u128>,
    },
}

impl Allowlist {
    /// The list that permits every address. It has to be asked for: an empty text is an error.
    ///
    /// ```
    /// use hookgate_domain::Allowlist;
    ///
    /// assert!(Allowlist::any().permits("203.0.113.9".parse()?));
    /// assert!("".parse::<Allowlist>().is_err());
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub const fn any() -> Self {
        Self(List::Any)
    }

    /// The list of these networks, repetitions dropped. Host bits are cleared and mapped IPv6 becomes IPv4.
    ///
    /// ```
    /// use hookgate_domain::Allowlist;
    ///
    /// let list = Allowlist::of(["10.0.0.0/8".parse()?])?;
    /// assert!(list.permits("10.1.2.3".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AllowlistError::Empty`] without a network and [`AllowlistError::TooLong`] over [`MAX_NETWORKS`] different ones.
    pub fn of(networks: impl IntoIterator<Item = IpNetwork>) -> Result<Self, AllowlistError> {
        let mut typed = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for network in networks.into_iter().map(entry::canonical) {
            if seen.insert(network) {
                typed.push(network);
            }
            if typed.len() > MAX_NETWORKS {
                return Err(AllowlistError::TooLong);
            }
        }
        if typed.is_empty() {
            return Err(AllowlistError::Empty);
        }
        let (v4, v6) = ranges::of(&typed);
        Ok(Self(List::Networks {
            typed: typed.into(),
            v4,
            v6,
        }))
    }

    /// Whether the address may pass. Allocates nothing and takes time logarithmic in the length of the list.
    ///
    /// ```
    /// use hookgate_domain::Allowlist;
    ///
    /// let list: Allowlist = "192.0.2.0/24".parse()?;
    /// assert!(list.permits("192.0.2.255".parse()?));
    /// assert!(!list.permits("192.0.3.0".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        !matches!(self.find(address), AllowlistMatch::None)
    }

    /// The rule that lets the address pass, if any: the widest entry that holds it.
    ///
    /// ```
    /// use hookgate_domain::{Allowlist, AllowlistMatch};
    ///
    /// let list: Allowlist = "10.0.0.0/8 10.1.0.0/16".parse()?;
    /// assert_eq!(list.find("10.1.2.3".parse()?), AllowlistMatch::Network("10.0.0.0/8".parse()?));
    /// assert_eq!(list.find("192.0.2.1".parse()?), AllowlistMatch::None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn find(&self, address: IpAddr) -> AllowlistMatch {
        let List::Networks { v4, v6, .. } = &self.0 else {
            return AllowlistMatch::Any;
        };
        let network = match address.to_canonical() {
            IpAddr::V4(address) => v4.find(address.to_bits()).and_then(ranges::v4_network),
            IpAddr::V6(address) => v6.find(address.to_bits()).and_then(ranges::v6_network),
        };
        network.map_or(AllowlistMatch::None, AllowlistMatch::Network)
    }

    /// The networks in the order in which they were given; `None` if every address may pass.
    ///
    /// ```
    /// use hookgate_domain::Allowlist;
    ///
    /// let list: Allowlist = "10.1.0.0/16 10.0.0.0/8 10.1.0.0/16".parse()?;
    /// assert_eq!(list.networks(), Some(&["10.1.0.0/16".parse()?, "10.0.0.0/8".parse()?][..]));
    /// assert_eq!(Allowlist::any().networks(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn networks(&self) -> Option<&[IpNetwork]> {
        match &self.0 {
            List::Any => None,
            List::Networks { typed, .. } => Some(typed),
        }
    }

    /// Whether an entry lets a whole address family pass (`0.0.0.0/0` or `::/0`): allowed, and worth a warning.
    ///
    /// ```
    /// use hookgate_domain::Allowlist;
    ///
    /// assert!("0.0.0.0/0".parse::<Allowlist>()?.has_whole_family());
    /// assert!(!"0.0.0.0/1".parse::<Allowlist>()?.has_whole_family());
    /// # Ok::<(), hookgate_domain::AllowlistError>(())
    /// ```
    #[must_use]
    pub fn has_whole_family(&self) -> bool {
        self.networks()
            .is_some_and(|networks| networks.iter().any(|network| network.prefix() == 0))
    }
}

impl FromStr for Allowlist {
    type Err = AllowlistError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim_matches(separates) == "any" {
            return Ok(Self::any());
        }
        let mut networks = Vec::new();
        let entries = text.split(separates).filter(|entry| !entry.is_empty());
        for (index, entry) in entries.enumerate() {
            if index >= MAX_NETWORKS {
                return Err(AllowlistError::TooLong);
            }
            networks.push(parse_entry(entry).map_err(|source| AllowlistError::Entry {
                position: index + 1,
                entry: quoted(entry),
                source,
            })?);
        }
        Self::of(networks)
    }
}

impl fmt::Display for Allowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(networks) = self.networks() else {
            return f.write_str("any");
        };
        for (index, network) in networks.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            if network.prefix() == widest_prefix(network) {
                write!(f, "{}", network.ip())?;
            } else {
                write!(f, "{network}")?;
            }
        }
        Ok(())
    }
}

/// What an allowlist says to an address.
///
/// ```
/// use hookgate_domain::{Allowlist, AllowlistMatch};
///
/// assert_eq!(Allowlist::any().find("192.0.2.7".parse()?), AllowlistMatch::Any);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum AllowlistMatch {
    /// The webhook takes deliveries from every address.
    Any,
    /// This entry holds the address.
    Network(IpNetwork),
    /// No entry holds the address.
    None,
}

/// Why a text is no allowlist.
///
/// ```
/// use hookgate_domain::{Allowlist, AllowlistError, EntryError};
///
/// let expected = AllowlistError::Entry { position: 2, entry: "10.0.0.0/08".into(), source: EntryError::Prefix };
/// assert_eq!("192.0.2.7, 10.0.0.0/08".parse::<Allowlist>(), Err(expected));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AllowlistError {
    /// No entry at all. A list that permits everything is written `any`.
    #[error("the allowlist is empty; write `any` to permit every address")]
    Empty,
    /// More than [`MAX_NETWORKS`] entries.
    #[error("the allowlist has more than {MAX_NETWORKS} entries")]
    TooLong,
    /// One entry is wrong.
    #[error("entry {position} of the allowlist, `{entry}`: {source}")]
    Entry {
        /// Which entry, counted from 1.
        position: usize,
        /// The entry, with control characters escaped and cut after 64 characters, or where a webhook ID may begin.
        entry: String,
        /// What is wrong with it.
        source: EntryError,
    },
}

const fn widest_prefix(network: &IpNetwork) -> u8 {
    match network {
        IpNetwork::V4(_) => 32,
        IpNetwork::V6(_) => 128,
    }
}

/// Entries stand between these. Space outside ASCII doesn't separate: it is easily overlooked.
const fn separates(c: char) -> bool {
    c == ',' || c.is_ascii_whitespace()
}

/// The entry fit for a message: no control characters, no flood, and no webhook ID pasted into the wrong field.
fn quoted(entry: &str) -> String {
    let open = entry.split_once("wh_").map_or(entry, |(open, _)| open);
    let mut quoted: String = open
        .chars()
        .take(QUOTED_CHARACTERS)
        .flat_map(char::escape_debug)
        .collect();
    if open.len() < entry.len() || open.chars().nth(QUOTED_CHARACTERS).is_some() {
        quoted.push('…');
    }
    quoted
}
