//! One entry of a list: an address or a network in CIDR notation, parsed strictly. A notation that two programs could
//! read differently is refused, because a list that means something else than it says is worse than none.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use thiserror::Error;

use super::address_range::AddressRange;

/// Bits before the IPv4 address in IPv4-mapped IPv6 (RFC 4291, section 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// Words for every address in other programs.
const EVERYTHING: [&str; 3] = ["any", "all", "*"];

/// Reads `192.0.2.7`, `192.0.2.0/24`, `2001:db8::1` or `2001:db8::/32`.
///
/// Addresses are written as in RFC 6943, section 3.1.1 (strict form) and RFC 4291, section 2.2, prefixes as in RFC 4632
/// and RFC 4291, section 2.3. Refused: leading zeros (`010.0.0.1` is 8.0.0.1 to some programs), signs, netmasks, zones
/// (RFC 4007), ranges, shortened addresses, host names, and set host bits. An IPv4-mapped network becomes the IPv4 network
/// it maps.
///
/// ```
/// use hookgate_domain::networks::{EntryError, parse_entry};
///
/// assert_eq!(parse_entry("::ffff:10.0.0.0/104"), Ok("10.0.0.0/8".parse()?));
/// assert_eq!(parse_entry("10.0.0.0/08"), Err(EntryError::Prefix));
/// let error = parse_entry("10.1.2.3/8").unwrap_err();
/// assert!(error.to_string().ends_with("write 10.0.0.0/8 for the network or 10.1.2.3 for the one address"));
/// # Ok::<(), ipnetwork::IpNetworkError>(())
/// ```
///
/// # Errors
/// [`EntryError`], which does not repeat the entry.
pub fn parse_entry(entry: &str) -> Result<IpNetwork, EntryError> {
    if entry.contains('%') {
        return Err(EntryError::Zone);
    }
    if let Some(range) = AddressRange::parse(entry) {
        return Err(EntryError::Range(range));
    }
    if EVERYTHING.iter().any(|word| entry.eq_ignore_ascii_case(word)) {
        return Err(EntryError::Everything);
    }
    let (address, prefix) = match entry.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (entry, None),
    };
    let address: IpAddr = address.parse().map_err(|_| EntryError::Address)?;
    if address.is_unspecified() && prefix.is_none() {
        return Err(EntryError::Unspecified { address });
    }
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(prefix) => parse_prefix(prefix, bits)?,
        None => bits,
    };
    let network = IpNetwork::new(address, prefix).map_err(|_| EntryError::PrefixTooLong { bits })?;
    if network.network() != address {
        return Err(EntryError::HostBits {
            network: canonical(network),
            address: address.to_canonical(),
        });
    }
    Ok(canonical(network))
}

/// The network with its host bits cleared, and as IPv4 if it is IPv4-mapped IPv6.
pub(crate) fn canonical(network: IpNetwork) -> IpNetwork {
    let cleared = match network {
        IpNetwork::V4(network) => Ipv4Network::new(network.network(), network.prefix()).map(IpNetwork::V4),
        IpNetwork::V6(network) => match network.network().to_ipv4_mapped() {
            // A shorter prefix would have cleared a bit of the IPv4-mapped prefix.
            Some(address) => mapped(address, network.prefix()),
            None => Ipv6Network::new(network.network(), network.prefix()).map(IpNetwork::V6),
        },
    };
    // The prefix was valid before, so it still is.
    cleared.unwrap_or(network)
}

fn mapped(address: Ipv4Addr, prefix: u8) -> Result<IpNetwork, ipnetwork::IpNetworkError> {
    Ipv4Network::new(address, prefix - MAPPED_PREFIX).map(IpNetwork::V4)
}

fn parse_prefix(text: &str, bits: u8) -> Result<u8, EntryError> {
    if text.contains(['.', ':']) {
        return Err(EntryError::Netmask);
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if text.is_empty() || !plain {
        return Err(EntryError::Prefix);
    }
    text.parse()
        .ok()
        .filter(|prefix| *prefix <= bits)
        .ok_or(EntryError::PrefixTooLong { bits })
}

/// Errors of an entry of an allowlist.
///
/// ```
/// use hookgate_domain::networks::{EntryError, parse_entry};
///
/// assert_eq!(parse_entry("010.0.0.1"), Err(EntryError::Address));
/// assert_eq!(parse_entry("fe80::1%eth0"), Err(EntryError::Zone));
/// assert_eq!(parse_entry("10.0.0.0/255.0.0.0"), Err(EntryError::Netmask));
/// assert_eq!(parse_entry("10.0.0.0/33"), Err(EntryError::PrefixTooLong { bits: 32 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EntryError {
    /// Not an IP address in its full form.
    #[error(
        "not an IP address: write 192.0.2.7, 192.0.2.0/24, 2001:db8::1 or 2001:db8::/32, without leading zeros"
    )]
    Address,
    /// A zone such as `%eth0`: it means something on one machine only.
    #[error("addresses with a zone (%) are not accepted: leave the zone out")]
    Zone,
    /// A netmask instead of a prefix length.
    #[error("netmasks are not accepted: write the prefix length, such as /24")]
    Netmask,
    /// An address and a netmask with only a space between them: one network or two addresses may be meant.
    #[error(
        "a netmask behind an address, with only a space between them: write {} for the network, or put a comma between two addresses",
        Short(*network)
    )]
    AddressAndMask {
        /// The two read as a network.
        network: IpNetwork,
    },
    /// A range of addresses, or a wildcard.
    #[error("ranges and wildcards are not accepted: write {0}")]
    Range(AddressRange),
    /// `0.0.0.0` or `::` without a prefix length: every address to some programs, an address of no host to others.
    #[error("write {address}/0 for every address of this family, an allowlist of `any` for every address, or {}", Short((*address).into()))]
    Unspecified {
        /// The address.
        address: IpAddr,
    },
    /// A word for every address, such as `any`, where one entry is expected.
    #[error("not one address or network: an allowlist for every address is the word `any` and nothing else")]
    Everything,
    /// The prefix length is no plain decimal number.
    #[error("the prefix length must be a plain number without sign or leading zero, such as /8")]
    Prefix,
    /// The prefix length is larger than the address has bits.
    #[error("the prefix length is larger than {bits}")]
    PrefixTooLong {
        /// The bits of an address of this family.
        bits: u8,
    },
    /// The address has bits set behind the prefix: a network or one address may be meant.
    #[error(
        "the address has bits set behind /{}: write {network} for the network or {address} for the one address",
        network.prefix()
    )]
    HostBits {
        /// The entry read as a network.
        network: IpNetwork,
        /// The entry read as one address.
        address: IpAddr,
    },
}

/// A network as lists show it.
struct Short(IpNetwork);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_network(f, self.0)
    }
}
