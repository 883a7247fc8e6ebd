//! The part of the address space that networks cover, and the limits on it.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

use std::collections::HashSet;
use std::sync::Arc;

use hookgate_domain::address_set::NetworkChanges;
use hookgate_domain::networks::AddressCount;
use hookgate_domain::networks::{NetworkWarning, network_warnings};
use hookgate_domain::{Allowlist, IpNetwork, Networks};
use proptest::prelude::*;

use crate::support::NOW;

fn networks(text: &str) -> Networks {
    let parsed = text.split_whitespace().map(|one| one.parse().unwrap());
    Networks::of(parsed).unwrap()
}

/// Networks that cover everything, or nearly, without a /0.
const EVERYBODY: [&str; 5] = [
    "0.0.0.0/1 128.0.0.0/1",
    "0.0.0.0/2 64.0.0.0/2 128.0.0.0/2 192.0.0.0/2",
    "::/1 8000::/1",
    "::/2 4000::/2 8000::/2 c000::/2",
    "128.0.0.0/1 64.0.0.0/2 32.0.0.0/3 16.0.0.0/4 8.0.0.0/5 4.0.0.0/6 2.0.0.0/7",
];

#[test]
fn each_address_counts_once() {
    let count = |text| networks(text).addresses();
    assert_eq!(count("10.0.0.0/8 10.1.0.0/16 10.2.3.4/32").v4, 1 << 24);
    assert_eq!(
        count("0.0.0.0/0 ::/0"),
        AddressCount {
            v4: 1 << 32,
            v6: u128::MAX
        }
    );
    assert_eq!(count("::ffff:10.0.0.0/104"), AddressCount { v4: 1 << 24, v6: 0 });
    assert_eq!(Networks::default().addresses(), AddressCount::default());
}

#[test]
fn halves_are_everybody() {
    for text in EVERYBODY {
        let networks = networks(text);
        assert!(networks.check_width().is_err(), "{text}");
        let warnings: Vec<_> = network_warnings(networks.as_slice().iter().copied()).collect();
        let of_all = |warning: &NetworkWarning| matches!(warning, NetworkWarning::MostOfFamily { .. });
        assert_eq!(warnings.iter().filter(|one| of_all(one)).count(), 1, "{text}");
        let list: Allowlist = text.parse().unwrap();
        assert!(list.warnings(None, NOW).iter().any(of_all), "{text}");
    }
}

/// The networks of publishers pass: as much as AWS, Azure and Cloudflare cover, and private networks.
#[test]
fn what_publishers_have_is_not_too_wide() {
    for text in [
        "3.0.0.0/8 13.0.0.0/8 15.0.0.0/8 18.0.0.0/8 34.0.0.0/8 35.0.0.0/8 44.0.0.0/8 52.0.0.0/8 54.0.0.0/8",
        "2600:1f00::/24 2a05:d000::/25 2406:da00::/24 2600:9000::/28 2606:4700::/32 2603:1000::/24",
        "192.30.252.0/22 185.199.108.0/22 140.82.112.0/20 2a0a:a440::/29 2606:50c0::/32",
        "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 fc00::/7 fe80::/10 ::1/128",
        "240.0.0.0/4",
        "2000::/16",
    ] {
        assert_eq!(networks(text).check_width(), Ok(()), "{text}");
    }
    for text in [
        "240.0.0.0/4 10.0.0.1/32",
        "2000::/16 2001:db8::1/128",
        "2000::/3",
        "fc00::/6",
    ] {
        assert!(networks(text).check_width().is_err(), "{text}");
    }
}

#[test]
fn a_list_that_nearly_goes_or_grows_by_more_than_half_waits() {
    let waits =
        |now: &str, then: &str| NetworkChanges::between(&networks(now), &networks(then)).needs_approval();
    // One of many networks is removed, with nearly all addresses.
    let three = "127.0.0.0/8 192.0.2.1/32 192.0.2.2/32";
    assert!(waits(three, "192.0.2.1/32 192.0.2.2/32"));
    assert!(!waits(three, "127.0.0.0/8 192.0.2.1/32"));
    // Most networks are removed, with few addresses: each of them may be a sender.
    assert!(waits(three, "127.0.0.0/8"));
    // One family is removed.
    assert!(waits(
        "192.0.2.0/24 198.51.100.0/24 2001:db8::/32",
        "192.0.2.0/24 198.51.100.0/24"
    ));
    // The same addresses in other networks.
    assert!(!waits("192.0.2.0/25 192.0.2.128/25", "192.0.2.0/24"));
    assert!(!waits(
        "192.0.2.0/24",
        "192.0.2.0/25 192.0.2.128/26 192.0.2.192/26"
    ));
    // The set grows.
    assert!(waits(three, "127.0.0.0/8 192.0.2.1/32 192.0.2.2/32 64.0.0.0/6"));
    assert!(waits(
        "192.0.2.0/24",
        "192.0.2.0/24 198.51.100.0/23 203.0.113.0/24"
    ));
    assert!(waits("192.0.2.0/24", "192.0.2.0/24 2001:db8::/32"));
    assert!(!waits(
        "10.0.0.0/16 10.1.0.0/16",
        "10.0.0.0/16 10.1.0.0/16 10.2.0.0/16"
    ));
    // Half of the set is replaced.
    assert!(waits("10.0.0.0/16 10.1.0.0/16", "10.0.0.0/16 192.168.0.0/16"));
    assert!(!waits(
        "10.0.0.0/14 10.4.0.0/14 10.8.0.0/14 10.12.0.0/14 11.0.0.0/14",
        "10.0.0.0/14 10.4.0.0/14 10.8.0.0/14 10.12.0.0/14 12.0.0.0/14"
    ));
    // A few more hosts need no approval.
    assert!(!waits(
        "192.0.2.1/32 192.0.2.2/32 192.0.2.3/32",
        "192.0.2.1/32 192.0.2.2/32 192.0.2.3/32 192.0.2.4/32 198.51.100.0/25"
    ));
    assert!(!waits("192.0.2.1/32", "192.0.2.1/32 2001:db8::/48"));
}

