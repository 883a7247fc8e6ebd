//! What a walk found: an address, and why it is not the client's if it isn't.

use std::net::IpAddr;

use thiserror::Error;

use super::MAX_HOPS;

/// Where a request came from, as far as that is known.
///
/// ```
/// use std::net::IpAddr;
/// use hookgate_domain::Source;
///
/// let address: IpAddr = "192.0.2.7".parse()?;
/// assert_eq!(Source::from(address).known(), Ok(address));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    address: IpAddr,
    fault: Option<SourceFault>,
}

impl Source {
    /// The client's address.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn known(&self) -> Result<IpAddr, SourceFault> {
        self.fault.map_or(Ok(self.address), Err)
    }

    /// The client's address, or that of a trusted proxy that says nothing of a caller: to note where something came from,
    /// and never for an allowlist.
    ///
    /// # Errors
    /// Why neither is known.
    pub fn known_or_proxy(&self) -> Result<IpAddr, SourceFault> {
        match self.fault {
            Some(SourceFault::Missing) | None => Ok(self.address),
            Some(fault) => Err(fault),
        }
    }

    /// The address that is known: the client's, or else that of the last proxy that was believed.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    pub(super) const fn unknown(address: IpAddr, fault: SourceFault) -> Self {
        Self {
            address,
            fault: Some(fault),
        }
    }
}

/// IPv4-mapped IPv6 is the IPv4 address it maps.
impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self {
            address: address.to_canonical(),
            fault: None,
        }
    }
}

/// Why the client's address is not known, though a trusted proxy was asked.
///
/// ```
/// use hookgate_domain::{Connection, ForwardingHeader, Networks, SourceFault, TrustedProxies};
///
/// let proxies = TrustedProxies {
///     networks: Networks::of(["10.0.0.0/8".parse()?])?,
///     header: Some(ForwardingHeader::Forwarded),
/// };
/// let fields = [(ForwardingHeader::Forwarded, &b"for=_hidden"[..])];
/// let source = proxies.client(Connection::from_peer("10.0.0.2".parse()?), &fields[..]);
/// assert_eq!(source.known(), Err(SourceFault::Hidden));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum SourceFault {
    /// It is not there, or the proxy speaks for itself in it: whoever called the proxy may be anybody.
    #[error("is missing or empty")]
    Missing,
    /// The header is not what its rules say.
    #[error("has no valid address")]
    Malformed,
    /// `unknown`, or an obfuscated identifier (RFC 7239, section 6.3).
    #[error("hides the address")]
    Hidden,
    /// An unspecified, multicast or broadcast address.
    #[error("has an address that no client can have")]
    NoClient,
    /// More than [`MAX_HOPS`] proxies.
    #[error("lists more than {MAX_HOPS} proxies")]
    TooLong,
    /// Both headers are there and name different clients.
    #[error("contradicts the configured header")]
    Disagrees,
}

impl SourceFault {
    pub(super) const ALL: [Self; 6] = [
        Self::Missing,
        Self::Malformed,
        Self::Hidden,
        Self::NoClient,
        Self::TooLong,
        Self::Disagrees,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Hidden => "hidden",
            Self::NoClient => "no-client",
            Self::TooLong => "too-long",
            Self::Disagrees => "disagrees",
        }
    }
}
