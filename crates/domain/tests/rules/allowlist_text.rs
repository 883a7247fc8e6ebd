//! Allowlists as text: accepted notations, refused ones, and the help in error messages.

use std::error::Error;

use hookgate_domain::networks::{EntryError, MAX_NETWORKS, parse_entry};
use hookgate_domain::{Allowlist, AllowlistError, IpNetwork};
use proptest::prelude::*;

use EntryError::{Address, Everything, Netmask, Prefix, PrefixTooLong, Zone};

const V4: EntryError = PrefixTooLong { bits: 32 };
const V6: EntryError = PrefixTooLong { bits: 128 };

/// Notations that other parsers accept, in part or with another meaning. CVE-2021-29921 (Python), -29922 (Rust), -29923
/// (Go) and -28918 (netmask) all accepted a leading zero and then disagreed about octal.
const REFUSED: &[(&str, EntryError)] = &[
    // Leading zeros.
    ("010.0.0.1", Address),
    ("10.0.0.01", Address),
    ("00.0.0.0", Address),
    ("0127.0.0.1", Address),
    ("10.8.8.08", Address),
    ("10.0.0.0/08", Prefix),
    ("10.0.0.0/00", Prefix),
    ("2001:db8::/032", Prefix),
    ("2001:0db8:00000::/32", Address),
    ("::ffff:010.0.0.1", Address),
    // Signs, other radices, other numbers.
    ("10.0.0.0/+8", Prefix),
    ("10.0.0.0/-1", Prefix),
    ("10.0.0.0/0x8", Prefix),
    ("10.0.0.0/8e0", Prefix),
    ("+10.0.0.1", Address),
    ("-1.0.0.1", Address),
    ("0x7f.1", Address),
    ("0x7f.0.0.1", Address),
    ("0x7f000001", Address),
    ("2130706433", Address),
    ("017700000001", Address),
    // Shortened and lengthened.
    ("127.1", Address),
    ("1.2.3", Address),
    ("1.2.3/24", Address),
    ("1.2.3.4.5", Address),
    ("1.2.3.", Address),
    ("1.2.3.4.", Address),
    (".1.2.3.4", Address),
    ("1..2.3", Address),
    ("256.0.0.1", Address),
    ("1.2.3.999", Address),
    ("2001:db8:::1", Address),
    ("2001:db8::1::2", Address),
    ("1:2:3:4:5:6:7", Address),
    ("1:2:3:4:5:6:7:8:9", Address),
    (":1", Address),
    ("12345::", Address),
    ("g::", Address),
    // Prefix lengths.
    ("10.0.0.0/33", V4),
    ("10.0.0.0/129", V4),
    ("10.0.0.0/256", V4),
    ("10.0.0.0/99999999999999999999", V4),
    ("2001:db8::/129", V6),
    ("::ffff:10.0.0.0/129", V6),
    ("10.0.0.0/", Prefix),
    ("10.0.0.0//8", Prefix),
    ("10.0.0.0/8/", Prefix),
    ("10.0.0.0/8/8", Prefix),
    ("10.0.0.0/a", Prefix),
    ("10.0.0.0/ 8", Prefix),
    ("10.0.0.0/8 ", Prefix),
    ("10.0.0.0 /8", Address),
    ("/8", Address),
    ("/", Address),
    // Netmasks and wildcards.
    ("10.0.0.0/255.0.0.0", Netmask),
    ("10.0.0.0/0.255.255.255", Netmask),
    ("2001:db8::/ffff:ffff::", Netmask),
    ("10.0.0.0/8.", Netmask),
    ("*", Everything),
    // Zones.
    ("fe80::1%eth0", Zone),
    ("fe80::1%25eth0", Zone),
    ("fe80::%eth0/64", Zone),
    ("fe80::1%", Zone),
    // Not addresses.
    ("", Address),
    ("localhost", Address),
    ("hooks.example.org", Address),
    ("any", Everything),
    ("ALL", Everything),
    ("[2001:db8::1]", Address),
    ("192.0.2.7:443", Address),
    ("[::1]:443", Address),
    ("http://192.0.2.7", Address),
    // Digits, dots, slashes and spaces that only look right.
    ("１９２.0.2.7", Address),
    ("192.0.2.٧", Address),
    ("192。0。2。7", Address),
    ("10.0.0.0／8", Address),
    ("10.0.0.0/８", Prefix),
    ("192.0.2.7\u{A0}", Address),
    ("\u{2003}192.0.2.7", Address),
    ("192.0.2.7\u{200B}", Address),
    ("\u{FEFF}192.0.2.7", Address),
    ("192.0.2.7\0", Address),
    ("192.0.2.0/24\0", Prefix),
    ("192.0.2.7\u{B}", Address),
    (" 192.0.2.7", Address),
];

#[test]
fn what_others_read_differently_is_refused() {
    for (entry, expected) in REFUSED {
        assert_eq!(parse_entry(entry), Err(*expected), "{entry:?}");
    }
}

