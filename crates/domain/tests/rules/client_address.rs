//! Finding the source: a table of peers and headers, and properties for any of them.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hookgate_domain::client_address::{MAX_HOPS, Trail, Verdict};
use hookgate_domain::{Connection, ForwardingHeader, Networks, Source, SourceFault, TrustedProxies};
use proptest::prelude::*;

use ForwardingHeader::{Forwarded, XForwardedFor};

/// Trusted: `10.0.0.0/8`, `192.168.7.7` and `fd00::/8`.
fn proxies(header: Option<ForwardingHeader>) -> TrustedProxies {
    let networks = ["10.0.0.0/8", "192.168.7.7/32", "fd00::/8"].map(|network| network.parse().unwrap());
    TrustedProxies {
        networks: Networks::of(networks).unwrap(),
        header,
    }
}

/// The lines of the headers: each as `x: value` for `X-Forwarded-For` or `f: value` for `Forwarded`, between `|`.
fn lines(text: &str) -> Vec<(ForwardingHeader, &[u8])> {
    let lines = text.split('|').filter(|line| !line.is_empty());
    lines
        .map(
            |line| match line.split_once(": ").unwrap_or((line.trim_end_matches(':'), "")) {
                ("x", value) => (XForwardedFor, value.as_bytes()),
                ("f", value) => (Forwarded, value.as_bytes()),
                _ => panic!("{line}"),
            },
        )
        .collect()
}

fn connection(peer: &str) -> Connection {
    let (peer, proxied) = peer
        .split_once('<')
        .map_or((peer, None), |(peer, proxied)| (peer, Some(proxied)));
    Connection {
        peer: peer.parse().unwrap(),
        proxied: proxied.map(|proxied| proxied.parse().unwrap()),
    }
}

fn outcome(source: Source) -> String {
    source
        .known()
        .map_or_else(|fault| format!("{fault:?}"), |address| address.to_string())
}

