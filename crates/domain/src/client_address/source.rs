//! The source of a request: the client's address, or the reason for which it is unknown.

use std::net::IpAddr;

use thiserror::Error;

use super::MAX_HOPS;

/// The source of a request: the client's address, or the last known hop and the fault behind it.
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
    /// [`SourceFault`] if the client's address is unknown.
    pub fn known(&self) -> Result<IpAddr, SourceFault> {
        self.fault.map_or(Ok(self.address), Err)
    }

    /// The client's address, or that of a trusted proxy that names no client. For records and limits, and for webhooks that
    /// accept any address; never match it against an allowlist.
    ///
    /// # Errors
    /// Any other [`SourceFault`] than [`SourceFault::Missing`].
    pub fn known_or_proxy(&self) -> Result<IpAddr, SourceFault> {
        match self.fault {
            Some(SourceFault::Missing) | None => Ok(self.address),
            Some(fault) => Err(fault),
        }
    }

    /// The client's address if it is known, or else that of the last trusted proxy.
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

/// Makes a known source. IPv4-mapped IPv6 becomes the IPv4 address that it maps.
impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self {
            address: address.to_canonical(),
            fault: None,
        }
    }
}

/// A fault in the header of a trusted proxy, because of which the client's address is unknown.
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
    /// The header is missing, or is a PROXY header without an address: the proxy's client may be anybody.
    #[error("is missing or empty")]
    Missing,
    /// The header is malformed.
    #[error("has no valid address")]
    Malformed,
    /// The header has `unknown` or an obfuscated identifier (RFC 7239, sections 6.2 and 6.3).
    #[error("hides the address")]
    Hidden,
    /// The header has an unspecified, multicast or broadcast address.
    #[error("has an address that no client can have")]
    NoClient,
    /// More than [`MAX_HOPS`] addresses of the header would have to be followed.
    #[error("lists more than {MAX_HOPS} proxies")]
    TooLong,
    /// Both forwarding headers are there and lead to different clients, or only the one that is not configured is there.
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
