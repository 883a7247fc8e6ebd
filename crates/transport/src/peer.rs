//! The two kinds of peers: senders, and the proxies in front of them.

use hookgate_domain::Connection;

use crate::proxies::Proxies;

/// The kind of peer of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A sender: all requests are its own.
    Sender,
    /// A trusted proxy: the requests are those of all senders behind it.
    Proxy,
}

impl Peer {
    /// The kind of peer of a connection. With a PROXY header, the address in it counts, which may be a trusted proxy in
    /// turn.
    pub(crate) fn of(connection: Connection, proxies: &Proxies) -> Self {
        let speaker = connection.proxied.unwrap_or(connection.peer);
        if proxies.trust(speaker.to_canonical()) {
            Self::Proxy
        } else {
            Self::Sender
        }
    }
}
