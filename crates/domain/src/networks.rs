//! Sets of networks, for allowlists, address sets and trusted proxies. A match takes some ten nanoseconds, however
//! large the set is.
//!
//! Networks are stored twice: as given, for people, and as sorted disjoint ranges per address family, for the match.
//! Two networks are either disjoint or one holds the other, so dropping the inner ones leaves ranges that each stand
//! for one network, which the match can return.

mod address_range;
mod customer;
mod entry;
mod netmask;
mod ranges;
mod special;
mod warnings;
mod width;

use std::fmt;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use thiserror::Error;

pub use address_range::AddressRange;
pub use customer::{CustomerNetwork, customer_networks, source_prefix, wider_prefixes};
pub(crate) use entry::canonical;
pub use entry::{EntryError, parse_entry};
pub use netmask::misread_pair;
use ranges::Ranges;
pub use ranges::{address_bytes, network_bounds};
pub use special::{is_private, is_public};
pub use warnings::{NetworkWarning, network_warnings};
pub(crate) use warnings::{of_network, with_those_of_all};
pub(crate) use width::covered;
pub use width::{AddressCount, AddressFamily, TooWide};

/// Most networks in one set. The largest published provider list has about 10,000.
pub const MAX_NETWORKS: usize = 16_384;

/// A set of networks. IPv4-mapped IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 address it maps, in the set and in the
/// address that is looked for; so an IPv6 network holds no IPv4 address, not even `::/0`.
///
/// Equality is that of the networks as they were given, not of the addresses that they hold.
///
/// ```
/// use hookgate_domain::Networks;
///
/// let networks = Networks::of(["10.0.0.0/8".parse()?, "2001:db8::/32".parse()?])?;
/// assert!(networks.holds("10.1.2.3".parse()?) && networks.holds("::ffff:10.1.2.3".parse()?));
/// assert!(!networks.holds("192.0.2.7".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Networks {
    given: Box<[IpNetwork]>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl Networks {
    /// The set of these networks, repetitions dropped; it may be empty. Host bits are cleared and mapped IPv6 becomes
    /// IPv4.
    ///
    /// ```
    /// use hookgate_domain::Networks;
    ///
    /// let networks = Networks::of(["10.1.2.3/8".parse()?, "10.0.0.0/8".parse()?])?;
    /// assert_eq!(networks.as_slice(), &["10.0.0.0/8".parse()?]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TooManyNetworks`] over [`MAX_NETWORKS`] different ones.
    pub fn of(networks: impl IntoIterator<Item = IpNetwork>) -> Result<Self, TooManyNetworks> {
        let mut given = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for network in networks.into_iter().map(canonical) {
            if seen.insert(network) {
                given.push(network);
            }
            if given.len() > MAX_NETWORKS {
                return Err(TooManyNetworks);
            }
        }
        let (v4, v6) = ranges::of(&given);
        Ok(Self {
            given: given.into(),
            v4,
            v6,
        })
    }

    /// The widest network that holds the address. Allocates nothing and takes time logarithmic in the size of the set.
    ///
    /// ```
    /// use hookgate_domain::Networks;
    ///
    /// let networks = Networks::of(["10.0.0.0/8".parse()?, "10.1.0.0/16".parse()?])?;
    /// assert_eq!(networks.find("10.1.2.3".parse()?), Some("10.0.0.0/8".parse()?));
    /// assert_eq!(networks.find("192.0.2.1".parse()?), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<IpNetwork> {
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.find(address.to_bits()).and_then(ranges::v4_network),
            IpAddr::V6(address) => self.v6.find(address.to_bits()).and_then(ranges::v6_network),
        }
    }

    /// `true` if a network of the set holds the address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.find(address.to_bits()).is_some(),
            IpAddr::V6(address) => self.v6.find(address.to_bits()).is_some(),
        }
    }

    /// The networks in the order in which they were given.
    #[must_use]
    pub const fn as_slice(&self) -> &[IpNetwork] {
        &self.given
    }
}

/// The empty set.
impl Default for Networks {
    fn default() -> Self {
        let (v4, v6) = ranges::of(&[]);
        Self {
            given: Box::default(),
            v4,
            v6,
        }
    }
}

/// More than [`MAX_NETWORKS`] different networks.
///
/// ```
/// assert_eq!(hookgate_domain::networks::TooManyNetworks.to_string(), "more than 16384 networks");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("more than {MAX_NETWORKS} networks")]
pub struct TooManyNetworks;

/// A network as people write it: a single address without its prefix length.
pub(crate) fn write_network(f: &mut impl fmt::Write, network: IpNetwork) -> fmt::Result {
    let single = if network.is_ipv4() { 32 } else { 128 };
    // Without its length, 0.0.0.0 is every address to other programs and to people.
    if network.prefix() == single && !network.ip().is_unspecified() {
        write!(f, "{}", network.ip())
    } else {
        write!(f, "{network}")
    }
}
