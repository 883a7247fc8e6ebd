//! Listeners: accept, one look at the first byte, handshake, and off to the connection. Everything here has a bound, and
//! whoever waits holds a permit.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::Connection;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::connection::{Peer, Protocols};
use crate::handshake::HandshakeFailure;
use crate::plaintext;
use crate::proxies::Proxies;
use crate::proxy_protocol;
use crate::service::{Protocol, Service};
use crate::shares::{Share, Shares};
use crate::shutdown::Signal;
use crate::tls::ALPN_H2;

/// Open connections of one listener, handshakes included. At some 40 KiB each they stay under 400 MiB; the next ones
/// wait in the kernel's queue.
pub const MAX_CONNECTIONS: u32 = 8_192;

/// The part of them that one source may hold. A proxy in front of everybody needs many; nobody needs all.
const SOURCE_PART: u32 = 4;

/// From accept to the end of the handshake: a few round trips.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Accepting fails when file descriptors run out. Trying again at once would spin; this is soon enough.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// A bound port that isn't served yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    front: Front,
    proxies: Arc<Proxies>,
    proxy_protocol: bool,
    max_connections: u32,
}

/// What stands behind the port.
#[derive(Clone)]
enum Front {
    Tls(TlsAcceptor, Arc<Protocols>),
    /// Nothing but the refusal of plain HTTP.
    Plain,
}

impl Listener {
    /// Binds an HTTPS port. Plain HTTP on it is refused in plain HTTP.
    ///
    /// # Errors
    ///
    /// When the address can't be bound.
    pub async fn bind(address: SocketAddr, tls: Arc<ServerConfig>) -> io::Result<Self> {
        let front = Front::Tls(TlsAcceptor::from(tls), Arc::new(Protocols::new()));
        Self::bind_front(address, front).await
    }

    /// Binds a port that only refuses: for senders that would otherwise find plain HTTP silently closed.
    ///
    /// # Errors
    ///
    /// When the address can't be bound.
    pub async fn bind_plain(address: SocketAddr) -> io::Result<Self> {
        Self::bind_front(address, Front::Plain).await
    }

    /// Takes fewer connections than [`MAX_CONNECTIONS`], but at least one.
    #[must_use]
    pub fn max_connections(mut self, count: u32) -> Self {
        self.max_connections = count.clamp(1, MAX_CONNECTIONS);
        self
    }

    /// Closes connections that have no request for this long.
    #[must_use]
    pub fn idle_timeout(mut self, idle_timeout: Duration) -> Self {
        if let Front::Tls(_, protocols) = &mut self.front {
            Arc::make_mut(protocols).set_idle_timeout(idle_timeout);
        }
        self
    }

    /// Trusts these proxies: they hold as many connections as they need, and if `proxy_protocol` is set, each of theirs
    /// begins with a PROXY header. From anybody else such a header is taken for what it is: no TLS.
    #[must_use]
    pub fn behind(mut self, proxies: Arc<Proxies>, proxy_protocol: bool) -> Self {
        (self.proxies, self.proxy_protocol) = (proxies, proxy_protocol);
        self
    }

    /// The address that was bound, with its real port.
    ///
    /// # Errors
    ///
    /// When the system doesn't tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop` is given, then closes the port, lets every connection finish, and returns when the last one
    /// has ended: at the latest when the drain's time is over, or a handshake's after it.
    pub async fn serve<S: Service>(self, service: Arc<S>, mut stop: Signal) {
        let permits = Arc::new(Semaphore::new(self.max_connections as usize));
        let shares = Shares::new(self.max_connections.div_ceil(SOURCE_PART));
        loop {
            let arrival = select! {
                biased;
                () = stop.given() => break,
                arrival = accept(&self.socket, &permits) => arrival,
            };
            let peer = arrival.peer;
            let (front, service, stop) = (self.front.clone(), Arc::clone(&service), stop.clone());
            if self.proxies.trust(peer) {
                let (shares, announces) = (Arc::clone(&shares), self.proxy_protocol);
                let proxies = Arc::clone(&self.proxies);
                tokio::spawn(async move {
                    let mut stream = arrival.stream;
                    if let Some((connection, share)) = introduced(&mut stream, peer, announces, &shares).await
                    {
                        let peer = Peer::of(connection, &proxies);
                        front.serve(stream, connection, peer, service, stop).await;
                        drop((share, arrival.permit));
                    }
                });
            } else if let Some(share) = shares.take(peer) {
                tokio::spawn(async move {
                    let connection = Connection::from_peer(peer);
                    let stream = arrival.stream;
                    front.serve(stream, connection, Peer::Sender, service, stop).await;
                    drop((share, arrival.permit));
                });
            } else {
                tracing::debug!(source = %peer, "a source has its share of connections; one more was closed");
            }
        }
        drop(self.socket);
        // Every connection gives its permit back, also one that panicked. An error would mean a closed semaphore, and
        // this one is never closed.
        let _ = permits.acquire_many(self.max_connections).await;
    }

