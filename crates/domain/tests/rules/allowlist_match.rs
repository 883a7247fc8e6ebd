//! The match, compared with a model that checks one bit after the other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use std::sync::Arc;

use crate::support::NOW;
use hookgate_domain::allowlist::{Allowed, AllowlistMatch};
use hookgate_domain::networks::NetworkWarning;
use hookgate_domain::networks::{address_bytes, network_bounds};
use hookgate_domain::{Allowlist, IpNetwork, Networks};
use proptest::prelude::*;

/// An address of the model: its bits, the highest first. IPv4 has 32, IPv6 has 128.
type Bits = Vec<bool>;

/// A network of the model: the bits of its prefix, and the number of bits of its family.
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
            let found = match list.find(address, NOW) {
                AllowlistMatch::Network(network) => {
                    prop_assert!(networks_of(&list).contains(&network));
                    Some(model_network(network.ip(), usize::from(network.prefix())))
                }
                AllowlistMatch::None => None,
                AllowlistMatch::Any | AllowlistMatch::Set { .. } => {
                    return Err(TestCaseError::fail("a list of networks has neither"));
                }
            };
            prop_assert_eq!(found.as_ref(), widest, "{}", address);
            prop_assert_eq!(list.permits(address, NOW), widest.is_some());
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
        prop_assert_eq!(of(&networks)?.find(address, NOW), of(&reversed)?.find(address, NOW));
    }

    #[test]
    fn bounds_hold_what_the_network_holds((base, prefix) in network(), address in address()) {
        let network = IpNetwork::new(base, prefix)?;
        let list = Allowlist::of([network])?;
        let canonical = networks_of(&list)[0];
        let (lowest, highest) = network_bounds(canonical);
        // An IPv6 network that is wider than the mapped block holds it by its bytes, and still permits no IPv4.
        if canonical.is_ipv4() || address.to_canonical().is_ipv6() {
            prop_assert_eq!((lowest..=highest).contains(&address_bytes(address)), list.permits(address, NOW));
        }
    }
}

#[test]
fn an_ipv6_network_lets_no_ipv4_address_pass() {
    for wide in ["::/0", "::/64", "::/80", "::fffe:0:0/95"] {
        let list: Allowlist = wide.parse().unwrap();
        assert!(!list.permits("192.0.2.7".parse().unwrap(), NOW), "{wide}");
        assert!(!list.permits("::ffff:192.0.2.7".parse().unwrap(), NOW), "{wide}");
    }
    assert!(
        "::/80"
            .parse::<Allowlist>()
            .unwrap()
            .permits("::1".parse().unwrap(), NOW)
    );
}

#[test]
fn the_mapped_block_is_all_of_ipv4() {
    let list: Allowlist = "::ffff:0:0/96".parse().unwrap();
    assert_eq!(list.to_string(), "0.0.0.0/0");
    assert!(list.permits("255.255.255.255".parse().unwrap(), NOW));
    assert!(!list.permits("::1".parse().unwrap(), NOW));
}

#[test]
fn what_permits_too_much_is_flagged() {
    let cases = [
        ("0.0.0.0/0", "0.0.0.0/0 allows every IPv4 address"),
        ("::/0", "::/0 allows every IPv6 address"),
        ("8.0.0.0/7", "8.0.0.0/7 allows more addresses than any sender has"),
        ("2a00::/16", "2a00::/16 allows more addresses than any sender has"),
        ("8.0.0.0/8, 2a00:1234::/32, 192.0.2.7, @office", ""),
        ("any", ""),
    ];
    for (text, expected) in cases {
        let warnings = text.parse::<Allowlist>().unwrap().warnings(None, NOW);
        let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(texts.join("; "), expected, "{text}");
    }
    for private in [
        "10.0.0.0/8",
        "192.168.1.7",
        "172.20.0.0/16",
        "100.64.0.0/10",
        "127.0.0.1",
        "fd00::/8",
        "fe80::1",
        "::1",
    ] {
        let warnings = private.parse::<Allowlist>().unwrap().warnings(None, NOW);
        assert!(
            matches!(warnings[..], [NetworkWarning::Private(_)]),
            "{private}: {warnings:?}"
        );
    }
}

#[test]
fn private_networks_end_where_they_end() {
    let is_private = |address: &str| hookgate_domain::networks::is_private(address.parse().unwrap());
    for address in [
        "100.64.0.0",
        "100.127.255.255",
        "169.254.0.1",
        "::ffff:10.0.0.1",
        "fdff::1",
    ] {
        assert!(is_private(address), "{address}");
    }
    for address in [
        "100.63.255.255",
        "100.128.0.0",
        "8.64.0.1",
        "172.32.0.0",
        "fe00::1",
        "::2",
    ] {
        assert!(!is_private(address), "{address}");
    }
}

