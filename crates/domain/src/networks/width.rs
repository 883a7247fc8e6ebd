//! The part of the address space that a set covers. Every limit on width is checked on the whole set, never on one
//! network: two halves, or four quarters, are the whole internet. The families are counted apart.

use std::fmt;

use ipnetwork::{IpNetwork, Ipv6Network};
use thiserror::Error;

use super::ranges::{self, Ranges};
use super::{Networks, canonical};

/// Widest set of IPv4 networks that a publisher, or the proxies in front, can have, as a prefix length. AWS, the
/// largest that publishes its networks, has some 4 % of IPv4, which is two thirds of a /4; Azure, Google, GitHub and
/// Cloudflare have less.
const WIDEST_V4: u8 = 4;
/// The same for IPv6. A provider is given a /20 to a /32, and AWS covers a few /24 in all: a /16 is many times that,
/// and a thousandth of the space in use.
const WIDEST_V6: u8 = 16;

/// Local IPv6 networks (RFC 4193, RFC 4291). No host on the internet has an address in them, so they don't count for
/// the width.
const LOCAL_V6: [(u128, u8); 2] = [(0xfc00 << 112, 7), (0xfe80 << 112, 10)];

/// Numbers of addresses, by family.
///
/// ```
/// use hookgate_domain::Networks;
/// use hookgate_domain::networks::AddressCount;
///
/// let halves = Networks::of(["0.0.0.0/1".parse()?, "128.0.0.0/1".parse()?, "10.0.0.0/8".parse()?])?;
/// assert_eq!(halves.addresses(), AddressCount { v4: 1 << 32, v6: 0 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressCount {
    /// Number of IPv4 addresses.
    pub v4: u64,
    /// Number of IPv6 addresses. The whole space counts as 2¹²⁸ - 1, so that the number fits.
    pub v6: u128,
}

/// The family of an address.
///
/// ```
/// assert_eq!(hookgate_domain::networks::AddressFamily::V6.to_string(), "IPv6");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// A set that covers more of a family than any publisher or proxy has.
///
/// ```
/// use hookgate_domain::Networks;
///
/// let halves = Networks::of(["0.0.0.0/1".parse()?, "128.0.0.0/1".parse()?])?;
/// let error = halves.check_width().unwrap_err();
/// assert_eq!(error.to_string(), "the networks together cover as much of IPv4 as a /0; the most is a /4");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the networks together cover as much of {family} as a /{prefix}; the most is a /{}", .family.widest())]
pub struct TooWide {
    /// The family.
    pub family: AddressFamily,
    /// Length of the longest prefix that covers as much.
    pub prefix: u8,
}

impl Networks {
    /// The number of addresses in the set, each counted once.
    #[must_use]
    pub fn addresses(&self) -> AddressCount {
        AddressCount {
            v4: u64::try_from(self.v4.size()).unwrap_or(u64::MAX),
            v6: self.v6.size(),
        }
    }

    /// The number of addresses in the set that are not in the other one.
    #[must_use]
    pub fn addresses_beyond(&self, other: &Self) -> AddressCount {
        let all = self.addresses();
        AddressCount {
            v4: all.v4 - u64::try_from(self.v4.shared(&other.v4)).unwrap_or(all.v4),
            v6: all.v6 - self.v6.shared(&other.v6),
        }
    }

    /// `true` if the set holds every address of the network, in one or several networks.
    #[must_use]
    pub fn covers(&self, network: IpNetwork) -> bool {
        match canonical(network) {
            IpNetwork::V4(of) => self.v4.cover(of.network().to_bits(), of.broadcast().to_bits()),
            IpNetwork::V6(of) => self.v6.cover(of.network().to_bits(), of.broadcast().to_bits()),
        }
    }

    /// Checks that the set is not wider than one publisher, or the proxies in front, can have.
    ///
    /// # Errors
    /// [`TooWide`].
    pub fn check_width(&self) -> Result<(), TooWide> {
        let local = LOCAL_V6.into_iter().filter_map(|(first, prefix)| {
            let network = Ipv6Network::new(first.into(), prefix).ok()?;
            Some(IpNetwork::V6(network))
        });
        let covered = match Self::of(local) {
            Ok(local) => self.addresses_beyond(&local),
            Err(_) => self.addresses(),
        };
        for (family, count) in covered.by_family() {
            let prefix = family.prefix_of(count);
            if prefix < family.widest() {
                return Err(TooWide { family, prefix });
            }
        }
        Ok(())
    }
}

/// The number of addresses of each family in these networks, each counted once.
pub(crate) fn covered(networks: &[IpNetwork]) -> [(AddressFamily, u128); 2] {
    let (v4, v6) = ranges::of(networks);
    [(AddressFamily::V4, v4.size()), (AddressFamily::V6, v6.size())]
}

impl AddressCount {
    /// Both families with their counts.
    pub(crate) fn by_family(self) -> [(AddressFamily, u128); 2] {
        [
            (AddressFamily::V4, u128::from(self.v4)),
            (AddressFamily::V6, self.v6),
        ]
    }
}

impl AddressFamily {
    const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The widest that a publisher or proxies can have, as a prefix length.
    pub(crate) const fn widest(self) -> u8 {
        match self {
            Self::V4 => WIDEST_V4,
            Self::V6 => WIDEST_V6,
        }
    }

    pub(crate) const fn half(self) -> u128 {
        1 << (self.bits() - 1)
    }

    /// The length of the longest prefix that has at least `count` addresses.
    pub(crate) fn prefix_of(self, count: u128) -> u8 {
        let needed = u128::BITS - count.saturating_sub(1).leading_zeros();
        self.bits()
            .saturating_sub(u8::try_from(needed).unwrap_or(u8::MAX))
    }

    pub(crate) fn percent(self, count: u128) -> u8 {
        let hundredth = self.half() / 50;
        u8::try_from(count / hundredth).unwrap_or(100).min(100)
    }
}

impl<T: Copy + Ord + Into<u128>> Ranges<T> {
    /// The number of addresses in the ranges.
    fn size(&self) -> u128 {
        let sizes = self.iter().map(|range| size(range));
        sizes.fold(0, u128::saturating_add)
    }

    /// `true` if the ranges hold every address from the first to the last.
    fn cover(&self, first: T, last: T) -> bool {
        let (mut held, mut next) = (self.from(first), first.into());
        loop {
            match held.next() {
                Some((from, _)) if from.into() > next => return false,
                Some((_, to)) if to >= last => return true,
                Some((_, to)) => next = to.into() + 1,
                None => return false,
            }
        }
    }

    /// The number of addresses in both.
    fn shared(&self, other: &Self) -> u128 {
        let (mut ours, mut theirs) = (self.iter().peekable(), other.iter().peekable());
        let mut shared = 0_u128;
        while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
            let (first, last) = (our.0.max(their.0), our.1.min(their.1));
            if first <= last {
                shared = shared.saturating_add(size((first, last)));
            }
            if our.1 <= their.1 {
                ours.next();
            } else {
                theirs.next();
            }
        }
        shared
    }
}

fn size<T: Into<u128>>((first, last): (T, T)) -> u128 {
    (last.into() - first.into()).saturating_add(1)
}