#[test]
fn two_readings_are_offered() {
    for (text, offered) in [
        ("192.0.2.0 255.255.255.0", "write 192.0.2.0/24 for the network"),
        (
            "198.51.100.7\n127.0.0.0\t255.0.0.0",
            "entry 2 of the allowlist, `127.0.0.0 255.0.0.0`",
        ),
        ("192.0.2.10-192.0.2.13", "write 192.0.2.10/31, 192.0.2.12/31"),
        ("192.0.2.*", "write 192.0.2.0/24"),
        (
            "0.0.0.0",
            "write 0.0.0.0/0 for every address of this family, an allowlist of `any`",
        ),
        ("::", "or ::/128"),
        ("any, 192.0.2.1", "the word `any` and nothing else"),
        ("192.0.2.1 # office, 192.0.2.2", "`192.0.2.2` is in the comment"),
        ("192.0.2.1\n192.0.2.1 until 2026-12-31", "has 192.0.2.1 twice"),
    ] {
        let error = text.parse::<Allowlist>().unwrap_err().to_string();
        assert!(error.contains(offered), "{text}: {error}");
    }
    for text in [
        "192.0.2.0, 255.255.255.0",
        "192.0.2.0\n255.255.255.0",
        "192.0.2.1 # the office, old",
    ] {
        let list: Allowlist = text.parse().unwrap();
        assert_eq!(list.to_string().parse(), Ok(list), "{text}");
    }
}

#[test]
fn what_was_accepted_before_stays_readable() {
    for text in [
        "0.0.0.0, 255.255.255.0",
        "192.0.2.1 # office, 192.0.2.2",
        "::, 192.0.2.1",
    ] {
        let list = Allowlist::from_stored(text).unwrap();
        assert_eq!(Allowlist::from_stored(&list.to_string()), Ok(list), "{text}");
    }
}

