//! The networks that one customer of a provider may have. Limits count by them, because a limit for one address does
//! not stop a customer who has the whole network.

use std::net::{IpAddr, Ipv6Addr};

use super::address_bytes;

/// The network of one host (RFC 6177).
const V6_PREFIX: u8 = 64;
/// Prefix lengths of the networks that providers give to one customer (RFC 6177), narrowest first.
const V6_CUSTOMER: [u8; 3] = [64, 56, 48];

/// The source prefix of an address: the IPv4 address itself, or the /64 of an IPv6 address, since a single host has all
/// of it.
#[must_use]
pub fn source_prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() & (u128::MAX << (128 - u32::from(V6_PREFIX)));
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The networks that one customer may have, by which limits count: an IPv4 address itself; the /64, /56 and /48 of an
/// IPv6 address, narrowest first.
#[must_use = "the networks are counted by the caller"]
pub fn customer_networks(address: IpAddr) -> impl Iterator<Item = CustomerNetwork> {
    let (v4, v6) = match address.to_canonical() {
        v4 @ IpAddr::V4(_) => (Some(CustomerNetwork(address_bytes(v4))), None),
        IpAddr::V6(address) => (None, Some(address.to_bits())),
    };
    let of_v6 = v6
        .into_iter()
        .flat_map(|bits| V6_CUSTOMER.map(|prefix| CustomerNetwork::of_v6(bits, prefix)));
    v4.into_iter().chain(of_v6)
}

/// One of [`customer_networks`], as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CustomerNetwork([u8; 16]);

impl CustomerNetwork {
    /// The widest of the address's customer networks.
    #[must_use]
    pub fn widest(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(address_bytes(v4)),
            IpAddr::V6(address) => Self::of_v6(address.to_bits(), V6_CUSTOMER[V6_CUSTOMER.len() - 1]),
        }
    }

    /// The prefix length replaces the last byte, which is host bits in all of them, so that keys of different lengths
    /// differ.
    fn of_v6(bits: u128, prefix: u8) -> Self {
        Self((bits & (u128::MAX << (128 - u32::from(prefix))) | u128::from(prefix)).to_be_bytes())
    }
}

/// The networks that a customer of a provider may have beside the /64 of [`source_prefix`]: the /56 and the /48 around
/// an IPv6 address. For an IPv4 address both are the address itself.
#[must_use]
pub fn wider_prefixes(address: IpAddr) -> [IpAddr; 2] {
    let [_, wider @ ..] = V6_CUSTOMER;
    wider.map(|prefix| match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & (u128::MAX << (128 - u32::from(prefix))),
        )),
        v4 @ IpAddr::V4(_) => v4,
    })
}
