//! Notations of other programs that a list does not accept because a part of them is an address too: ranges, wildcards and
//! netmasks. Each is recognized so that the error can offer the CIDR notation that was probably meant.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

/// Most networks that an error offers in place of a range. Two arbitrary IPv4 addresses can need 62.
const MAX_OFFERED: usize = 8;

/// A range of addresses, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// Reads `192.0.2.10-192.0.2.20`, `192.0.2.10-20` or `192.0.2.*`. An en dash counts as a hyphen, because word processors
    /// make one of it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(wildcard) = Self::parse_wildcard(text) {
            return Some(wildcard);
        }
        let (first, last) = text.split_once(['-', '\u{2013}'])?;
        let first: IpAddr = first.parse().ok()?;
        let last = last.parse().ok().or_else(|| with_last_octet(first, last))?;
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }

    /// One to three octets and `*` for the others: `192.0.2.*`, `10.*`, `10.*.*.*`.
    fn parse_wildcard(text: &str) -> Option<Self> {
        let mut octets = [0_u8; 4];
        let (mut fixed, mut stars, mut parts) = (0_usize, 0, 0);
        for part in text.split('.') {
            parts += 1;
            if part == "*" {
                stars += 1;
            } else if stars == 0 && fixed < 3 {
                octets[fixed] = octet(part)?;
                fixed += 1;
            } else {
                return None;
            }
        }
        let complete = parts == 4 || stars == 1;
        if fixed == 0 || stars == 0 || parts > 4 || !complete {
            return None;
        }
        let first = Ipv4Addr::from(octets);
        let last = first.to_bits() | (u32::MAX >> (8 * fixed));
        Some(Self {
            first: first.into(),
            last: Ipv4Addr::from_bits(last).into(),
        })
    }

    /// The fewest networks that hold these addresses and no others, in their order.
    pub fn networks(self) -> impl Iterator<Item = IpNetwork> {
        let (bits, mut next, last) = match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => (32, first.to_bits().into(), last.to_bits().into()),
            (IpAddr::V6(first), IpAddr::V6(last)) => (128, first.to_bits(), last.to_bits()),
            // `parse` makes no range of two families.
            _ => (32, 1, 0),
        };
        let mut ended = false;
        std::iter::from_fn(move || {
            if ended || next > last {
                return None;
            }
            // The host bits of the widest network that begins here and does not reach beyond the end.
            let aligned = next.trailing_zeros().min(bits);
            let fits = (last - next)
                .checked_add(1)
                .map_or(bits, |count| count.ilog2().min(bits));
            let host_bits = aligned.min(fits);
            let network = network_of(bits, next, bits - host_bits)?;
            match 1_u128
                .checked_shl(host_bits)
                .and_then(|size| next.checked_add(size))
            {
                Some(behind) => next = behind,
                None => ended = true,
            }
            Some(network)
        })
    }
}

/// The networks of the range, for an error message: `192.0.2.10/31, 192.0.2.12/30`.
impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut networks = self.networks();
        for (index, network) in networks.by_ref().take(MAX_OFFERED).enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            super::write_network(f, network)?;
        }
        match networks.count() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn network_of(bits: u32, first: u128, prefix: u32) -> Option<IpNetwork> {
    let prefix = u8::try_from(prefix).ok()?;
    if bits == 32 {
        let first = Ipv4Addr::from_bits(u32::try_from(first).ok()?);
        Ipv4Network::new(first, prefix).ok().map(IpNetwork::V4)
    } else {
        Ipv6Network::new(Ipv6Addr::from_bits(first), prefix)
            .ok()
            .map(IpNetwork::V6)
    }
}

/// The last address of `192.0.2.10-20`: the first one with `20` as its last octet.
fn with_last_octet(first: IpAddr, text: &str) -> Option<IpAddr> {
    let IpAddr::V4(first) = first else { return None };
    let [a, b, c, _] = first.octets();
    Some(Ipv4Addr::new(a, b, c, octet(text)?).into())
}

fn octet(text: &str) -> Option<u8> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offered(text: &str) -> String {
        AddressRange::parse(text).map_or_else(|| "no range".to_owned(), |range| range.to_string())
    }

    #[test]
    fn ranges_and_wildcards_become_networks() {
        for (text, networks) in [
            (
                "192.0.2.10-192.0.2.20",
                "192.0.2.10/31, 192.0.2.12/30, 192.0.2.16/30, 192.0.2.20",
            ),
            (
                "192.0.2.10-20",
                "192.0.2.10/31, 192.0.2.12/30, 192.0.2.16/30, 192.0.2.20",
            ),
            ("192.0.2.0\u{2013}192.0.2.255", "192.0.2.0/24"),
            ("192.0.2.7-192.0.2.7", "192.0.2.7"),
            ("0.0.0.0-255.255.255.255", "0.0.0.0/0"),
            ("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"),
            ("2001:db8::-2001:db8::ffff", "2001:db8::/112"),
            ("192.0.2.*", "192.0.2.0/24"),
            ("10.*", "10.0.0.0/8"),
            ("10.*.*.*", "10.0.0.0/8"),
        ] {
            assert_eq!(offered(text), networks, "{text}");
        }
        assert!(offered("0.0.0.1-255.255.255.254").ends_with(" and 54 more"));
    }

    #[test]
    fn others_are_no_ranges() {
        for text in [
            "192.0.2.20-192.0.2.10",
            "192.0.2.10-5",
            "192.0.2.1-2001:db8::1",
            "2001:db8::1-9",
            "192.0.2.10-",
            "-192.0.2.10",
            "192.0.2.10-+20",
            "192.0.2.10-256",
            "*",
            "*.0.2.1",
            "10.*.1.*",
            "10.*.*",
            "1.2.3.4.*",
            "a-b",
        ] {
            assert_eq!(AddressRange::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_networks_are_the_range(first in any::<u32>(), count in 0_u32..5_000) {
            let last = first.saturating_add(count);
            let text = format!("{}-{}", Ipv4Addr::from_bits(first), Ipv4Addr::from_bits(last));
            let range = AddressRange::parse(&text).ok_or_else(|| TestCaseError::fail(text))?;
            let mut next = u64::from(first);
            for network in range.networks() {
                let IpNetwork::V4(network) = network else { return Err(TestCaseError::fail("IPv6")) };
                prop_assert_eq!(network.network(), network.ip());
                prop_assert_eq!(u64::from(network.network().to_bits()), next);
                next = u64::from(network.broadcast().to_bits()) + 1;
            }
            prop_assert_eq!(next, u64::from(last) + 1);
        }

        #[test]
        fn any_two_addresses_end(first in any::<u128>(), last in any::<u128>()) {
            let range = AddressRange {
                first: Ipv6Addr::from_bits(first.min(last)).into(),
                last: Ipv6Addr::from_bits(first.max(last)).into(),
            };
            prop_assert!((1..=254).contains(&range.networks().count()));
        }
    }
}
