//! The client's address of a request, found by following the hops from the peer of the connection through trusted proxies.
//! Pure; the trail has each hop with the reason for believing it or not.
//!
//! A proxy is trusted for its address, never for its position. The first address that is not trusted is the client's, or the
//! last one if all are trusted. Proxies append to a header, and it is read from its end, so entries that a client forges
//! stand before its own address and are never read. If a trusted proxy sends nothing, or something malformed, the client's
//! address is unknown: the address of the proxy itself is never matched against an allowlist.

mod fields;
mod node;
mod source;
mod trail;

use std::fmt;
use std::net::IpAddr;

use crate::Networks;
use crate::keywords::keywords;
use fields::addresses;
pub use source::{Source, SourceFault};
pub use trail::{Hop, Trail, TrailError, Verdict};

/// Most hops that are followed in a header. Real chains have one to four, and each delivery stores its trail.
pub const MAX_HOPS: usize = 16;

/// The trusted proxies: their networks, and the forwarding header that they write.
///
/// ```
/// use hookgate_domain::{Connection, ForwardingHeader, Networks, TrustedProxies};
///
/// let proxies = TrustedProxies {
///     networks: Networks::of(["10.0.0.0/8".parse()?])?,
///     header: Some(ForwardingHeader::XForwardedFor),
/// };
/// let fields = [(ForwardingHeader::XForwardedFor, &b"198.51.100.1, 203.0.113.9"[..])];
///
/// let source = proxies.client(Connection::from_peer("10.0.0.2".parse()?), &fields[..]);
/// assert_eq!(source.known(), Ok("203.0.113.9".parse()?), "what stands left of it is the client's own word");
///
/// let source = proxies.client(Connection::from_peer("192.0.2.7".parse()?), &fields[..]);
/// assert_eq!(source.known(), Ok("192.0.2.7".parse()?), "nobody trusts this peer");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    /// The addresses of the proxies.
    pub networks: Networks,
    /// The header that the proxies write; `None` if no header is believed.
    pub header: Option<ForwardingHeader>,
}

/// A forwarding header: a proxy writes its client's address into it.
///
/// ```
/// use hookgate_domain::ForwardingHeader;
///
/// assert_eq!("x-forwarded-for".parse(), Ok(ForwardingHeader::XForwardedFor));
/// assert_eq!(ForwardingHeader::Forwarded.as_str(), "forwarded");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`: addresses, separated by commas.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ForwardingHeader {
    /// The header's name as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "X-Forwarded-For",
            Self::Forwarded => "Forwarded",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::XForwardedFor => Self::Forwarded,
            Self::Forwarded => Self::XForwardedFor,
        }
    }
}

keywords! {
    ForwardingHeader {
        XForwardedFor = "x-forwarded-for",
        Forwarded = "forwarded",
    }
    /// The text names no forwarding header.
    UnknownForwardingHeader = "must be x-forwarded-for or forwarded"
}

/// The lines of a request's forwarding headers, in the order of the request.
pub trait ForwardingFields {
    /// The values of this header's lines. Several lines mean the same as one line with their values joined by commas.
    fn lines(&self, header: ForwardingHeader) -> impl DoubleEndedIterator<Item = &[u8]>;
}

/// Lines, each with its header.
impl ForwardingFields for [(ForwardingHeader, &[u8])] {
    fn lines(&self, header: ForwardingHeader) -> impl DoubleEndedIterator<Item = &[u8]> {
        let of_header = move |line: &&(ForwardingHeader, &[u8])| line.0 == header;
        self.iter().filter(of_header).map(|line| line.1)
    }
}

/// The fields of a request as the crates `http` and `hyper` have them.
///
/// ```
/// use hookgate_domain::{Connection, ForwardingHeader, Networks, TrustedProxies};
///
/// let networks = Networks::of(["10.0.0.0/8".parse()?])?;
/// let proxies = TrustedProxies { networks, header: Some(ForwardingHeader::XForwardedFor) };
/// let mut headers = http::HeaderMap::new();
/// headers.insert("x-forwarded-for", "203.0.113.9".parse()?);
/// let source = proxies.client(Connection::from_peer("10.0.0.2".parse()?), &headers);
/// assert_eq!(source.known(), Ok("203.0.113.9".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "http")]
impl ForwardingFields for http::HeaderMap {
    fn lines(&self, header: ForwardingHeader) -> impl DoubleEndedIterator<Item = &[u8]> {
        const X_FORWARDED_FOR: http::HeaderName = http::HeaderName::from_static("x-forwarded-for");
        let name = match header {
            ForwardingHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardingHeader::Forwarded => http::header::FORWARDED,
        };
        self.get_all(name).iter().map(http::HeaderValue::as_bytes)
    }
}

/// The addresses of a connection.
///
/// ```
/// use hookgate_domain::Connection;
///
/// let connection = Connection::from_peer("192.0.2.7".parse()?);
/// assert_eq!(connection.proxied, None);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The other end of the TCP connection.
    pub peer: IpAddr,
    /// The address in the connection's PROXY header, if there is one.
    pub proxied: Option<IpAddr>,
}

impl Connection {
    /// A connection without a PROXY header.
    #[must_use]
    pub const fn from_peer(peer: IpAddr) -> Self {
        Self { peer, proxied: None }
    }
}

/// The part of a connection or request that states an address.
///
/// ```
/// assert_eq!(hookgate_domain::client_address::Witness::Connection.to_string(), "the connection");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Witness {
    /// The TCP connection itself.
    Connection,
    /// The PROXY header of the connection.
    ProxyProtocol,
    /// A header of the request.
    Header(ForwardingHeader),
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "the connection",
            Self::ProxyProtocol => "the PROXY header",
            Self::Header(header) => header.name(),
        })
    }
}