    async fn bind_front(address: SocketAddr, front: Front) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self {
            socket,
            front,
            proxies: Arc::default(),
            proxy_protocol: false,
            max_connections: MAX_CONNECTIONS,
        })
    }
}

struct Arrival {
    stream: TcpStream,
    peer: IpAddr,
    permit: OwnedSemaphorePermit,
}

/// The next connection, once there is a permit for it. One future, so that a shutdown interrupts any part of it.
async fn accept(socket: &TcpListener, permits: &Arc<Semaphore>) -> Arrival {
    loop {
        let Ok(permit) = Arc::clone(permits).acquire_owned().await else {
            return std::future::pending().await;
        };
        match socket.accept().await {
            Ok((stream, peer)) => {
                return Arrival {
                    stream,
                    peer: peer.ip().to_canonical(),
                    permit,
                };
            }
            // The peer's doing, not a lack of ours.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_BACK_OFF).await;
            }
        }
    }
}

/// Whose connection a trusted proxy brings, if it says so, and that one's share. `None` ends it: a proxy that should say
/// and doesn't is none that can be believed.
async fn introduced(
    stream: &mut TcpStream,
    proxy: IpAddr,
    announces: bool,
    shares: &Arc<Shares>,
) -> Option<(Connection, Option<Share>)> {
    let mut connection = Connection::from_peer(proxy);
    if !announces {
        return Some((connection, None));
    }
    match proxy_protocol::read(stream).await {
        Ok(proxied) => connection.proxied = proxied,
        Err(error) => {
            tracing::warn!(%proxy, %error, "a connection of a trusted proxy was closed");
            return None;
        }
    }
    let Some(client) = connection.proxied else {
        return Some((connection, None));
    };
    let share = shares.take(client)?;
    Some((connection, Some(share)))
}

impl Front {
    async fn serve<S: Service>(
        self,
        stream: TcpStream,
        connection: Connection,
        peer: Peer,
        service: Arc<S>,
        stop: Signal,
    ) {
        // Answers are small and whole, so waiting to fill packets would only delay them.
        let _ = stream.set_nodelay(true);
        let (acceptor, protocols) = match self {
            Self::Plain => return refuse_plain(stream, connection, &*service).await,
            Self::Tls(acceptor, protocols) => (acceptor, protocols),
        };
        match timeout(HANDSHAKE_TIMEOUT, open(stream, acceptor)).await {
            Ok(Ok(Opened::Tls(stream))) => {
                let protocol = match stream.get_ref().1.alpn_protocol() {
                    Some(ALPN_H2) => Protocol::Http2,
                    _ => Protocol::Http1,
                };
                protocols
                    .serve(stream, protocol, connection, peer, service, stop)
                    .await;
            }
            Ok(Ok(Opened::PlainHttp(stream))) => refuse_plain(stream, connection, &*service).await,
            Ok(Ok(Opened::Neither)) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "a handshake failed");
                service.handshake_failed(HandshakeFailure::of(&error), connection.peer);
            }
            Err(_) => service.handshake_failed(HandshakeFailure::TimedOut, connection.peer),
        }
    }
}

/// Refuses plain HTTP. It is rare and needs much room, so it has its own on the heap and makes no connection larger.
fn refuse_plain<'a, S: Service>(
    stream: TcpStream,
    connection: Connection,
    service: &'a S,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    Box::pin(plaintext::refuse(stream, connection, service))
}

enum Opened {
    Tls(Box<TlsStream<TcpStream>>),
    PlainHttp(TcpStream),
    Neither,
}

/// Tells TLS from plain HTTP by the first byte, which stays in the socket, and does the handshake.
async fn open(stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<Opened> {
    let mut first = [0];
    let seen = stream.peek(&mut first).await?;
    match first[0] {
        TLS_HANDSHAKE if seen == 1 => acceptor
            .accept(stream)
            .await
            .map(|stream| Opened::Tls(Box::new(stream))),
        letter if letter.is_ascii_alphabetic() => Ok(Opened::PlainHttp(stream)),
        _ => Ok(Opened::Neither),
    }
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tls(..) => "Tls",
            Self::Plain => "Plain",
        })
    }
}
