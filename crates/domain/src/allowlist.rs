//! The IP allowlist of a webhook: which source addresses may use its URL.
//!
//! A list is either *any address* or a set of networks. Networks are kept twice: as typed, for people, and as sorted
//! disjoint ranges per address family, for the match. Two networks are either disjoint or one holds the other, so
//! dropping the held ones leaves ranges that each stand for one entry: the match names its rule for free.

mod entry;
mod ranges;
mod text;

use std::net::IpAddr;

use ipnetwork::IpNetwork;

pub use entry::{EntryError, parse_entry};
use ranges::Ranges;
pub use ranges::{address_bytes, network_bounds};
pub use text::AllowlistError;

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
    /// [`AllowlistError::Empty`] without a network, and [`AllowlistError::TooLong`] over [`MAX_NETWORKS`] different
    /// ones.
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
