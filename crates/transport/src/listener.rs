//! Listeners: accept, one look at the first byte, handshake, and off to the connection. Everything here has a bound, and
//! whoever waits holds a permit.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::connection::Protocols;
use crate::plaintext;
use crate::service::{Protocol, Service, canonical};
use crate::shares::Shares;
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
            let Some(share) = shares.take(arrival.peer.ip()) else {
                tracing::debug!(source = %arrival.peer.ip(), "a source has its share of connections; one more was closed");
                continue;
            };
            let (front, service, stop) = (self.front.clone(), Arc::clone(&service), stop.clone());
            tokio::spawn(async move {
                front.serve(arrival.stream, arrival.peer, service, stop).await;
                drop((share, arrival.permit));
            });
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
            max_connections: MAX_CONNECTIONS,
        })
    }
}

struct Arrival {
    stream: TcpStream,
    peer: SocketAddr,
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
                    peer: canonical(peer),
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

impl Front {
    async fn serve<S: Service>(self, stream: TcpStream, peer: SocketAddr, service: Arc<S>, stop: Signal) {
        // Answers are small and whole, so waiting to fill packets would only delay them.
        let _ = stream.set_nodelay(true);
        let (acceptor, protocols) = match self {
            Self::Plain => return plaintext::refuse(stream, peer, &*service).await,
            Self::Tls(acceptor, protocols) => (acceptor, protocols),
        };
        match timeout(HANDSHAKE_TIMEOUT, open(stream, acceptor)).await {
            Ok(Ok(Opened::Tls(stream))) => {
                let protocol = match stream.get_ref().1.alpn_protocol() {
                    Some(ALPN_H2) => Protocol::Http2,
                    _ => Protocol::Http1,
                };
                protocols.serve(stream, protocol, peer, service, stop).await;
            }
            Ok(Ok(Opened::PlainHttp(stream))) => plaintext::refuse(stream, peer, &*service).await,
            Ok(Ok(Opened::Neither)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
            Err(_) => tracing::debug!("a handshake came too slowly"),
        }
    }
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
