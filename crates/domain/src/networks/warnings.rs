//! Warnings about the networks of allowlists and address sets. A warning forbids nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;

use super::special::{PRIVATE, contains, is_private};
use super::{AddressFamily, TooWide, covered};

/// Prefix length below which an IPv4 network is huge: it has more than 16 million addresses.
const HUGE_V4: u8 = 8;
/// The same for IPv6: more addresses than a provider gets in one allocation.
const HUGE_V6: u8 = 29;

/// Networks in which no sender can have an address (RFC 6890, RFC 5771, RFC 4291): "this network", multicast, and the
/// reserved block, in which the usual netmasks are; in IPv6, IPv4-compatible addresses with the unspecified one, and
/// multicast.
const UNUSABLE: [(IpAddr, u8); 5] = [
    (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8),
    (IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)), 4),
    (IpAddr::V4(Ipv4Addr::new(240, 0, 0, 0)), 4),
    (IpAddr::V6(Ipv6Addr::UNSPECIFIED), 96),
    (IpAddr::V6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0)), 8),
];

/// A warning about an allowlist or an address set.
///
/// ```
/// use hookgate_domain::{Allowlist, Timestamp};
/// use hookgate_domain::networks::NetworkWarning;
///
/// let list: Allowlist = "0.0.0.0/0, 10.0.0.0/8".parse()?;
/// let warnings = list.warnings(Some("2001:db8::7".parse()?), Timestamp::from_micros(0));
/// assert_eq!(warnings[0].to_string(), "0.0.0.0/0 allows every IPv4 address");
/// assert!(matches!(warnings[1], NetworkWarning::Private(_)));
/// assert_eq!(warnings[2].to_string(), "your own address (2001:db8::7) would not be allowed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkWarning {
    /// The network is a whole address family.
    WholeFamily(IpNetwork),
    /// The networks together permit more than half of an address family.
    MostOfFamily {
        /// The family.
        family: AddressFamily,
        /// The permitted part of the family, in percent.
        percent: u8,
    },
    /// The networks together permit more addresses than any sender has.
    WideTogether(TooWide),
    /// The network permits more addresses than any sender has.
    Huge(IpNetwork),
    /// The network has private addresses. Behind a proxy that is not configured as trusted, every request may come from one.
    Private(IpNetwork),
    /// No sender can have an address of the network. It may be a netmask.
    Unusable(IpNetwork),
    /// The address of the member who edits the list would not pass.
    OwnAddress(IpAddr),
}

impl NetworkWarning {
    /// The network that the warning is about, if it is about a single one.
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

impl fmt::Display for NetworkWarning {
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

/// Computes the warnings about networks, for each one and for all together.
///
/// ```
/// use hookgate_domain::networks::network_warnings;
///
/// let warnings: Vec<_> = network_warnings(["172.0.0.0/8".parse()?, "192.0.2.0/24".parse()?]).collect();
/// assert_eq!(warnings.len(), 1, "172.16.0.0/12 is private");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn network_warnings(
    networks: impl IntoIterator<Item = IpNetwork>,
) -> impl Iterator<Item = NetworkWarning> {
    let networks: Vec<_> = networks.into_iter().collect();
    with_those_of_all(
        networks.iter().copied().filter_map(of_network).collect(),
        &networks,
    )
    .into_iter()
}

/// Puts the warnings about all networks together in front: more than half of a family, or more addresses than any sender has.
/// Leaves out those that a single network causes, because that network has a warning of its own.
pub(crate) fn with_those_of_all(of_each: Vec<NetworkWarning>, networks: &[IpNetwork]) -> Vec<NetworkWarning> {
    let of_all = covered(networks).into_iter().filter_map(|(family, count)| {
        let widest = networks
            .iter()
            .filter(|network| network.is_ipv4() == (family == AddressFamily::V4))
            .map(IpNetwork::prefix)
            .min()?;
        let prefix = family.prefix_of(count);
        if count > family.half() && widest > 0 {
            let percent = family.percent(count);
            Some(NetworkWarning::MostOfFamily { family, percent })
        } else if prefix < family.widest() && widest >= family.widest() {
            Some(NetworkWarning::WideTogether(TooWide { family, prefix }))
        } else {
            None
        }
    });
    of_all.chain(of_each).collect()
}

pub(crate) fn of_network(network: IpNetwork) -> Option<NetworkWarning> {
    let huge = if network.is_ipv4() { HUGE_V4 } else { HUGE_V6 };
    if network.prefix() == 0 {
        Some(NetworkWarning::WholeFamily(network))
    } else if is_unusable(network) {
        Some(NetworkWarning::Unusable(network))
    } else if is_private(network.ip()) || PRIVATE.iter().any(|(first, _)| network.contains(*first)) {
        Some(NetworkWarning::Private(network))
    } else if network.prefix() < huge {
        Some(NetworkWarning::Huge(network))
    } else {
        None
    }
}

fn is_unusable(network: IpNetwork) -> bool {
    let within =
        |unusable: &&(IpAddr, u8)| network.prefix() >= unusable.1 && contains(unusable, network.ip());
    !network.ip().is_loopback() && UNUSABLE.iter().any(|unusable| within(&unusable))
}