impl TrustedProxies {
    /// Returns `true` if this address is a trusted proxy's, so that its PROXY and forwarding headers are believed.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        self.networks.holds(address)
    }

    /// Finds the client's address. Allocates nothing.
    #[must_use]
    pub fn client(&self, connection: Connection, fields: &(impl ForwardingFields + ?Sized)) -> Source {
        self.walk(connection, fields, &mut None)
    }

    /// Records the hops by which [`Self::client`] finds the client's address.
    #[must_use]
    pub fn trail(&self, connection: Connection, fields: &(impl ForwardingFields + ?Sized)) -> Trail {
        let mut hops = Vec::new();
        self.walk(connection, fields, &mut Some(&mut hops));
        Trail::of(hops)
    }

    fn walk(
        &self,
        connection: Connection,
        fields: &(impl ForwardingFields + ?Sized),
        notes: &mut Option<&mut Vec<Hop>>,
    ) -> Source {
        let mut speaker = Speaker {
            by: Witness::Connection,
            address: connection.peer.to_canonical(),
        };
        if let Some(proxied) = connection.proxied {
            let by = Witness::ProxyProtocol;
            if !self.trust(speaker.address) {
                note(notes, by, Verdict::Untrusted);
            } else if node::is_no_client(proxied) {
                return speaker.fault(by, SourceFault::NoClient, notes);
            } else {
                speaker.trusted(notes);
                let address = proxied.to_canonical();
                speaker = Speaker { by, address };
            }
        }
        match self.header {
            Some(header) if self.trust(speaker.address) => self.follow(header, speaker, fields, notes),
            _ => {
                self.note_disregarded(speaker, fields, notes);
                if speaker.by == Witness::Connection && self.trust(speaker.address) {
                    return speaker.silent(Witness::ProxyProtocol, SourceFault::Missing, notes);
                }
                speaker.client(notes)
            }
        }
    }

    /// Follows the configured header. The other forwarding header must lead to the same client, if it is there. Otherwise a
    /// proxy that writes one header and passes the other one on would let its clients choose their address.
    fn follow(
        &self,
        header: ForwardingHeader,
        speaker: Speaker,
        fields: &(impl ForwardingFields + ?Sized),
        notes: &mut Option<&mut Vec<Hop>>,
    ) -> Source {
        let other = header.other();
        let (is_there, is_other_there) = (
            fields.lines(header).next().is_some(),
            fields.lines(other).next().is_some(),
        );
        if !is_there {
            let (by, fault) = if is_other_there {
                (other, SourceFault::Disagrees)
            } else {
                (header, SourceFault::Missing)
            };
            return speaker.silent(Witness::Header(by), fault, notes);
        }
        let source = self.follow_one(header, speaker, fields, notes);
        if source.known().is_err() || !is_other_there {
            return source;
        }
        if self.follow_one(other, speaker, fields, &mut None) == source {
            return source;
        }
        speaker.fault(Witness::Header(other), SourceFault::Disagrees, notes)
    }

    fn follow_one(
        &self,
        header: ForwardingHeader,
        mut speaker: Speaker,
        fields: &(impl ForwardingFields + ?Sized),
        notes: &mut Option<&mut Vec<Hop>>,
    ) -> Source {
        let by = Witness::Header(header);
        speaker.trusted(notes);
        for (hop, address) in addresses(header, fields).enumerate() {
            let address = match address {
                Ok(address) if hop < MAX_HOPS => address,
                Ok(_) => return speaker.fault(by, SourceFault::TooLong, notes),
                Err(fault) => return speaker.fault(by, fault, notes),
            };
            speaker = Speaker { by, address };
            if !self.trust(address) {
                break;
            }
            speaker.trusted(notes);
        }
        speaker.client(notes)
    }

    /// Records the forwarding headers that are ignored, so that the trail can say why.
    fn note_disregarded(
        &self,
        speaker: Speaker,
        fields: &(impl ForwardingFields + ?Sized),
        notes: &mut Option<&mut Vec<Hop>>,
    ) {
        if notes.is_none() {
            return;
        }
        for header in [ForwardingHeader::XForwardedFor, ForwardingHeader::Forwarded] {
            if fields.lines(header).next().is_some() {
                let verdict = if self.trust(speaker.address) {
                    Verdict::Unconfigured
                } else {
                    Verdict::Untrusted
                };
                note(notes, Witness::Header(header), verdict);
            }
        }
    }
}

/// The last hop that is known: its address, and the part of the request that states it.
#[derive(Clone, Copy)]
struct Speaker {
    by: Witness,
    address: IpAddr,
}

impl Speaker {
    fn trusted(self, notes: &mut Option<&mut Vec<Hop>>) {
        note(notes, self.by, Verdict::Trusted(self.address));
    }

    fn client(self, notes: &mut Option<&mut Vec<Hop>>) -> Source {
        note(notes, self.by, Verdict::Client(self.address));
        Source::from(self.address)
    }

    /// Ends the trail at a trusted proxy that does not name its client where it should.
    fn silent(self, by: Witness, fault: SourceFault, notes: &mut Option<&mut Vec<Hop>>) -> Source {
        self.trusted(notes);
        self.fault(by, fault, notes)
    }

    fn fault(self, by: Witness, fault: SourceFault, notes: &mut Option<&mut Vec<Hop>>) -> Source {
        note(notes, by, Verdict::Fault(fault));
        Source::unknown(self.address, fault)
    }
}

fn note(notes: &mut Option<&mut Vec<Hop>>, by: Witness, verdict: Verdict) {
    if let Some(notes) = notes {
        notes.push(Hop { by, verdict });
    }
}
