//! Listeners: accept a connection, peek at its first byte, do the handshake, and serve it. Every step has a bound;
//! `admission` has the bound on connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::Connection;
use hookgate_log::LogInterval;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::admission::{Admission, Admitted};
use crate::connection::{Origin, Protocols};
use crate::connection_activity::{ConnectionActivity, IDLE_TIMEOUT};
use crate::handshake::HandshakeFailure;
use crate::peer::Peer;
use crate::plaintext;
use crate::protocol::Protocol;
use crate::proxies::Proxies;
use crate::proxy_protocol;
use crate::service::Service;
use crate::tls::ALPN_H2;

/// Log interval for trusted proxies without a valid PROXY header.
static NO_PROXY_HEADER: LogInterval = LogInterval::new();

/// Open connections of one listener, handshakes included. At some 40 KiB each they stay under 400 MiB. Above three
/// quarters, connections without a whole request are evicted for new ones.
pub const MAX_CONNECTIONS: u32 = 8_192;

/// Timeout from accept to the end of the handshake, which takes a few round trips.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Delay after a failed accept, as when file descriptors run out. Without a delay the loop would spin.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

/// The delay if connections are being evicted, which frees descriptors soon.
const EVICTION_BACK_OFF: Duration = Duration::from_millis(5);

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// A bound port that is not served yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    mode: ListenerMode,
    proxies: Arc<Proxies>,
    proxy_protocol: bool,
    idle_timeout: Duration,
    admission: Arc<Admission>,
}

/// The protocols of a port.
#[derive(Clone)]
enum ListenerMode {
    Tls(TlsAcceptor, Arc<Protocols>),
    /// Plain HTTP, which is only refused.
    Plain,
}

impl Listener {
    /// Binds an HTTPS port. Plain HTTP on it is refused in plain HTTP.
    ///
    /// # Errors
    ///
    /// If the address can't be bound.
    pub async fn bind(address: SocketAddr, tls: Arc<ServerConfig>) -> io::Result<Self> {
        let mode = ListenerMode::Tls(TlsAcceptor::from(tls), Arc::new(Protocols::new()));
        Self::bind_mode(address, mode).await
    }

    /// Binds a port that only refuses plain HTTP. Without it, a sender that uses plain HTTP would find a closed port
    /// and no reason.
    ///
    /// # Errors
    ///
    /// If the address can't be bound.
    pub async fn bind_plain(address: SocketAddr) -> io::Result<Self> {
        Self::bind_mode(address, ListenerMode::Plain).await
    }

    /// Sets the name in logs and metrics.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.admission = Admission::new(name, self.admission.limit());
        self
    }

    /// Lowers the limit on connections below [`MAX_CONNECTIONS`], to at least one.
    #[must_use]
    pub fn max_connections(mut self, count: u32) -> Self {
        self.admission = Admission::new(self.admission.name(), count.clamp(1, MAX_CONNECTIONS));
        self
    }

    /// Sets the time without a request after which a connection is closed.
    #[must_use]
    pub const fn idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// The connections of the listener, for metrics. Call it after all setters: `named` and `max_connections` replace
    /// it.
    #[must_use]
    pub fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.admission)
    }

    /// Trusts these proxies: they may hold as many connections as they need. If `proxy_protocol` is set, each of their
    /// connections begins with a PROXY header. From any other peer, such a header is refused as bytes without TLS.
    #[must_use]
    pub fn behind(mut self, proxies: Arc<Proxies>, proxy_protocol: bool) -> Self {
        (self.proxies, self.proxy_protocol) = (proxies, proxy_protocol);
        self
    }

    /// The bound address, with its real port.
    ///
    /// # Errors
    ///
    /// If the operating system does not return it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `shutdown` is cancelled. Then closes the port, lets every connection finish, and returns when the
    /// last one has ended: at the latest after the drain timeout, or a handshake timeout after it.
    pub async fn serve<S: Service>(self, service: Arc<S>, shutdown: CancellationToken) {
        loop {
            let arrival = select! {
                biased;
                () = shutdown.cancelled() => break,
                arrival = self.arrival() => arrival,
            };
            let (mode, service, shutdown) = (self.mode.clone(), Arc::clone(&service), shutdown.clone());
            let proxies = arrival.is_proxy.then(|| Arc::clone(&self.proxies));
            let expects_header = arrival.is_proxy && self.proxy_protocol;
            tokio::spawn(async move {
                let Arrival { mut stream, .. } = arrival;
                let mut connection = Connection::from_peer(arrival.peer);
                if expects_header {
                    let read_proxy_header = select! {
                        biased;
                        read_proxy_header = read_proxy_header(&mut stream, &mut connection) => read_proxy_header,
                        () = arrival.activity.evicted() => return,
                    };
                    if !read_proxy_header {
                        // Without a PROXY header, the bytes may be a request without TLS.
                        return plaintext::report_ids(stream, connection, &*service).await;
                    }
                    if !connection
                        .proxied
                        .is_none_or(|client| arrival.admitted.assign_client(client))
                    {
                        return;
                    }
                }
                let peer = proxies.map_or(Peer::Sender, |proxies| Peer::of(connection, &proxies));
                let origin = Origin {
                    connection,
                    peer,
                    activity: arrival.activity,
                };
                mode.serve(stream, origin, &arrival.admitted, service, shutdown)
                    .await;
            });
        }
        drop(self.socket);
        self.admission.all_ended().await;
    }

    /// The next admitted connection. It is one future, so that a shutdown interrupts every part of it.
    async fn arrival(&self) -> Arrival {
        loop {
            let (stream, peer) = accept(&self.socket, &self.admission).await;
            let is_proxy = self.proxies.trust(peer);
            let activity = Arc::new(ConnectionActivity::start(self.idle_timeout));
            let source = (!is_proxy).then_some(peer);
            if let Some(admitted) = self.admission.admit(source, &activity).await {
                return Arrival {
                    stream,
                    peer,
                    is_proxy,
                    activity,
                    admitted,
                };
            }
        }
    }

    async fn bind_mode(address: SocketAddr, mode: ListenerMode) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self {
            socket,
            mode,
            proxies: Arc::default(),
            proxy_protocol: false,
            idle_timeout: IDLE_TIMEOUT,
            admission: Admission::new("gate", MAX_CONNECTIONS),
        })
    }
}

