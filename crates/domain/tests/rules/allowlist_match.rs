//! The match against a model that looks at one bit after the other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hookgate_domain::{Allowlist, AllowlistMatch, IpNetwork, address_bytes, network_bounds};
use proptest::prelude::*;

/// An address of the model: its bits, the first one first. IPv4 has 32 of them, IPv6 has 128.
type Bits = Vec<bool>;

/// A network of the model: the bits that an address must begin with, and how many its family has.
#[derive(Clone, Debug, PartialEq)]
struct Net {
    start: Bits,
    width: usize,
}

impl Net {
    fn holds(&self, address: &Bits) -> bool {
        address.len() == self.width
            && self
                .start
                .iter()
                .zip(address)
                .all(|(expected, bit)| expected == bit)
    }
}

fn bits(octets: &[u8]) -> Bits {
    octets
        .iter()
        .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1))
        .collect()
}

/// `::ffff:0:0/96`, written out: 80 zeros and 16 ones.
fn is_mapped(bits: &Bits) -> bool {
    bits.len() == 128
        && bits[..96]
            .iter()
            .enumerate()
            .all(|(position, bit)| *bit == (position >= 80))
}

fn model_address(address: IpAddr) -> Bits {
    let all = match address {
        IpAddr::V4(address) => bits(&address.octets()),
        IpAddr::V6(address) => bits(&address.octets()),
    };
    if is_mapped(&all) { all[96..].to_vec() } else { all }
}

fn model_network(address: IpAddr, prefix: usize) -> Net {
    let all = match address {
        IpAddr::V4(address) => bits(&address.octets()),
        IpAddr::V6(address) => bits(&address.octets()),
    };
    if is_mapped(&all) && prefix >= 96 {
        Net {
            start: all[96..prefix].to_vec(),
            width: 32,
        }
    } else {
        Net {
            start: all[..prefix].to_vec(),
            width: all.len(),
        }
    }
}

/// Few addresses, close together and in every form, so that networks nest, touch and repeat.
fn address() -> impl Strategy<Value = IpAddr> {
    let v4 = prop_oneof![
        4 => (0_u32..64).prop_map(|low| 0x0A00_0000 + low),
        1 => (0_u32..4, 0_u32..4).prop_map(|(high, low)| high << 30 | low),
        1 => any::<u32>(),
    ];
    let v6 = prop_oneof![
        4 => (0_u128..64).prop_map(|low| 0x2001_0DB8 << 96 | low),
        1 => (0_u128..4, 0_u128..4).prop_map(|(high, low)| high << 126 | low),
        // Beside the mapped block, on both sides.
        1 => 0xFFFE_FFFF_FFFE_u128..=0xFFFF_0000_0001,
        1 => 0xFFFF_FFFF_FFFE_u128..=0x1_0000_0000_0001,
        1 => any::<u128>(),
    ];
    prop_oneof![
        v4.clone().prop_map(|bits| Ipv4Addr::from_bits(bits).into()),
        v4.prop_map(|bits| Ipv4Addr::from_bits(bits).to_ipv6_mapped().into()),
        v6.prop_map(|bits| Ipv6Addr::from_bits(bits).into()),
    ]
}

fn network() -> impl Strategy<Value = (IpAddr, u8)> {
    (address(), prop_oneof![3 => 0_u8..8, 1 => any::<u8>()]).prop_map(|(address, free)| {
        let width = if address.is_ipv4() { 32 } else { 128 };
        (address, width - free % (width + 1))
    })
}

