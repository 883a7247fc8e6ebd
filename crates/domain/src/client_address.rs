//! Whose request it is: the walk from the peer of the connection, through what trusted proxies say, to one address. Pure;
//! each step is noted with the reason why it was believed or not.
//!
//! Who speaks is told by its address, never by counting: a proxy is trusted if its address is, and the first one that
//! isn't is the client. So whatever a client writes into its own request stands left of what the proxies wrote, and is
//! never looked at. What a trusted proxy says and nobody can read is a fault, not a guess, and so is one that says nothing:
//! its own address is nobody's.

mod fields;
mod node;
mod source;
mod trail;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use crate::Networks;
use fields::addresses;
pub use source::{Source, SourceFault};
pub use trail::{Hop, Trail, TrailError, Verdict};

/// Most addresses that are followed: real chains have one to four, and a trail is kept with a delivery.
pub const MAX_HOPS: usize = 16;

/// Which proxies are believed, and which header they write.
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
    /// Where they are.
    pub networks: Networks,
    /// Where they write who called them; `None` if no header is believed.
    pub header: Option<ForwardingHeader>,
}

/// A header in which a proxy says who called it.
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
    /// Its name in lower case, as in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// Its name as people write it.
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

impl FromStr for ForwardingHeader {
    type Err = UnknownForwardingHeader;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::XForwardedFor, Self::Forwarded]
            .into_iter()
            .find(|header| header.as_str() == text)
            .ok_or(UnknownForwardingHeader)
    }
}

/// The text names no forwarding header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be x-forwarded-for or forwarded")]
pub struct UnknownForwardingHeader;

/// The lines of a request's forwarding headers, in the order in which they came.
pub trait ForwardingFields {
    /// The values of the lines with this name. A header may stand several times, and means the same as one line then.
    fn lines(&self, header: ForwardingHeader) -> impl DoubleEndedIterator<Item = &[u8]>;
}

/// Lines with the header that each belongs to.
impl ForwardingFields for [(ForwardingHeader, &[u8])] {
    fn lines(&self, header: ForwardingHeader) -> impl DoubleEndedIterator<Item = &[u8]> {
        let of_header = move |line: &&(ForwardingHeader, &[u8])| line.0 == header;
        self.iter().filter(of_header).map(|line| line.1)
    }
}

/// Where a connection came from.
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
    /// The address that its PROXY header names, if it sent one that names one.
    pub proxied: Option<IpAddr>,
}

impl Connection {
    /// A connection without a PROXY header.
    #[must_use]
    pub const fn from_peer(peer: IpAddr) -> Self {
        Self { peer, proxied: None }
    }
}

/// Who says what is said in a step of the walk.
///
/// ```
/// assert_eq!(hookgate_domain::Witness::Connection.to_string(), "the connection");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Witness {
    /// The TCP connection itself.
    Connection,
    /// Its PROXY header.
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
    /// Whether what this address says of its own callers is believed.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        self.networks.holds(address)
    }

    /// Whose request it is. Allocates nothing.
    #[must_use]
    pub fn client(&self, connection: Connection, fields: &(impl ForwardingFields + ?Sized)) -> Source {
        self.walk(connection, fields, &mut None)
    }

    /// How [`Self::client`] came to its answer: the same walk, with every step noted.
    #[must_use]
    pub fn trail(&self, connection: Connection, fields: &(impl ForwardingFields + ?Sized)) -> Trail {
        let mut hops = Some(Vec::new());
        self.walk(connection, fields, &mut hops);
        Trail::of(hops.unwrap_or_default())
    }

    fn walk(
        &self,
        connection: Connection,
        fields: &(impl ForwardingFields + ?Sized),
        notes: &mut Option<Vec<Hop>>,
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

    /// Follows the header that counts. The other one must agree, if it is there: a proxy that passes on what its callers
    /// wrote would otherwise let them choose.
    fn follow(
        &self,
        header: ForwardingHeader,
        speaker: Speaker,
        fields: &(impl ForwardingFields + ?Sized),
        notes: &mut Option<Vec<Hop>>,
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
        notes: &mut Option<Vec<Hop>>,
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

    /// Notes headers that are there and don't count: their sender is told why nothing came of them.
    fn note_disregarded(
        &self,
        speaker: Speaker,
        fields: &(impl ForwardingFields + ?Sized),
        notes: &mut Option<Vec<Hop>>,
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

/// The last address that is known, and who named it.
#[derive(Clone, Copy)]
struct Speaker {
    by: Witness,
    address: IpAddr,
}

impl Speaker {
    fn trusted(self, notes: &mut Option<Vec<Hop>>) {
        note(notes, self.by, Verdict::Trusted(self.address));
    }

    fn client(self, notes: &mut Option<Vec<Hop>>) -> Source {
        note(notes, self.by, Verdict::Client(self.address));
        Source::from(self.address)
    }

    /// A trusted proxy that does not say who called it where it should.
    fn silent(self, by: Witness, fault: SourceFault, notes: &mut Option<Vec<Hop>>) -> Source {
        self.trusted(notes);
        self.fault(by, fault, notes)
    }

    fn fault(self, by: Witness, fault: SourceFault, notes: &mut Option<Vec<Hop>>) -> Source {
        note(notes, by, Verdict::Fault(fault));
        Source::unknown(self.address, fault)
    }
}

fn note(notes: &mut Option<Vec<Hop>>, by: Witness, verdict: Verdict) {
    if let Some(notes) = notes {
        notes.push(Hop { by, verdict });
    }
}