#[test]
fn somebody_who_would_cut_himself_off_is_told() {
    let list: Allowlist = "192.0.2.0/24".parse().unwrap();
    let own = |address: &str| list.warnings(Some(address.parse().unwrap()), NOW);
    assert_eq!(own("192.0.2.7"), []);
    assert_eq!(own("::ffff:192.0.2.7"), []);
    assert_eq!(
        own("::ffff:203.0.113.9"),
        [NetworkWarning::OwnAddress("203.0.113.9".parse().unwrap())]
    );
    assert_eq!(
        Allowlist::any().warnings(Some("203.0.113.9".parse().unwrap()), NOW),
        []
    );
}

#[test]
fn an_entry_ends_when_it_says() {
    let later = NOW.after(std::time::Duration::from_mins(1));
    let text = format!("192.0.2.0/24\n203.0.113.9 until {later}\n192.0.2.7 until {NOW}");
    let list: Allowlist = text.parse().unwrap();
    let at = |address: &str, now| list.permits(address.parse().unwrap(), now);
    assert!(at("203.0.113.9", NOW) && !at("203.0.113.9", later));
    assert!(at("192.0.2.7", later), "the network that stays holds it");
    let over: Vec<_> = list
        .entries()
        .unwrap()
        .iter()
        .map(|entry| entry.is_over(NOW))
        .collect();
    assert_eq!(over, [false, false, true]);
}

#[test]
fn a_set_counts_for_what_it_holds() {
    let list: Allowlist = "192.0.2.7, @office".parse().unwrap();
    let address = "198.51.100.9".parse().unwrap();
    assert!(!list.permits(address, NOW), "what is not known permits nobody");
    let office = Arc::new(Networks::of(["198.51.100.0/24".parse().unwrap()]).unwrap());
    let known = list.resolve(|name| (name.as_str() == "office").then(|| Arc::clone(&office)));
    let set = AllowlistMatch::Set {
        set: "office".parse().unwrap(),
        network: "198.51.100.0/24".parse().unwrap(),
    };
    assert_eq!(known.find(address, NOW), set);
    assert!(known.permits("192.0.2.7".parse().unwrap(), NOW));
    assert_eq!(known, list, "what a set holds is no part of the list");
    assert!(!known.resolve(|_| None).permits(address, NOW));
    let ending: Allowlist = format!("@office until {NOW}").parse().unwrap();
    assert!(
        !ending
            .resolve(|_| Some(Arc::clone(&office)))
            .permits(address, NOW)
    );
}

#[test]
fn one_set_may_be_exchanged_and_the_others_stay() {
    let networks = |text: &str| Arc::new(Networks::of([text.parse().unwrap()]).unwrap());
    let later = NOW.after(std::time::Duration::from_mins(1));
    let list: Allowlist = format!("192.0.2.7\n@office until {later}\n@home")
        .parse()
        .unwrap();
    let old = list.resolve(|name| match name.as_str() {
        "office" => Some(networks("198.51.100.0/24")),
        "home" => Some(networks("203.0.113.0/24")),
        _ => None,
    });
    let new = old.with_set(&"office".parse().unwrap(), &networks("10.0.0.0/8"));
    let passes = |list: &Allowlist, address: &str, now| list.permits(address.parse().unwrap(), now);
    for (address, before, after) in [
        ("192.0.2.7", true, true),
        ("203.0.113.9", true, true),
        ("198.51.100.9", true, false),
        ("10.0.0.1", false, true),
    ] {
        assert_eq!(passes(&old, address, NOW), before, "{address}");
        assert_eq!(passes(&new, address, NOW), after, "{address}");
    }
    assert!(!passes(&new, "10.0.0.1", later) && passes(&new, "203.0.113.9", later));
    let other = old.with_set(&"elsewhere".parse().unwrap(), &networks("10.0.0.0/8"));
    assert!(
        !passes(&other, "10.0.0.1", NOW),
        "a set that is not on the list changes nothing"
    );
    assert_eq!(
        Allowlist::any().with_set(&"office".parse().unwrap(), &networks("10.0.0.0/8")),
        Allowlist::any()
    );
}

#[test]
fn the_warnings_say_what_they_are_about() {
    let list: Allowlist = "10.0.0.0/8".parse().unwrap();
    let warnings = list.warnings(Some("203.0.113.9".parse().unwrap()), NOW);
    let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "10.0.0.0/8 contains private addresses. Behind a proxy that is not listed in trusted_proxies, this would allow everyone",
            "your own address (203.0.113.9) would not be allowed",
        ]
    );
}

#[test]
fn any_permits_both_families() {
    for address in ["0.0.0.0", "255.255.255.255", "::", "::ffff:192.0.2.7", "ffff::"] {
        assert_eq!(
            Allowlist::any().find(address.parse().unwrap(), NOW),
            AllowlistMatch::Any
        );
        assert!(Allowlist::any().permits(address.parse().unwrap(), NOW));
    }
}

fn networks_of(list: &Allowlist) -> Vec<IpNetwork> {
    let entries = list.entries().unwrap_or_default().iter();
    let networks = entries.filter_map(|entry| match entry.allowed {
        Allowed::Network(network) => Some(network),
        Allowed::Set(_) => None,
    });
    networks.collect()
}
