//! Source prefixes: the networks around an address that may belong to one customer. A provider gives a customer an IPv4
//! address, or an IPv6 /64, /56 or /48. A limit that counted only addresses would not limit a customer with the whole
//! network.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

/// Divisor: one customer may hold this part of a listener's connections. A proxy in front of many senders needs many;
/// nobody needs all.
const CUSTOMER_PART: u32 = 4;

/// Divisor for an IPv4 /24. It mostly belongs to several customers, so it may hold twice as many.
const NEIGHBOURS_PART: u32 = 2;

/// Lengths of the counted prefixes, longest first.
const IPV4_LENGTHS: &[u8] = &[32, 24];
const IPV6_LENGTHS: &[u8] = &[64, 56, 48];

/// Maximum number of prefixes of an address.
pub const LEVELS: usize = 3;

/// The prefixes in which an address is counted, longest first.
pub fn prefixes(address: IpAddr) -> impl Iterator<Item = IpNetwork> + Clone {
    let address = address.to_canonical();
    let lengths = if address.is_ipv4() {
        IPV4_LENGTHS
    } else {
        IPV6_LENGTHS
    };
    lengths.iter().filter_map(move |length| {
        let network = IpNetwork::new(address, *length).ok()?.network();
        IpNetwork::new(network, *length).ok()
    })
}

/// The divisor of a prefix: it may hold this part of a listener's connections.
pub(super) fn part(prefix: IpNetwork) -> u32 {
    if prefix.is_ipv4() && prefix.prefix() < 32 {
        NEIGHBOURS_PART
    } else {
        CUSTOMER_PART
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_for_all_that_its_customer_may_have() {
        let of = |text: &str| -> Vec<String> {
            let address = text.parse().expect("an address");
            prefixes(address).map(|prefix| prefix.to_string()).collect()
        };
        assert_eq!(of("192.0.2.7"), ["192.0.2.7/32", "192.0.2.0/24"]);
        assert_eq!(of("::ffff:192.0.2.7"), ["192.0.2.7/32", "192.0.2.0/24"]);
        let v6 = ["2001:db8:1:203::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"];
        assert_eq!(of("2001:db8:1:203::9"), v6);
        assert!(IPV4_LENGTHS.len() <= LEVELS && IPV6_LENGTHS.len() <= LEVELS);
    }
}