struct Arrival {
    stream: TcpStream,
    peer: IpAddr,
    /// `true` if the peer is a trusted proxy.
    is_proxy: bool,
    activity: Arc<ConnectionActivity>,
    admitted: Admitted,
}

/// The next connection and its peer.
async fn accept(socket: &TcpListener, admission: &Admission) -> (TcpStream, IpAddr) {
    let mut has_failed = false;
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                if has_failed {
                    admission.accept_succeeded();
                }
                return (stream, peer.ip().to_canonical());
            }
            // The peer aborted it; this server lacks nothing.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                has_failed = true;
                let has_closed = admission.accept_failed(&error);
                sleep(if has_closed {
                    EVICTION_BACK_OFF
                } else {
                    ACCEPT_BACK_OFF
                })
                .await;
            }
        }
    }
}

/// Reads the PROXY header of a trusted proxy into `connection`. Returns `false` if there is no valid one: the
/// connection is closed, because its source is unknown.
async fn read_proxy_header(stream: &mut TcpStream, connection: &mut Connection) -> bool {
    let proxy = connection.peer;
    match proxy_protocol::read(stream).await {
        Ok(proxied) => {
            connection.proxied = proxied;
            true
        }
        Err(error) => {
            if let Some(left_out) = NO_PROXY_HEADER.line() {
                tracing::warn!(%proxy, %error, left_out, "a connection of a trusted proxy was closed");
            }
            false
        }
    }
}

impl ListenerMode {
    async fn serve<S: Service>(
        self,
        stream: TcpStream,
        origin: Origin,
        admitted: &Admitted,
        service: Arc<S>,
        shutdown: CancellationToken,
    ) {
        // Answers are small and written whole, so Nagle's algorithm would only delay them.
        let _ = stream.set_nodelay(true);
        let activity = Arc::clone(&origin.activity);
        let opened = select! {
            biased;
            opened = self.open(stream, origin.connection, Arc::clone(&service)) => opened,
            () = activity.evicted() => return,
        };
        if let Some((stream, protocols)) = opened {
            admitted.mark_established();
            activity.touch();
            let protocol = match stream.get_ref().1.alpn_protocol() {
                Some(ALPN_H2) => Protocol::Http2,
                _ => Protocol::Http1,
            };
            protocols.serve(stream, protocol, origin, service, shutdown).await;
        }
    }

    /// Does the handshake. A peer that does not speak TLS is refused.
    async fn open<S: Service>(
        self,
        stream: TcpStream,
        connection: Connection,
        service: Arc<S>,
    ) -> Option<(Box<TlsStream<TcpStream>>, Arc<Protocols>)> {
        let (acceptor, protocols) = match self {
            Self::Plain => {
                refuse_plain(stream, connection, service).await;
                return None;
            }
            Self::Tls(acceptor, protocols) => (acceptor, protocols),
        };
        match timeout(HANDSHAKE_TIMEOUT, open(stream, acceptor)).await {
            Ok(Ok(Opened::Tls(stream))) => return Some((stream, protocols)),
            Ok(Ok(Opened::PlainHttp(stream))) => refuse_plain(stream, connection, service).await,
            Ok(Ok(Opened::Neither(stream))) => plaintext::report_ids(stream, connection, &*service).await,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a handshake failed");
                service.handshake_failed(HandshakeFailure::of(&error), connection.peer);
            }
            Err(_) => service.handshake_failed(HandshakeFailure::TimedOut, connection.peer),
        }
        None
    }
}

/// Refuses plain HTTP. The future is rare and large, so it is boxed and does not enlarge every connection.
fn refuse_plain<S: Service>(
    stream: TcpStream,
    connection: Connection,
    service: Arc<S>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(plaintext::refuse(stream, connection, service))
}

enum Opened {
    Tls(Box<TlsStream<TcpStream>>),
    PlainHttp(TcpStream),
    Neither(TcpStream),
}

/// Peeks at the first byte to tell TLS from plain HTTP, and does the handshake.
async fn open(stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<Opened> {
    let mut first = [0];
    let seen = stream.peek(&mut first).await?;
    match first[0] {
        TLS_HANDSHAKE if seen == 1 => acceptor
            .accept(stream)
            .await
            .map(|stream| Opened::Tls(Box::new(stream))),
        // Clients may send empty lines before a request, and servers ignore them (RFC 9112 section 2.2).
        letter if letter.is_ascii_alphabetic() || b"\r\n".contains(&letter) => Ok(Opened::PlainHttp(stream)),
        _ => Ok(Opened::Neither(stream)),
    }
}

impl std::fmt::Debug for ListenerMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tls(..) => "Tls",
            Self::Plain => "Plain",
        })
    }
}
