//! Addresses: the client's address behind proxies, allowlists, and published lists.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use hookgate_domain::address_set::{Provider, SetFilter};
use hookgate_domain::client_address::{Trail, Verdict};
use hookgate_domain::{Allowlist, Connection, ForwardingHeader, Networks, Timestamp, TrustedProxies};
use hookgate_gate::read_address_list;
use hookgate_transport::proxied_address;

/// Networks of the trusted proxies.
static TRUSTED: LazyLock<Networks> = LazyLock::new(|| {
    let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network"));
    Networks::of(networks).expect("few networks")
});
const PEERS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)),
];
const HEADERS: [Option<ForwardingHeader>; 3] = [
    None,
    Some(ForwardingHeader::XForwardedFor),
    Some(ForwardingHeader::Forwarded),
];

/// Finds the client's address. The first byte chooses the connection and the configured header; each line of the rest is a
/// line of that header, or of the other header if it begins with `!`.
pub fn client_address(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let choice = usize::from(*choice);
    let (peer, header) = (PEERS[choice % 3], HEADERS[choice / 3 % 3]);
    let counts = header.unwrap_or(ForwardingHeader::XForwardedFor);
    let other = match counts {
        ForwardingHeader::XForwardedFor => ForwardingHeader::Forwarded,
        ForwardingHeader::Forwarded => ForwardingHeader::XForwardedFor,
    };
    let lines: Vec<_> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| match line.strip_prefix(b"!") {
            Some(line) => (other, line),
            None => (counts, line),
        })
        .collect();
    let proxies = TrustedProxies {
        networks: TRUSTED.clone(),
        header,
    };
    let connection = Connection {
        peer,
        proxied: (choice / 9 % 2 == 1).then_some(PEERS[choice / 18 % 3]),
    };
    let source = proxies.client(connection, &lines[..]);
    let trail = proxies.trail(connection, &lines[..]);
    assert_eq!(trail.fault(), source.known().err());
    if let Ok(address) = source.known() {
        assert_eq!(address, address.to_canonical());
        assert_eq!(
            trail.hops().last().map(|hop| hop.verdict),
            Some(Verdict::Client(address))
        );
    }
    assert!(trail.to_string().parse::<Trail>().as_ref() == Ok(&trail) && !trail.sentence().is_empty());
    if !proxies.trust(peer) {
        assert_eq!(source.known(), Ok(peer), "a stranger is itself");
    }
    // The address that a trusted proxy appends is the client, whatever the client wrote before it.
    if header.is_some()
        && proxies.trust(peer)
        && connection.proxied.is_none()
        && !lines.iter().any(|line| line.0 == other)
    {
        let client = IpAddr::from([203, 0, 113, 9]);
        let appended: &[u8] = match counts {
            ForwardingHeader::XForwardedFor => b", 203.0.113.9",
            ForwardingHeader::Forwarded => b", for=203.0.113.9;proto=https",
        };
        let last = [lines.last().map_or(&b""[..], |line| line.1), appended].concat();
        let mut with = lines.clone();
        with.pop();
        with.push((counts, &last));
        assert_eq!(proxies.client(connection, &with[..]).known(), Ok(client));
    }
}

/// Reads a PROXY header of either version. Bytes behind the header must be an error.
pub fn proxy_header(data: &[u8]) {
    if let Ok(Some(address)) = proxied_address(data) {
        let more = [data, b"\x16"].concat();
        assert!(
            proxied_address(&more).is_err(),
            "{address}: what stands behind it is not of it"
        );
    }
}

/// Parses an allowlist. Its text form must parse to the same list.
pub fn allowlist(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match text.parse::<Allowlist>() {
        Ok(list) => {
            let shown = list.to_string();
            assert_eq!(shown.parse::<Allowlist>().as_ref(), Ok(&list), "{shown}");
            let now = Timestamp::from_micros(0);
            for address in PEERS {
                let held = list.find(address, now);
                assert_eq!(
                    list.permits(address, now),
                    held != hookgate_domain::allowlist::AllowlistMatch::None
                );
            }
            // At most one warning for each entry, and one for each address family.
            assert!(list.warnings(None, now).len() <= list.entries().map_or(0, <[_]>::len) + 2);
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.len() < 1_000 && !said.contains('\n'), "{said}");
        }
    }
}

/// Reads a published list. The first byte chooses the provider.
pub fn address_list(data: &[u8]) {
    let Some((choice, document)) = data.split_first() else {
        return;
    };
    let provider = Provider::ALL[usize::from(*choice) % Provider::ALL.len()];
    match read_address_list(provider, &SetFilter::default(), document) {
        Ok(networks) => assert!(!networks.as_slice().is_empty() && networks.check_width().is_ok()),
        Err(error) => assert!(error.to_string().len() < 1_000),
    }
}