#[test]
fn what_is_read_is_read_in_one_way() {
    for (entry, expected) in [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7/32", "192.0.2.7"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:DB8::", "2001:db8::"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("::FFFF:102:304", "1.2.3.4"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::1.2.3.4", "::102:304"),
        ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
    ] {
        assert_eq!(
            entry.parse::<Allowlist>().map(|list| list.to_string()).as_deref(),
            Ok(expected),
            "{entry}"
        );
    }
}

#[test]
fn set_host_bits_offer_both_readings() {
    for (entry, network, address) in [
        ("10.0.0.5/8", "10.0.0.0/8", "10.0.0.5"),
        ("10.0.0.1/0", "0.0.0.0/0", "10.0.0.1"),
        ("2001:db8::5/64", "2001:db8::/64", "2001:db8::5"),
        ("::ffff:10.0.0.5/104", "10.0.0.0/8", "10.0.0.5"),
        ("::ffff:10.0.0.0/64", "::/64", "10.0.0.0"),
    ] {
        let error = parse_entry(entry).unwrap_err();
        let expected = EntryError::HostBits {
            network: network.parse().unwrap(),
            address: address.parse().unwrap(),
        };
        assert_eq!(error, expected, "{entry}");
        let sentence = format!("write {network} for the network or {address} for the one address");
        assert!(error.to_string().ends_with(&sentence), "{error}");
        // Each of the two suggestions is a valid entry.
        assert!(parse_entry(network).is_ok() && parse_entry(address).is_ok());
    }
}

#[test]
fn commas_and_ascii_space_separate() {
    let expected: Allowlist = "192.0.2.7, 10.0.0.0/8".parse().unwrap();
    for text in [
        "192.0.2.7,10.0.0.0/8",
        "192.0.2.7 10.0.0.0/8",
        "192.0.2.7\r\n10.0.0.0/8\r\n",
        "\t192.0.2.7\t,\t10.0.0.0/8,",
        ",,192.0.2.7,,10.0.0.0/8\n\n",
        "192.0.2.7\u{C}10.0.0.0/8",
    ] {
        assert_eq!(text.parse(), Ok(expected.clone()), "{text:?}");
    }
    for text in [
        "192.0.2.7;10.0.0.0/8",
        "192.0.2.7\u{A0}10.0.0.0/8",
        "192.0.2.7，10.0.0.0/8",
        "192.0.2.7|10.0.0.0/8",
    ] {
        assert!(
            matches!(
                text.parse::<Allowlist>(),
                Err(AllowlistError::Entry { position: 1, .. })
            ),
            "{text}"
        );
    }
}

#[test]
fn every_address_has_to_be_asked_for() {
    for text in ["any", " any\n", "any,"] {
        assert_eq!(text.parse(), Ok(Allowlist::any()), "{text:?}");
    }
    for text in ["", " ", ",", "\n,\t"] {
        assert_eq!(text.parse::<Allowlist>(), Err(AllowlistError::Empty), "{text:?}");
    }
    assert_eq!(Allowlist::of([]), Err(AllowlistError::Empty));
    for text in [
        "Any",
        "ANY",
        "any any",
        "any, 10.0.0.0/8",
        "10.0.0.0/8 any",
        "\u{A0}any",
        "all",
        "*",
    ] {
        assert!(
            matches!(text.parse::<Allowlist>(), Err(AllowlistError::Entry { .. })),
            "{text:?}"
        );
    }
}

#[test]
fn an_error_names_the_entry_and_its_position() {
    let error = "192.0.2.7,, 10.0.0.0/8\nhooks.example.org 10.0.0.0/08"
        .parse::<Allowlist>()
        .unwrap_err();
    let expected = AllowlistError::Entry {
        position: 3,
        entry: "hooks.example.org".into(),
        source: Address,
    };
    assert_eq!(error, expected);
    assert!(
        error
            .to_string()
            .starts_with("entry 3 of the allowlist, `hooks.example.org`: not an IP address")
    );
    assert_eq!(error.source().map(ToString::to_string), Some(Address.to_string()));
}

#[test]
fn an_error_is_short_and_harmless() {
    for (text, shown) in [
        ("a".repeat(64), "a".repeat(64)),
        ("a".repeat(65), "a".repeat(64) + "…"),
        ("é".repeat(1_000), "é".repeat(64) + "…"),
        ("\u{1B}[31mred\0".into(), r"\u{1b}[31mred\0".into()),
        ("\u{202E}7.2.0.291".into(), r"\u{202e}7.2.0.291".into()),
        // A webhook URL in the wrong field.
        (
            "https://hooks.example.org/webhooks/custom/wh_77777777777777777777777777777777".into(),
            "https://hooks.example.org/webhooks/custom/…".into(),
        ),
        ("wh_7777".into(), "…".into()),
    ] {
        let Err(AllowlistError::Entry { entry, .. }) = text.parse::<Allowlist>() else {
            panic!("{text:?} is no entry");
        };
        assert_eq!(entry, shown);
    }
}

#[test]
fn a_list_has_its_bound() {
    let networks = |count: usize| {
        (0..count).map(|number| {
            let number = u32::try_from(number).expect("a small number");
            IpNetwork::from(std::net::IpAddr::from(number.to_be_bytes()))
        })
    };
    let full = Allowlist::of(networks(MAX_NETWORKS)).unwrap();
    assert_eq!(full.entries().map(<[_]>::len), Some(MAX_NETWORKS));
    assert_eq!(full.to_string().parse(), Ok(full));
    assert_eq!(
        Allowlist::of(networks(MAX_NETWORKS + 1)),
        Err(AllowlistError::TooLong)
    );
    assert_eq!(
        Allowlist::of(networks(7).cycle().take(2 * MAX_NETWORKS))
            .unwrap()
            .entries()
            .map(<[_]>::len),
        Some(7)
    );
    let text = "192.0.2.7 ".repeat(MAX_NETWORKS + 1);
    assert_eq!(text.parse::<Allowlist>(), Err(AllowlistError::TooLong));
}

fn network() -> impl Strategy<Value = IpNetwork> {
    let v4 = (any::<u32>(), 0_u8..=32)
        .prop_map(|(bits, prefix)| (std::net::Ipv4Addr::from_bits(bits).into(), prefix));
    let v6 = (any::<u128>(), 0_u8..=128)
        .prop_map(|(bits, prefix)| (std::net::Ipv6Addr::from_bits(bits).into(), prefix));
    let mapped = (any::<u32>(), 96_u8..=128).prop_map(|(bits, prefix)| {
        (
            std::net::Ipv4Addr::from_bits(bits).to_ipv6_mapped().into(),
            prefix,
        )
    });
    prop_oneof![v4, v6, mapped]
        .prop_map(|(address, prefix)| IpNetwork::new(address, prefix).expect("a valid prefix"))
}

proptest! {
    #[test]
    fn a_list_reads_back_as_itself(networks in prop::collection::vec(network(), 1..20)) {
        let list = Allowlist::of(networks)?;
        prop_assert_eq!(list.to_string().parse(), Ok(list));
    }

    #[test]
    fn no_text_panics_and_what_is_read_reads_back(text in "[0-9a-f.:/, %\\PC]{0,40}") {
        if let Ok(list) = text.parse::<Allowlist>() {
            prop_assert_eq!(list.to_string().parse(), Ok(list));
        }
    }

    #[test]
    fn one_wrong_character_never_widens_an_entry(network in network(), at: prop::sample::Index, wrong in "\\PC") {
        let entry = Allowlist::of([network])?.to_string();
        let at = at.index(entry.len());
        let changed = format!("{}{wrong}{}", &entry[..at], &entry[at..]);
        if let Ok(parsed) = parse_entry(&changed) {
            // Only characters of the notation may lead to another entry.
            let notation = wrong.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:/".contains(&byte));
            prop_assert!(notation, "{changed} is {parsed}");
        }
    }
}
