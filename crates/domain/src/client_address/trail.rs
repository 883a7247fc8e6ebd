//! The trail of a request: a short text for the record, and a sentence for people. It has addresses and fixed words only, no
//! other part of the request.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use super::{ForwardingHeader, MAX_HOPS, SourceFault, Witness};

/// Most entries of a trail: the hops of a header, and a few for the connection and for ignored headers.
const MAX_STEPS: usize = MAX_HOPS + 8;

/// One entry of a trail.
///
/// ```
/// use hookgate_domain::client_address::{Hop, Verdict, Witness};
///
/// let hop = Hop { by: Witness::Connection, verdict: Verdict::Trusted("10.0.0.2".parse()?) };
/// assert_eq!(hop.to_string(), "connection 10.0.0.2 trusted");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The part of the connection or request that states the address.
    pub by: Witness,
    /// The verdict on the statement.
    pub verdict: Verdict,
}

/// The verdict on one statement about the client's address.
///
/// ```
/// use hookgate_domain::client_address::Verdict;
///
/// assert_ne!(Verdict::Untrusted, Verdict::Unconfigured);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The address is a trusted proxy's, so that its headers are believed.
    Trusted(IpAddr),
    /// The address is the client's.
    Client(IpAddr),
    /// The header is ignored: its sender is not a trusted proxy.
    Untrusted,
    /// The header is ignored: its sender is a trusted proxy, but the header is not configured.
    Unconfigured,
    /// A trusted proxy should name its client in the header, and the header is faulty.
    Fault(SourceFault),
}

/// The steps by which the source of a request was found, in order, from the connection on.
///
/// ```
/// use hookgate_domain::client_address::Trail;
///
/// let trail: Trail = "connection 10.0.0.2 trusted; x-forwarded-for 203.0.113.9 client".parse()?;
/// assert_eq!(trail.sentence(), "203.0.113.9 was reported by the trusted proxy 10.0.0.2 in X-Forwarded-For");
/// # Ok::<(), hookgate_domain::client_address::TrailError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail(Box<[Hop]>);

impl Trail {
    pub(super) fn of(hops: Vec<Hop>) -> Self {
        Self(hops.into())
    }

    /// The entries of the trail.
    #[must_use]
    pub const fn hops(&self) -> &[Hop] {
        &self.0
    }

    /// The fault because of which the client's address is unknown; `None` if it is known.
    #[must_use]
    pub fn fault(&self) -> Option<SourceFault> {
        self.0.iter().find_map(|hop| match hop.verdict {
            Verdict::Fault(fault) => Some(fault),
            _ => None,
        })
    }

    /// The trail in one or more sentences for people, without the last full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        let proxies: Vec<String> = self.trusted().map(|proxy| proxy.to_string()).collect();
        let fault = self.0.iter().find_map(|hop| match hop.verdict {
            Verdict::Fault(fault) => Some((hop.by, fault)),
            _ => None,
        });
        if let Some((by, fault)) = fault {
            let proxy = proxies.last().map_or("its peer", String::as_str);
            return format!("the client's address is unknown: {by} of the trusted proxy {proxy} {fault}");
        }
        let client = self.0.iter().find_map(|hop| match hop.verdict {
            Verdict::Client(address) => Some((hop.by, address)),
            _ => None,
        });
        let Some((by, address)) = client else {
            return "the source was not recorded".to_owned();
        };
        let mut sentence = if by == Witness::Connection {
            format!("{address} connected directly")
        } else {
            let own = address.to_string();
            let others: Vec<_> = proxies
                .iter()
                .filter(|proxy| **proxy != own)
                .map(String::as_str)
                .collect();
            let others = if others.is_empty() { vec!["itself"] } else { others };
            let which = if others.len() == 1 { "proxy" } else { "proxies" };
            format!(
                "{address} was reported by the trusted {which} {} in {by}",
                others.join(", ")
            )
        };
        for hop in &self.0 {
            let why = match hop.verdict {
                Verdict::Untrusted => format!("{address} is not a trusted proxy"),
                Verdict::Unconfigured => "it is not configured".to_owned(),
                _ => continue,
            };
            let said = said(hop.by);
            sentence.extend([". Its ", said, " header was ignored because ", &why]);
        }
        sentence
    }

    /// The first forwarding header that was ignored because its sender is not a trusted proxy.
    ///
    /// ```
    /// use hookgate_domain::ForwardingHeader;
    /// use hookgate_domain::client_address::Trail;
    ///
    /// let trail: Trail = "x-forwarded-for untrusted; connection 10.0.0.2 client".parse()?;
    /// assert_eq!(trail.untrusted(), Some(ForwardingHeader::XForwardedFor));
    /// # Ok::<(), hookgate_domain::client_address::TrailError>(())
    /// ```
    #[must_use]
    pub fn untrusted(&self) -> Option<ForwardingHeader> {
        self.0.iter().find_map(|hop| match (hop.verdict, hop.by) {
            (Verdict::Untrusted, Witness::Header(header)) => Some(header),
            _ => None,
        })
    }

    fn trusted(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.0.iter().filter_map(|hop| match hop.verdict {
            Verdict::Trusted(address) => Some(address),
            _ => None,
        })
    }
}

const fn said(by: Witness) -> &'static str {
    match by {
        Witness::Connection => "connection",
        Witness::ProxyProtocol => "PROXY",
        Witness::Header(header) => header.name(),
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = witness_word(self.by);
        match self.verdict {
            Verdict::Trusted(address) => write!(f, "{by} {address} trusted"),
            Verdict::Client(address) => write!(f, "{by} {address} client"),
            Verdict::Untrusted => write!(f, "{by} untrusted"),
            Verdict::Unconfigured => write!(f, "{by} unconfigured"),
            Verdict::Fault(fault) => write!(f, "{by} {}", fault.as_str()),
        }
    }
}

const fn witness_word(by: Witness) -> &'static str {
    match by {
        Witness::Connection => "connection",
        Witness::ProxyProtocol => "proxy-protocol",
        Witness::Header(header) => header.as_str(),
    }
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, hop) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{hop}")?;
        }
        Ok(())
    }
}

impl FromStr for Trail {
    type Err = TrailError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hops: Vec<_> = text
            .split("; ")
            .map(hop)
            .collect::<Option<_>>()
            .ok_or(TrailError)?;
        if hops.len() > MAX_STEPS {
            return Err(TrailError);
        }
        Ok(Self(hops.into()))
    }
}

fn hop(text: &str) -> Option<Hop> {
    let (by, rest) = text.split_once(' ')?;
    let by = [
        Witness::Connection,
        Witness::ProxyProtocol,
        Witness::Header(ForwardingHeader::XForwardedFor),
        Witness::Header(ForwardingHeader::Forwarded),
    ]
    .into_iter()
    .find(|witness| witness_word(*witness) == by)?;
    let verdict = match (rest, rest.split_once(' ')) {
        (_, Some((address, "trusted"))) => Verdict::Trusted(address.parse().ok()?),
        (_, Some((address, "client"))) => Verdict::Client(address.parse().ok()?),
        ("untrusted", None) => Verdict::Untrusted,
        ("unconfigured", None) => Verdict::Unconfigured,
        (word, None) => Verdict::Fault(
            SourceFault::ALL
                .into_iter()
                .find(|fault| fault.as_str() == word)?,
        ),
        (_, Some(_)) => return None,
    };
    Some(Hop { by, verdict })
}

/// The text is not a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a trail")]
pub struct TrailError;
