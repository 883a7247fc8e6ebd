//! Finding the source, compared with another implementation: the `trusted-proxies` crate, on well-formed chains.

use std::net::IpAddr;

use hookgate_domain::{Connection, ForwardingHeader, Networks, TrustedProxies};
use proptest::prelude::*;
use trusted_proxies::{Config, RequestInformation, Trusted};

/// A request with only these headers.
struct Request {
    x_forwarded_for: Vec<String>,
    forwarded: Vec<String>,
}

impl RequestInformation for Request {
    fn is_host_header_allowed(&self) -> bool {
        true
    }

    fn host_header(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn forwarded(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.forwarded.iter().map(String::as_str)
    }

    fn x_forwarded_for(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.x_forwarded_for.iter().map(String::as_str)
    }

    fn x_forwarded_host(&self) -> impl DoubleEndedIterator<Item = &str> {
        std::iter::empty()
    }

    fn x_forwarded_proto(&self) -> impl DoubleEndedIterator<Item = &str> {
        std::iter::empty()
    }

    fn x_forwarded_by(&self) -> impl DoubleEndedIterator<Item = &str> {
        std::iter::empty()
    }

    fn default_scheme(&self) -> Option<&str> {
        None
    }
}

/// Proxies in `10/8` and `fd00::/8`, and clients outside.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from([10, a, b, c])),
        any::<[u16; 2]>().prop_map(|[a, b]| IpAddr::from([0xfd00, a, 0, 0, 0, 0, 0, b])),
        any::<[u8; 2]>().prop_map(|[a, b]| IpAddr::from([203, 0, a, b])),
        any::<u16>().prop_map(|a| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, a])),
    ]
}

/// The header lines of a chain: one or several, with or without ports.
fn lines(chain: &[(IpAddr, bool)], cut: usize, write: impl Fn(IpAddr, bool) -> String) -> Vec<String> {
    let elements: Vec<_> = chain
        .iter()
        .map(|(address, port)| write(*address, *port))
        .collect();
    let (first, second) = elements.split_at(cut.min(elements.len()));
    [first, second]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| part.join(", "))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn both_find_the_same_client(
        peer in address(),
        chain in prop::collection::vec((address(), any::<bool>()), 1..8),
        cut in 0usize..8,
        is_forwarded: bool,
    ) {
        // If every address is trusted, the other crate returns the peer, and Hookgate the leftmost address.
        let proxies = TrustedProxies {
            networks: Networks::of(["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network"))).expect("few"),
            header: Some(if is_forwarded { ForwardingHeader::Forwarded } else { ForwardingHeader::XForwardedFor }),
        };
        prop_assume!(chain.iter().any(|(address, _)| !proxies.trust(*address)));
        let header = proxies.header.expect("a header");
        let mut config = Config::new();
        config.add_trusted_ip("10.0.0.0/8").expect("a network");
        config.add_trusted_ip("fd00::/8").expect("a network");
        let text = lines(&chain, cut, |address, port| match (is_forwarded, address, port) {
            (false, IpAddr::V4(address), false) => address.to_string(),
            // The other crate takes the last part of a bare IPv6 address for a port.
            (false, IpAddr::V6(address), false) => format!("[{address}]"),
            (false, IpAddr::V4(address), true) => format!("{address}:4711"),
            (false, IpAddr::V6(address), true) => format!("[{address}]:4711"),
            (true, IpAddr::V4(address), false) => format!("for={address};proto=https"),
            (true, IpAddr::V4(address), true) => format!("for=\"{address}:4711\""),
            (true, IpAddr::V6(address), false) => format!("For=\"[{address}]\""),
            (true, IpAddr::V6(address), true) => format!("by=10.0.0.1;for=\"[{address}]:4711\""),
        });
        let mut request = Request { x_forwarded_for: Vec::new(), forwarded: Vec::new() };
        if is_forwarded {
            config.trust_forwarded();
            request.forwarded.clone_from(&text);
        } else {
            config.trust_x_forwarded_for();
            request.x_forwarded_for.clone_from(&text);
        }
        let theirs = Trusted::from(peer, &request, &config).ip();
        let fields: Vec<_> = text.iter().map(|line| (header, line.as_bytes())).collect();
        let ours = proxies.client(Connection::from_peer(peer), &fields[..]);
        prop_assert_eq!(ours.known(), Ok(theirs), "{:?}", text);
    }
}