/// The addresses beside and at the edges of a network.
fn edges(network: IpNetwork) -> [IpAddr; 4] {
    match network {
        IpNetwork::V4(network) => {
            let (first, last) = (network.network().to_bits(), network.broadcast().to_bits());
            [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                .map(|bits| Ipv4Addr::from_bits(bits).into())
        }
        IpNetwork::V6(network) => {
            let (first, last) = (network.network().to_bits(), network.broadcast().to_bits());
            [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                .map(|bits| Ipv6Addr::from_bits(bits).into())
        }
    }
}

proptest! {
    #[test]
    fn the_match_is_that_of_the_model(
        networks in prop::collection::vec(network(), 1..12),
        addresses in prop::collection::vec(address(), 16),
    ) {
        let model: Vec<_> =
            networks.iter().map(|(address, prefix)| model_network(*address, usize::from(*prefix))).collect();
        let given: Vec<_> =
            networks.into_iter().map(|(address, prefix)| IpNetwork::new(address, prefix)).collect::<Result<_, _>>()?;
        let list = Allowlist::of(given.clone())?;

        for address in addresses.into_iter().chain(given.into_iter().flat_map(edges)) {
            let bits = model_address(address);
            let widest = model.iter().filter(|net| net.holds(&bits)).min_by_key(|net| net.start.len());
            let found = match list.find(address) {
                AllowlistMatch::Network(network) => {
                    prop_assert!(list.networks().is_some_and(|networks| networks.contains(&network)));
                    Some(model_network(network.ip(), usize::from(network.prefix())))
                }
                AllowlistMatch::None => None,
                AllowlistMatch::Any => return Err(TestCaseError::fail("a list is not any")),
            };
            prop_assert_eq!(found.as_ref(), widest, "{}", address);
            prop_assert_eq!(list.permits(address), widest.is_some());
        }
    }

    #[test]
    fn the_order_of_the_networks_does_not_change_the_match(
        networks in prop::collection::vec(network(), 1..12).prop_shuffle(),
        address in address(),
    ) {
        let of = |networks: &[(IpAddr, u8)]| -> Result<Allowlist, TestCaseError> {
            let networks = networks.iter().filter_map(|(address, prefix)| IpNetwork::new(*address, *prefix).ok());
            Ok(Allowlist::of(networks)?)
        };
        let reversed: Vec<_> = networks.iter().copied().rev().collect();
        prop_assert_eq!(of(&networks)?.find(address), of(&reversed)?.find(address));
    }

    #[test]
    fn bounds_hold_what_the_network_holds((base, prefix) in network(), address in address()) {
        let network = IpNetwork::new(base, prefix)?;
        let list = Allowlist::of([network])?;
        let canonical = list.networks().and_then(<[_]>::first).copied().expect("one network");
        let (lowest, highest) = network_bounds(canonical);
        // An IPv6 network that is wider than the mapped block holds it by its bytes, and still permits no IPv4.
        if canonical.is_ipv4() || address.to_canonical().is_ipv6() {
            prop_assert_eq!((lowest..=highest).contains(&address_bytes(address)), list.permits(address));
        }
    }
}

#[test]
fn an_ipv6_network_lets_no_ipv4_address_pass() {
    for wide in ["::/0", "::/64", "::/80", "::fffe:0:0/95"] {
        let list: Allowlist = wide.parse().unwrap();
        assert!(!list.permits("192.0.2.7".parse().unwrap()), "{wide}");
        assert!(!list.permits("::ffff:192.0.2.7".parse().unwrap()), "{wide}");
    }
    assert!(
        "::/80"
            .parse::<Allowlist>()
            .unwrap()
            .permits("::1".parse().unwrap())
    );
}

#[test]
fn the_mapped_block_is_all_of_ipv4() {
    let list: Allowlist = "::ffff:0:0/96".parse().unwrap();
    assert_eq!(list.to_string(), "0.0.0.0/0");
    assert!(list.has_whole_family());
    assert!(list.permits("255.255.255.255".parse().unwrap()));
    assert!(!list.permits("::1".parse().unwrap()));
}

#[test]
fn a_whole_family_is_flagged() {
    for (text, expected) in [
        ("0.0.0.0/0", true),
        ("::/0", true),
        ("192.0.2.7, ::/0", true),
        ("0.0.0.0", false),
        ("::", false),
        ("0.0.0.0/1", false),
        ("any", false),
    ] {
        assert_eq!(
            text.parse::<Allowlist>().unwrap().has_whole_family(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn any_permits_both_families() {
    for address in ["0.0.0.0", "255.255.255.255", "::", "::ffff:192.0.2.7", "ffff::"] {
        assert_eq!(
            Allowlist::any().find(address.parse().unwrap()),
            AllowlistMatch::Any
        );
        assert!(Allowlist::any().permits(address.parse().unwrap()));
    }
}
