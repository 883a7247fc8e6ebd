//! Addresses with a special purpose: those that are not on the internet, and those that nothing may be fetched from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;

/// Networks of addresses that are not on the internet: private (RFC 1918), shared (RFC 6598), loopback (RFC 1122),
/// link-local (RFC 3927); in IPv6 loopback (RFC 4291), unique local (RFC 4193) and link-local (RFC 4291).
pub(super) const PRIVATE: [(IpAddr, u8); 9] = [
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10),
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];

/// Returns `true` for addresses that are not on the internet: private (RFC 1918), shared (RFC 6598), unique local (RFC 4193),
/// link-local (RFC 3927, RFC 4291) and loopback addresses (RFC 1122, RFC 4291).
///
/// ```
/// use hookgate_domain::networks::is_private;
///
/// assert!(is_private("10.0.0.1".parse()?) && is_private("fd00::1".parse()?) && is_private("127.0.0.1".parse()?));
/// assert!(!is_private("192.0.2.7".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn is_private(address: IpAddr) -> bool {
    let address = address.to_canonical();
    PRIVATE.iter().any(|network| contains(network, address))
}

/// `true` if an address is public (by the IANA registries of special-purpose addresses). IPv6 addresses that embed IPv4
/// ones are not, because they may lead anywhere.
///
/// ```
/// use hookgate_domain::networks::is_public;
///
/// assert!(is_public("8.8.8.8".parse()?) && !is_public("169.254.169.254".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            let special = first == 0
                || first >= 224
                || (first == 100 && second & 0xc0 == 64)
                || (first == 192 && second == 0 && matches!(third, 0 | 2))
                || (first == 192 && second == 88 && third == 99)
                || (first == 198 && matches!(second, 18 | 19))
                || (first == 198 && second == 51 && third == 100)
                || (first == 203 && second == 0 && third == 113);
            !(special || address.is_private() || address.is_loopback() || address.is_link_local())
        }
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            // 2000::/3 without 2001::/23 (protocols, Teredo), 2001:db8::/32, 2002::/16 (6to4) and 3fff::/20.
            first & 0xe000 == 0x2000
                && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
                && first != 0x2002
                && !(first == 0x3fff && second < 0x1000)
        }
    }
}

/// `true` if the network, written as its first address and its prefix length, contains the address.
pub(super) fn contains((start, prefix): &(IpAddr, u8), address: IpAddr) -> bool {
    IpNetwork::new(*start, *prefix).is_ok_and(|network| network.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_called() {
        for public in [
            "8.8.8.8",
            "1.1.1.1",
            "192.0.3.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
        for special in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::10.0.0.1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(special.parse().expect("an address")), "{special}");
        }
    }
}
