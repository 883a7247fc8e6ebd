//! What about an allowlist deserves a second look. Nothing of it is forbidden.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;

use super::{Allowed, Allowlist};
use crate::Timestamp;
use crate::networks::{AddressFamily, TooWide, covered};

/// Prefix lengths below which a network is huge: more than 16 million IPv4 addresses, more IPv6 than one provider gets.
const HUGE_V4: u8 = 8;
const HUGE_V6: u8 = 29;

/// First addresses of the networks that [`is_private`] is about: who holds one of them permits private addresses.
const PRIVATE: [IpAddr; 9] = [
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)),
    IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)),
    IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)),
    IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)),
];

/// Networks that no packet of a sender comes from (RFC 6890, RFC 5771, RFC 4291): this host, multicast, reserved with all
/// netmasks, and the addresses of IPv6 that begin with 96 or 8 such bits.
const UNUSABLE: [(IpAddr, u8); 5] = [
    (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8),
    (IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)), 4),
    (IpAddr::V4(Ipv4Addr::new(240, 0, 0, 0)), 4),
    (IpAddr::V6(Ipv6Addr::UNSPECIFIED), 96),
    (IpAddr::V6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0)), 8),
];

/// Something about an allowlist that deserves a second look.
///
/// ```
/// use hookgate_domain::{Allowlist, AllowlistWarning, Timestamp};
///
/// let list: Allowlist = "0.0.0.0/0, 10.0.0.0/8".parse()?;
/// let warnings = list.warnings(Some("2001:db8::7".parse()?), Timestamp::from_micros(0));
/// assert_eq!(warnings[0].to_string(), "0.0.0.0/0 allows every IPv4 address");
/// assert!(matches!(warnings[1], AllowlistWarning::Private(_)));
/// assert_eq!(warnings[2].to_string(), "your own address (2001:db8::7) would not be allowed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowlistWarning {
    /// It permits a whole address family.
    WholeFamily(IpNetwork),
    /// Its networks together permit more than half of an address family.
    MostOfFamily {
        /// The family.
        family: AddressFamily,
        /// How much of it.
        percent: u8,
    },
    /// Its networks together permit more addresses than any sender has.
    WideTogether(TooWide),
    /// It permits more addresses than any sender has.
    Huge(IpNetwork),
    /// It permits addresses that are not on the internet: behind a proxy, that may be everybody.
    Private(IpNetwork),
    /// No sender can have such an address; it may be a netmask.
    Unusable(IpNetwork),
    /// Whoever asks would not pass.
    OwnAddress(IpAddr),
}

impl AllowlistWarning {
    /// The network that it is about, if it is about a single one.
    #[must_use]
    pub const fn network(&self) -> Option<IpNetwork> {
        match self {
            Self::WholeFamily(network)
            | Self::Huge(network)
            | Self::Private(network)
            | Self::Unusable(network) => Some(*network),
            Self::MostOfFamily { .. } | Self::WideTogether(_) | Self::OwnAddress(_) => None,
        }
    }
}

impl fmt::Display for AllowlistWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WholeFamily(network) => {
                let family = if network.is_ipv4() { "IPv4" } else { "IPv6" };
                write!(f, "{network} allows every {family} address")
            }
            Self::MostOfFamily { family, percent } => write!(
                f,
                "its networks together allow {percent} % of all {family} addresses. Write `any` to allow everyone"
            ),
            Self::WideTogether(TooWide { family, prefix }) => write!(
                f,
                "its networks together allow as many {family} addresses as a /{prefix}, more than any sender has"
            ),
            Self::Huge(network) => write!(f, "{network} allows more addresses than any sender has"),
            Self::Private(network) => write!(
                f,
                "{network} contains private addresses. Behind a proxy that is not listed in trusted_proxies, this would allow everyone"
            ),
            Self::Unusable(network) => write!(
                f,
                "{network} contains no address that a sender can have. Is it a netmask or a typing error?"
            ),
            Self::OwnAddress(address) => write!(f, "your own address ({address}) would not be allowed"),
        }
    }
}