/// Peer (and after `<` the address in its PROXY header), header lines, and the expected source or fault.
type Case = (&'static str, &'static str, &'static str);

/// With `X-Forwarded-For` as the trusted header.
const X_FORWARDED_FOR: &[Case] = &[
    // No proxy in front.
    ("203.0.113.9", "", "203.0.113.9"),
    ("2001:db8::9", "", "2001:db8::9"),
    ("::ffff:203.0.113.9", "", "203.0.113.9"),
    ("127.0.0.1", "", "127.0.0.1"),
    // A header of an untrusted peer is ignored.
    ("203.0.113.9", "x: 198.51.100.1", "203.0.113.9"),
    ("203.0.113.9", "x: 10.0.0.1", "203.0.113.9"),
    ("203.0.113.9", "x: garbage", "203.0.113.9"),
    (
        "203.0.113.9",
        "x: 198.51.100.1|f: for=198.51.100.2",
        "203.0.113.9",
    ),
    ("203.0.113.9", "f: for=198.51.100.2", "203.0.113.9"),
    ("11.0.0.1", "x: 198.51.100.1", "11.0.0.1"),
    ("9.255.255.255", "x: 198.51.100.1", "9.255.255.255"),
    ("192.168.7.6", "x: 198.51.100.1", "192.168.7.6"),
    ("fc00::1", "x: 198.51.100.1", "fc00::1"),
    ("2001:db8::9", "x: 198.51.100.1", "2001:db8::9"),
    ("::ffff:192.168.7.8", "x: 198.51.100.1", "192.168.7.8"),
    // One proxy.
    ("10.0.0.1", "x: 198.51.100.1", "198.51.100.1"),
    ("10.255.255.255", "x: 198.51.100.1", "198.51.100.1"),
    ("192.168.7.7", "x: 198.51.100.1", "198.51.100.1"),
    ("fd00::1", "x: 198.51.100.1", "198.51.100.1"),
    ("::ffff:10.0.0.1", "x: 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: 2001:db8::1", "2001:db8::1"),
    ("10.0.0.1", "x: 2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
    ("fdff::1", "x: 2001:db8::1", "2001:db8::1"),
    // A proxy without a header may forward any client, so the source is unknown.
    ("10.0.0.1", "", "Missing"),
    ("fd00::1", "", "Missing"),
    ("::ffff:10.0.0.1", "", "Missing"),
    // Forms of addresses.
    ("10.0.0.1", "x:   198.51.100.1  ", "198.51.100.1"),
    ("10.0.0.1", "x: \t198.51.100.1\t", "198.51.100.1"),
    ("10.0.0.1", "x: 198.51.100.1:443", "198.51.100.1"),
    ("10.0.0.1", "x: 198.51.100.1:0", "198.51.100.1"),
    ("10.0.0.1", "x: 198.51.100.1:65535", "198.51.100.1"),
    ("10.0.0.1", "x: [2001:db8::1]", "2001:db8::1"),
    ("10.0.0.1", "x: [2001:db8::1]:443", "2001:db8::1"),
    ("10.0.0.1", "x: ::ffff:198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: [::ffff:198.51.100.1]:443", "198.51.100.1"),
    ("10.0.0.1", "x: ::ffff:c633:6401", "198.51.100.1"),
    ("10.0.0.1", "x: fe80::1%eth0", "fe80::1"),
    ("10.0.0.1", "x: [fe80::1%eth0]:443", "fe80::1"),
    ("10.0.0.1", "x: [fe80::1%25eth0.7]", "fe80::1"),
    ("10.0.0.1", "x: 127.0.0.1", "127.0.0.1"),
    ("10.0.0.1", "x: 64:ff9b::198.51.100.1", "64:ff9b::c633:6401"),
    // Chains.
    ("10.0.0.1", "x: 198.51.100.1, 10.0.0.2", "198.51.100.1"),
    ("10.0.0.1", "x: 198.51.100.1,10.0.0.2", "198.51.100.1"),
    (
        "10.0.0.1",
        "x: 198.51.100.1, 192.168.7.7, fd00::2, 10.0.0.2",
        "198.51.100.1",
    ),
    ("10.0.0.1", "x: 10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ("10.0.0.1", "x: 10.0.0.2", "10.0.0.2"),
    ("10.0.0.1", "x: 198.51.100.1|x: 10.0.0.2", "198.51.100.1"),
    (
        "10.0.0.1",
        "x: 203.0.113.1, 198.51.100.1|x: 10.0.0.3, 10.0.0.2",
        "198.51.100.1",
    ),
    ("10.0.0.1", "x: 198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
    ("10.0.0.1", "x: 198.51.100.1, [fd00::2]:8080", "198.51.100.1"),
    (
        "10.0.0.1",
        "x: 203.0.113.1|x: 203.0.113.2|x: 203.0.113.3",
        "203.0.113.3",
    ),
    // Addresses that a client writes before its own change nothing.
    ("10.0.0.1", "x: 10.0.0.9, 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: 203.0.113.1, 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: garbage, 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: , 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: \", 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: unknown, 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: ',;\\, 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: garbage|x: 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: 10.0.0.9|x: 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: garbage, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
    (
        "10.0.0.1",
        "x: 203.0.113.1, 198.51.100.1, 10.0.0.2",
        "198.51.100.1",
    ),
    // Headers of a proxy that can't be parsed.
    ("10.0.0.1", "x:", "Malformed"),
    ("10.0.0.1", "x:  ", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1,", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1, ,10.0.0.2", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1|x:", "Malformed"),
    ("10.0.0.1", "x: garbage", "Malformed"),
    ("10.0.0.1", "x: example.org", "Malformed"),
    ("10.0.0.1", "x: 198.51.100", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1.2", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.256", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.01", "Malformed"),
    ("10.0.0.1", "x: 0x0a.0.0.1", "Malformed"),
    ("10.0.0.1", "x: 3325256705", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1/32", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1:", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1:65536", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1:123456", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1:http", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1:-1", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1:+80", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1:000080", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1:_", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1:_a/b", "Malformed"),
    ("10.0.0.1", "x: [198.51.100.1]", "Malformed"),
    ("10.0.0.1", "x: [2001:db8::1", "Malformed"),
    ("10.0.0.1", "x: 2001:db8::1]", "Malformed"),
    ("10.0.0.1", "x: [2001:db8::1]443", "Malformed"),
    ("10.0.0.1", "x: [2001:db8::1]:", "Malformed"),
    ("10.0.0.1", "x: 2001:db8::1::2", "Malformed"),
    ("10.0.0.1", "x: 2001:db8::1%eth0", "Malformed"),
    ("10.0.0.1", "x: fe80::1%", "Malformed"),
    ("10.0.0.1", "x: \"198.51.100.1\"", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1 10.0.0.2", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1;10.0.0.2", "Malformed"),
    ("10.0.0.1", "x: for=198.51.100.1", "Malformed"),
    ("10.0.0.1", "x: unix:", "Malformed"),
    ("10.0.0.1", "x: １９８.51.100.1", "Malformed"),
    ("10.0.0.1", "x: 198.51.100.1, garbage, 10.0.0.2", "Malformed"),
    ("10.0.0.1", "x: unknown", "Hidden"),
    ("10.0.0.1", "x: Unknown", "Hidden"),
    ("10.0.0.1", "x: 198.51.100.1, unknown", "Hidden"),
    ("10.0.0.1", "x: _hidden", "Hidden"),
    ("10.0.0.1", "x: 0.0.0.0", "NoClient"),
    ("10.0.0.1", "x: ::", "NoClient"),
    ("10.0.0.1", "x: 224.0.0.1", "NoClient"),
    ("10.0.0.1", "x: 255.255.255.255", "NoClient"),
    ("10.0.0.1", "x: ff02::1", "NoClient"),
    ("10.0.0.1", "x: ::ffff:0.0.0.0", "NoClient"),
    // The other header must agree.
    ("10.0.0.1", "x: 198.51.100.1|f: for=198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "f: for=198.51.100.1|x: 198.51.100.1", "198.51.100.1"),
    (
        "10.0.0.1",
        "x: 198.51.100.1, 10.0.0.2|f: for=198.51.100.1",
        "198.51.100.1",
    ),
    (
        "10.0.0.1",
        "x: 2001:db8::1|f: for=\"[2001:db8::1]:4711\"",
        "2001:db8::1",
    ),
    ("10.0.0.1", "x: 198.51.100.1|f: for=203.0.113.1", "Disagrees"),
    ("10.0.0.1", "x: 198.51.100.1|f: for=10.0.0.2", "Disagrees"),
    ("10.0.0.1", "x: 198.51.100.1|f: for=unknown", "Disagrees"),
    ("10.0.0.1", "x: 198.51.100.1|f: garbage", "Disagrees"),
    ("10.0.0.1", "x: 198.51.100.1|f:", "Disagrees"),
    ("10.0.0.1", "f: for=198.51.100.1", "Disagrees"),
    ("10.0.0.1", "x: garbage|f: for=198.51.100.1", "Malformed"),
    // The PROXY protocol, alone and before headers.
    ("10.0.0.1<198.51.100.1", "", "198.51.100.1"),
    ("10.0.0.1<2001:db8::1", "", "2001:db8::1"),
    ("10.0.0.1<::ffff:198.51.100.1", "", "198.51.100.1"),
    ("10.0.0.1<198.51.100.1", "x: 203.0.113.1", "198.51.100.1"),
    ("10.0.0.1<198.51.100.1", "x: garbage|f: garbage", "198.51.100.1"),
    ("10.0.0.1<10.0.0.2", "x: 203.0.113.1", "203.0.113.1"),
    ("10.0.0.1<10.0.0.2", "x: 203.0.113.1, 10.0.0.3", "203.0.113.1"),
    ("10.0.0.1<10.0.0.2", "", "Missing"),
    ("10.0.0.1<10.0.0.2", "f: for=203.0.113.1", "Disagrees"),
    ("10.0.0.1<10.0.0.2", "x: garbage", "Malformed"),
    ("10.0.0.1<0.0.0.0", "", "NoClient"),
    ("10.0.0.1<224.0.0.1", "x: 203.0.113.1", "NoClient"),
    ("203.0.113.9<198.51.100.1", "", "203.0.113.9"),
    ("203.0.113.9<10.0.0.2", "x: 198.51.100.1", "203.0.113.9"),
];

/// With `Forwarded` as the trusted header.
const FORWARDED: &[Case] = &[
    ("203.0.113.9", "f: for=198.51.100.1", "203.0.113.9"),
    ("10.0.0.1", "", "Missing"),
    ("10.0.0.1", "f: for=198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "f: For=198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "f: for=\"198.51.100.1\"", "198.51.100.1"),
    ("10.0.0.1", "f: for=\"198.51.100.1:4711\"", "198.51.100.1"),
    ("10.0.0.1", "f: for=\"198.51.100.1:_port\"", "198.51.100.1"),
    ("10.0.0.1", "f: for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"),
    (
        "10.0.0.1",
        "f: for=\"[2001:db8:cafe::17]:4711\"",
        "2001:db8:cafe::17",
    ),
    ("10.0.0.1", "f: for=\"[::ffff:198.51.100.1]\"", "198.51.100.1"),
    ("10.0.0.1", "f: for=\"[fe80::1%eth0]\"", "fe80::1"),
    (
        "10.0.0.1",
        "f: for=198.51.100.1;proto=https;by=203.0.113.43",
        "198.51.100.1",
    ),
    (
        "10.0.0.1",
        "f: by=203.0.113.43; for=198.51.100.1 ;host=a.example",
        "198.51.100.1",
    ),
    (
        "10.0.0.1",
        "f: host=\"a, b; for=203.0.113.1\";for=198.51.100.1",
        "198.51.100.1",
    ),
    ("10.0.0.1", "f: ;for=198.51.100.1;;", "198.51.100.1"),
    ("10.0.0.1", "f: for=198.51.100.1, for=10.0.0.2", "198.51.100.1"),
    (
        "10.0.0.1",
        "f: for=198.51.100.1,for=\"[fd00::2]\",for=10.0.0.2;proto=https",
        "198.51.100.1",
    ),
    ("10.0.0.1", "f: for=198.51.100.1|f: for=10.0.0.2", "198.51.100.1"),
    ("10.0.0.1", "f: for=10.0.0.3, for=10.0.0.2", "10.0.0.3"),
    ("10.0.0.1", "f: for=203.0.113.1, for=198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "f: for=_hidden, for=198.51.100.1", "198.51.100.1"),
    (
        "10.0.0.1",
        "f: for=unknown, for=198.51.100.1, for=10.0.0.2",
        "198.51.100.1",
    ),
    // An open quote by the client does not swallow the part that the proxy appends.
    ("10.0.0.1", "f: for=\", for=198.51.100.1", "198.51.100.1"),
    (
        "10.0.0.1",
        "f: for=\"203.0.113.1, for=198.51.100.1",
        "198.51.100.1",
    ),
    ("10.0.0.1", "f: host=\"\\\", for=198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "f: garbage, for=198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "f: host=\"|f: for=198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "f: for=\", for=\"198.51.100.1:80\"", "198.51.100.1"),
    // Hidden, and malformed.
    ("10.0.0.1", "f: for=unknown", "Hidden"),
    ("10.0.0.1", "f: for=\"unknown:4711\"", "Hidden"),
    ("10.0.0.1", "f: for=_gazonk", "Hidden"),
    ("10.0.0.1", "f: for=\"_gazonk:_p\"", "Hidden"),
    ("10.0.0.1", "f: for=198.51.100.1, for=_SEVKISEK", "Hidden"),
    ("10.0.0.1", "f:", "Malformed"),
    ("10.0.0.1", "f: for=", "Malformed"),
    ("10.0.0.1", "f: for=198.51.100.1;host=\"a\u{1}b\"", "Malformed"),
    ("10.0.0.1", "f: for=198.51.100.1;host=\"a\u{7f}b\"", "Malformed"),
    ("10.0.0.1", "f: for=\"\"", "Malformed"),
    ("10.0.0.1", "f: for", "Malformed"),
    ("10.0.0.1", "f: for=_", "Malformed"),
    ("10.0.0.1", "f: 198.51.100.1", "Malformed"),
    ("10.0.0.1", "f: proto=https;by=203.0.113.43", "Malformed"),
    ("10.0.0.1", "f: for=198.51.100.1;for=198.51.100.1", "Malformed"),
    ("10.0.0.1", "f: for=198.51.100.1;For=203.0.113.1", "Malformed"),
    ("10.0.0.1", "f: for=198.51.100.1:4711", "Malformed"),
    ("10.0.0.1", "f: for=[2001:db8::1]", "Malformed"),
    ("10.0.0.1", "f: for=\"2001:db8::1\"", "Malformed"),
    ("10.0.0.1", "f: for=\"[2001:db8::1\"", "Malformed"),
    ("10.0.0.1", "f: for=\"198.51.100.1", "Malformed"),
    ("10.0.0.1", "f: for=198.51.100.1\"", "Malformed"),
    ("10.0.0.1", "f: for=\"198.51.\\100.1\"", "Malformed"),
    ("10.0.0.1", "f: for = 198.51.100.1", "Malformed"),
    ("10.0.0.1", "f: for=198.51.100.1 for=198.51.100.2", "Malformed"),
    ("10.0.0.1", "f: for=example.org", "Malformed"),
    ("10.0.0.1", "f: for=198.51.100.1,", "Malformed"),
    ("10.0.0.1", "f: for=198.51.100.1;host=a b", "Malformed"),
    ("10.0.0.1", "f: for=198.51.100.1;ho st=a", "Malformed"),
    ("10.0.0.1", "f: for=0.0.0.0", "NoClient"),
    ("10.0.0.1", "f: for=\"[ff02::1]\"", "NoClient"),
    // The other header must agree.
    ("10.0.0.1", "x: 198.51.100.1|f: for=198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "x: 203.0.113.1|f: for=198.51.100.1", "Disagrees"),
    ("10.0.0.1", "x: 198.51.100.1", "Disagrees"),
    ("10.0.0.1<198.51.100.1", "f: for=203.0.113.1", "198.51.100.1"),
    ("10.0.0.1<fd00::9", "f: for=203.0.113.1", "203.0.113.1"),
];

/// Without a trusted header.
const NONE: &[Case] = &[
    ("203.0.113.9", "x: 198.51.100.1", "203.0.113.9"),
    ("10.0.0.1<198.51.100.1", "x: 203.0.113.1", "198.51.100.1"),
    ("10.0.0.1<10.0.0.2", "x: 203.0.113.1", "10.0.0.2"),
    // A trusted proxy with a PROXY header of its own address.
    ("10.0.0.1", "", "Missing"),
    ("10.0.0.1", "x: 198.51.100.1", "Missing"),
    ("10.0.0.1", "f: for=198.51.100.1", "Missing"),
    ("10.0.0.1", "x: garbage|f: for=unknown", "Missing"),
    ("203.0.113.9<198.51.100.1", "", "203.0.113.9"),
    ("::ffff:10.0.0.1", "", "Missing"),
];

#[test]
fn every_combination_leads_where_it_should() {
    let tables = [
        (Some(XForwardedFor), X_FORWARDED_FOR),
        (Some(Forwarded), FORWARDED),
        (None, NONE),
    ];
    let mut checked = 0;
    for (header, table) in tables {
        for (peer, text, expected) in table {
            let (proxies, connection, lines) = (proxies(header), connection(peer), lines(text));
            let source = proxies.client(connection, &lines[..]);
            assert_eq!(outcome(source), *expected, "{header:?} {peer} {text}");
            let trail = proxies.trail(connection, &lines[..]);
            check_trail(&trail, source, &format!("{header:?} {peer} {text}: {trail}"));
            checked += 1;
        }
    }
    assert!(checked >= 190, "{checked}");
}

/// The trail ends where the walk ended, and can be stored as text.
fn check_trail(trail: &Trail, source: Source, context: &str) {
    assert_eq!(trail.fault(), source.known().err(), "{context}");
    if let Ok(address) = source.known() {
        let last = trail.hops().last().map(|hop| hop.verdict);
        assert_eq!(last, Some(Verdict::Client(address)), "{context}");
    }
    assert_eq!(
        trail.to_string().parse::<Trail>().as_ref(),
        Ok(trail),
        "{context}"
    );
    let sentence = trail.sentence();
    assert!(!sentence.is_empty() && !sentence.contains('\n'), "{context}");
}

#[test]
fn a_trail_says_in_one_sentence_where_an_address_comes_from() {
    let sentence = |header, peer, text| {
        proxies(header)
            .trail(connection(peer), &lines(text)[..])
            .sentence()
    };
    let cases = [
        (
            Some(XForwardedFor),
            "203.0.113.9",
            "",
            "203.0.113.9 connected directly",
        ),
        (
            Some(XForwardedFor),
            "192.168.1.2",
            "x: 198.51.100.1",
            "192.168.1.2 connected directly. Its X-Forwarded-For header was ignored because 192.168.1.2 is not a trusted proxy",
        ),
        (
            None,
            "10.0.0.1<10.0.0.2",
            "x: 198.51.100.1",
            "10.0.0.2 was reported by the trusted proxy 10.0.0.1 in the PROXY header. Its X-Forwarded-For header was ignored because it is not configured",
        ),
        (
            None,
            "10.0.0.1",
            "",
            "the client's address is unknown: the PROXY header of the trusted proxy 10.0.0.1 is missing or empty",
        ),
        (
            Some(XForwardedFor),
            "10.0.0.1",
            "x: 198.51.100.1, 10.0.0.2",
            "198.51.100.1 was reported by the trusted proxies 10.0.0.1, 10.0.0.2 in X-Forwarded-For",
        ),
        (
            None,
            "10.0.0.1<198.51.100.1",
            "",
            "198.51.100.1 was reported by the trusted proxy 10.0.0.1 in the PROXY header",
        ),
        (
            Some(Forwarded),
            "10.0.0.1",
            "",
            "the client's address is unknown: Forwarded of the trusted proxy 10.0.0.1 is missing or empty",
        ),
        (
            Some(Forwarded),
            "10.0.0.1",
            "f: for=unknown",
            "the client's address is unknown: Forwarded of the trusted proxy 10.0.0.1 hides the address",
        ),
        (
            Some(XForwardedFor),
            "10.0.0.1",
            "x: 198.51.100.1|f: for=198.51.100.2",
            "the client's address is unknown: Forwarded of the trusted proxy 10.0.0.1 contradicts the configured header",
        ),
    ];
    for (header, peer, text, expected) in cases {
        assert_eq!(sentence(header, peer, text), expected);
    }
}

#[test]
fn a_chain_has_an_end() {
    let chain = |hops: usize| vec!["10.0.0.2"; hops].join(", ");
    let source = |text: &str| {
        let lines = [(XForwardedFor, text.as_bytes())];
        proxies(Some(XForwardedFor)).client(connection("10.0.0.1"), &lines[..])
    };
    assert!(source(&chain(MAX_HOPS)).known().is_ok());
    assert_eq!(source(&chain(MAX_HOPS + 1)).known(), Err(SourceFault::TooLong));
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits & 0x00ff_ffff | 0x0a00_0000))),
    ]
    .prop_filter("nobody's address", |address| match address.to_canonical() {
        IpAddr::V4(address) => {
            !(address.is_unspecified() || address.is_multicast() || address.is_broadcast())
        }
        IpAddr::V6(address) => !(address.is_unspecified() || address.is_multicast()),
    })
}

proptest! {
    /// If one trusted proxy appends a client's address, that is the source, whatever the client wrote.
    #[test]
    fn no_client_chooses_its_address(
        client in any_address().prop_filter("trusted", |address| !proxies(None).trust(*address)),
        forged in "[ -~]{0,60}",
        before in prop::collection::vec("[ -~]{0,30}", 0..3),
    ) {
        let appended = if forged.is_empty() { client.to_string() } else { format!("{forged}, {client}") };
        let mut lines: Vec<_> = before.iter().map(|line| (XForwardedFor, line.as_bytes())).collect();
        lines.push((XForwardedFor, appended.as_bytes()));
        let source = proxies(Some(XForwardedFor)).client(connection("10.0.0.1"), &lines[..]);
        prop_assert_eq!(source.known(), Ok(client.to_canonical()));

        let node = match client { IpAddr::V4(v4) => v4.to_string(), IpAddr::V6(v6) => format!("\"[{v6}]\"") };
        let appended = format!("{forged}, for={node};proto=https");
        let lines = [(Forwarded, appended.as_bytes())];
        let source = proxies(Some(Forwarded)).client(connection("10.0.0.1"), &lines[..]);
        prop_assert_eq!(source.known(), Ok(client.to_canonical()));
    }

    /// An untrusted peer is the source, whatever its headers have.
    #[test]
    fn headers_of_strangers_change_nothing(
        peer in any_address().prop_filter("trusted", |address| !proxies(None).trust(*address)),
        value in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let lines = [(XForwardedFor, &value[..]), (Forwarded, &value[..])];
        for header in [None, Some(XForwardedFor), Some(Forwarded)] {
            let source = proxies(header).client(Connection::from_peer(peer), &lines[..]);
            prop_assert_eq!(source.known(), Ok(peer.to_canonical()));
        }
    }

    /// The trail is that of the walk that finds the source.
    #[test]
    fn the_trail_agrees_with_the_walk(peer in any_address(), x in "[0-9a-f:., _\\[\\]]{0,80}", f in "(for=|[0-9a-f:.\"\\[\\];, ]){0,20}") {
        let lines = [(XForwardedFor, x.as_bytes()), (Forwarded, f.as_bytes())];
        for header in [None, Some(XForwardedFor), Some(Forwarded)] {
            let (proxies, connection) = (proxies(header), Connection::from_peer(peer));
            let trail = proxies.trail(connection, &lines[..]);
            check_trail(&trail, proxies.client(connection, &lines[..]), &trail.to_string());
        }
    }

    /// In well-formed chains the last untrusted address is the source.
    #[test]
    fn the_first_stranger_from_the_right_is_the_client(chain in prop::collection::vec(any_address(), 1..MAX_HOPS)) {
        let proxies = proxies(Some(XForwardedFor));
        let text = chain.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let lines = [(XForwardedFor, text.as_bytes())];
        let expected = chain.iter().rev().find(|address| !proxies.trust(**address)).unwrap_or(&chain[0]);
        let source = proxies.client(connection("10.0.0.1"), &lines[..]);
        prop_assert_eq!(source.known(), Ok(expected.to_canonical()));
    }
}