#[test]
fn a_change_warns_of_all_that_there_is_then() {
    let (half, both) = (networks("0.0.0.0/1"), networks("0.0.0.0/1 128.0.0.0/1"));
    let changes = NetworkChanges::between(&half, &both);
    let told: Vec<_> = changes.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("its networks together allow 100 % of all IPv4 addresses"),
        "{told:?}"
    );
}

#[test]
fn many_large_networks_are_more_than_a_sender_has() {
    let told = |text: &str| -> Vec<String> {
        let warnings = text.parse::<Allowlist>().unwrap().warnings(None, NOW);
        warnings.iter().map(ToString::to_string).collect()
    };
    let seventeen: Vec<_> = (20..37).map(|first| format!("{first}.0.0.0/8")).collect();
    let expected = "its networks together allow as many IPv4 addresses as a /3, more than any sender has";
    assert_eq!(told(&seventeen.join(" ")), [expected]);
    assert_eq!(told(&seventeen[1..].join(" ")), [""; 0]);
    assert_eq!(told("64.0.0.0/2").len(), 1, "one network is told by itself");
}

#[test]
fn sets_count_for_the_allowlist_that_names_them() {
    let list: Allowlist = "0.0.0.0/1 @rest".parse().unwrap();
    let rest = Arc::new(networks("128.0.0.0/2"));
    let of_all = |list: &Allowlist| {
        let warnings = list.warnings(None, NOW);
        warnings
            .iter()
            .any(|one| matches!(one, NetworkWarning::MostOfFamily { percent: 75, .. }))
    };
    assert!(!of_all(&list));
    assert!(of_all(&list.resolve(|_| Some(Arc::clone(&rest)))));
    let over: Allowlist = "0.0.0.0/1 128.0.0.0/2 until 2001-01-01T00:00:00Z"
        .parse()
        .unwrap();
    assert!(!of_all(&over));
}

/// Networks in a space of 256 addresses, of either family.
fn small() -> impl Strategy<Value = IpNetwork> {
    (any::<bool>(), any::<u8>(), 0..=8_u8).prop_map(|(v4, host, prefix)| {
        if v4 {
            IpNetwork::new([192, 0, 2, host].into(), 24 + prefix).unwrap()
        } else {
            IpNetwork::new([0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into()].into(), 120 + prefix).unwrap()
        }
    })
}

/// Every address of the networks.
fn addresses(networks: &Networks) -> HashSet<std::net::IpAddr> {
    networks.as_slice().iter().flat_map(IpNetwork::iter).collect()
}

fn count(addresses: impl Iterator<Item = std::net::IpAddr>) -> AddressCount {
    let (v4, v6): (Vec<_>, Vec<_>) = addresses.partition(std::net::IpAddr::is_ipv4);
    AddressCount {
        v4: v4.len() as u64,
        v6: v6.len() as u128,
    }
}

proptest! {
    /// The arithmetic agrees with sets of addresses.
    #[test]
    fn counts_are_those_of_the_model(
        one in prop::collection::vec(small(), 0..12),
        two in prop::collection::vec(small(), 0..12),
        asked in small(),
    ) {
        let (one, two) = (Networks::of(one).unwrap(), Networks::of(two).unwrap());
        let (all, others) = (addresses(&one), addresses(&two));
        prop_assert_eq!(one.addresses(), count(all.iter().copied()));
        prop_assert_eq!(one.addresses_beyond(&two), count(all.difference(&others).copied()));
        prop_assert_eq!(one.covers(asked), asked.iter().all(|address| all.contains(&address)));
    }

    /// The whole space stays the whole space, however it is cut into networks.
    #[test]
    fn a_cut_hides_nothing(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..200), v4 in any::<bool>()) {
        let whole: IpNetwork = if v4 { "0.0.0.0/0" } else { "::/0" }.parse().unwrap();
        let mut parts = vec![whole];
        for cut in cuts {
            let part = parts.swap_remove(cut.index(parts.len()));
            let longest = if v4 { 32 } else { 128 };
            if part.prefix() == longest {
                parts.push(part);
                continue;
            }
            let lower = IpNetwork::new(part.network(), part.prefix() + 1).unwrap();
            let upper = IpNetwork::new(part.broadcast(), part.prefix() + 1).unwrap();
            parts.extend([lower, upper]);
        }
        let networks = Networks::of(parts).unwrap();
        prop_assert_eq!(networks.addresses(), Networks::of([whole]).unwrap().addresses());
        prop_assert!(networks.check_width().is_err());
        prop_assert!(networks.covers(whole));
    }
}