impl Allowlist {
    /// What about the list deserves a second look, for somebody at this address.
    #[must_use]
    pub fn warnings(&self, own: Option<IpAddr>, now: Timestamp) -> Vec<AllowlistWarning> {
        let entries = self.entries().unwrap_or_default().iter();
        let networks = entries.filter_map(|entry| match entry.allowed {
            Allowed::Network(network) => Some(network),
            Allowed::Set(_) => None,
        });
        let mut warnings = with_those_of_all(networks.filter_map(of_network).collect(), &self.permitted(now));
        warnings.extend(
            own.map(|own| own.to_canonical())
                .filter(|own| !self.permits(*own, now))
                .map(AllowlistWarning::OwnAddress),
        );
        warnings
    }
}

/// What about these networks deserves a second look, each by itself and all together.
///
/// ```
/// use hookgate_domain::network_warnings;
///
/// let warnings: Vec<_> = network_warnings(["172.0.0.0/8".parse()?, "192.0.2.0/24".parse()?]).collect();
/// assert_eq!(warnings.len(), 1, "172.16.0.0/12 is private");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn network_warnings(
    networks: impl IntoIterator<Item = IpNetwork>,
) -> impl Iterator<Item = AllowlistWarning> {
    let networks: Vec<_> = networks.into_iter().collect();
    with_those_of_all(
        networks.iter().copied().filter_map(of_network).collect(),
        &networks,
    )
    .into_iter()
}

/// Adds, in front, what only all networks together are: more than half of a family, or more of it than a sender has.
fn with_those_of_all(of_each: Vec<AllowlistWarning>, networks: &[IpNetwork]) -> Vec<AllowlistWarning> {
    let of_all = covered(networks).into_iter().filter_map(|(family, count)| {
        let widest = networks
            .iter()
            .filter(|network| network.is_ipv4() == (family == AddressFamily::V4))
            .map(IpNetwork::prefix)
            .min()?;
        let prefix = family.prefix_of(count);
        if count > family.half() && widest > 0 {
            let percent = family.percent(count);
            Some(AllowlistWarning::MostOfFamily { family, percent })
        } else if prefix < family.widest() && widest >= family.widest() {
            Some(AllowlistWarning::WideTogether(TooWide { family, prefix }))
        } else {
            None
        }
    });
    of_all.chain(of_each).collect()
}

fn of_network(network: IpNetwork) -> Option<AllowlistWarning> {
    let huge = if network.is_ipv4() { HUGE_V4 } else { HUGE_V6 };
    if network.prefix() == 0 {
        Some(AllowlistWarning::WholeFamily(network))
    } else if UNUSABLE.iter().any(|unusable| holds(unusable, network)) {
        Some(AllowlistWarning::Unusable(network))
    } else if is_private(network.ip()) || PRIVATE.iter().any(|first| network.contains(*first)) {
        Some(AllowlistWarning::Private(network))
    } else if network.prefix() < huge {
        Some(AllowlistWarning::Huge(network))
    } else {
        None
    }
}

fn holds((start, prefix): &(IpAddr, u8), network: IpNetwork) -> bool {
    let unusable = IpNetwork::new(*start, *prefix);
    let loopback = network.ip().is_loopback();
    network.prefix() >= *prefix && !loopback && unusable.is_ok_and(|unusable| unusable.contains(network.ip()))
}

/// Whether an address is of a private network or of this machine (RFC 1918, RFC 6598, RFC 4193, RFC 3927).
///
/// ```
/// use hookgate_domain::is_private;
///
/// assert!(is_private("10.0.0.1".parse()?) && is_private("fd00::1".parse()?) && is_private("127.0.0.1".parse()?));
/// assert!(!is_private("192.0.2.7".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let shared = first == 100 && second & 0xc0 == 64;
            address.is_private() || address.is_loopback() || address.is_link_local() || shared
        }
        IpAddr::V6(address) => {
            address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local()
        }
    }
}
