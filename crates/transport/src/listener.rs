//! Listeners: accept, one look at the first byte, handshake, and off to the connection. Everything here has a bound;
//! `admission` has the one on connections.

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

use crate::admission::{Admission, Admitted};
use crate::connection::{Origin, Peer, Protocols};
use crate::connection_activity::{ConnectionActivity, IDLE_TIMEOUT};
use crate::handshake::HandshakeFailure;
use crate::plaintext;
use crate::proxies::Proxies;
use crate::proxy_protocol;
use crate::service::{Protocol, Service};
use crate::shutdown::Signal;
use crate::tls::ALPN_H2;

/// Proxies that don't say whose connection they bring.
static UNPROXIED: LogInterval = LogInterval::new();

/// Open connections of one listener, handshakes included. At some 40 KiB each they stay under 400 MiB. Beyond three
/// quarters of them those without a request make room.
pub const MAX_CONNECTIONS: u32 = 8_192;

/// From accept to the end of the handshake: a few round trips.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Accepting fails when file descriptors run out. Trying again at once would spin; this is soon enough.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

/// The same where a connection makes room, which takes a moment.
const ROOM_IS_MADE: Duration = Duration::from_millis(5);

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// A bound port that isn't served yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    front: ListenerMode,
    proxies: Arc<Proxies>,
    proxy_protocol: bool,
    idle_timeout: Duration,
    admission: Arc<Admission>,
}

/// What stands behind the port.
#[derive(Clone)]
enum ListenerMode {
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
        let front = ListenerMode::Tls(TlsAcceptor::from(tls), Arc::new(Protocols::new()));
        Self::bind_front(address, front).await
    }

    /// Binds a port that only refuses: for senders that would otherwise find plain HTTP silently closed.
    ///
    /// # Errors
    ///
    /// When the address can't be bound.
    pub async fn bind_plain(address: SocketAddr) -> io::Result<Self> {
        Self::bind_front(address, ListenerMode::Plain).await
    }

    /// Is called so in logs and metrics.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.admission = Admission::new(name, self.admission.limit());
        self
    }

    /// Takes fewer connections than [`MAX_CONNECTIONS`], but at least one.
    #[must_use]
    pub fn max_connections(mut self, count: u32) -> Self {
        self.admission = Admission::new(self.admission.name(), count.clamp(1, MAX_CONNECTIONS));
        self
    }

    /// Closes connections that have no request for this long.
    #[must_use]
    pub const fn idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// Its connections, for whoever watches. Ask when everything else is set.
    #[must_use]
    pub fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.admission)
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
        loop {
            let arrival = select! {
                biased;
                () = stop.given() => break,
                arrival = self.arrival() => arrival,
            };
            let (front, service, stop) = (self.front.clone(), Arc::clone(&service), stop.clone());
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
                        // What it sent instead may have been a request without TLS.
                        return plaintext::look(stream, connection, &*service).await;
                    }
                    if !connection
                        .proxied
                        .is_none_or(|client| arrival.admitted.is_of(client))
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
                front
                    .serve(stream, origin, &arrival.admitted, service, stop)
                    .await;
            });
        }
        drop(self.socket);
        self.admission.all_ended().await;
    }

    /// The next connection that has a place. One future, so that a shutdown interrupts any part of it.
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

    async fn bind_front(address: SocketAddr, front: ListenerMode) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self {
            socket,
            front,
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
    /// Whether the peer is a trusted proxy.
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
            // The peer's doing, not a lack of ours.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                has_failed = true;
                let has_closed = admission.accept_failed(&error);
                sleep(if has_closed { ROOM_IS_MADE } else { ACCEPT_BACK_OFF }).await;
            }
        }
    }
}

/// Reads whose connection a trusted proxy brings. `false` ends it: a proxy that should say and doesn't is none that can be
/// believed.
async fn read_proxy_header(stream: &mut TcpStream, connection: &mut Connection) -> bool {
    let proxy = connection.peer;
    match proxy_protocol::read(stream).await {
        Ok(proxied) => {
            connection.proxied = proxied;
            true
        }
        Err(error) => {
            if let Some(left_out) = UNPROXIED.line() {
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
        stop: Signal,
    ) {
        // Answers are small and whole, so waiting to fill packets would only delay them.
        let _ = stream.set_nodelay(true);
        let activity = Arc::clone(&origin.activity);
        let opened = select! {
            biased;
            opened = self.open(stream, origin.connection, Arc::clone(&service)) => opened,
            () = activity.evicted() => return,
        };
        if let Some((stream, protocols)) = opened {
            admitted.is_established();
            activity.touch();
            let protocol = match stream.get_ref().1.alpn_protocol() {
                Some(ALPN_H2) => Protocol::Http2,
                _ => Protocol::Http1,
            };
            protocols.serve(stream, protocol, origin, service, stop).await;
        }
    }

    /// Does the handshake. Whatever does not speak TLS is refused here.
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
            Ok(Ok(Opened::Neither(stream))) => plaintext::look(stream, connection, &*service).await,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a handshake failed");
                service.handshake_failed(HandshakeFailure::of(&error), connection.peer);
            }
            Err(_) => service.handshake_failed(HandshakeFailure::TimedOut, connection.peer),
        }
        None
    }
}

/// Refuses plain HTTP. It is rare and needs much room, so it has its own on the heap and makes no connection larger.
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

/// Tells TLS from plain HTTP by the first byte, which stays in the socket, and does the handshake.
async fn open(stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<Opened> {
    let mut first = [0];
    let seen = stream.peek(&mut first).await?;
    match first[0] {
        TLS_HANDSHAKE if seen == 1 => acceptor
            .accept(stream)
            .await
            .map(|stream| Opened::Tls(Box::new(stream))),
        // Clients put empty lines before a request, and servers overlook them (RFC 9112 section 2.2).
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
