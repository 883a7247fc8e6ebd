//! A TCP proxy with faults on demand: it cuts connections, refuses them, stalls, delays data, or connects to another
//! server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::https::Outcome;

/// Most bytes that are forwarded at once.
const CHUNK: usize = 16 * 1024;

/// The present behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mood {
    target: SocketAddr,
    /// Generation of connections: those of another one are cut.
    age: u64,
    is_refusing: bool,
    is_stalled: bool,
    /// Delay of all data.
    delay: Duration,
}

/// A TCP proxy in front of an address.
pub struct FaultProxy {
    address: SocketAddr,
    mood: Arc<watch::Sender<Mood>>,
    _accepting: JoinSet<()>,
}

impl FaultProxy {
    /// Starts a proxy that forwards to this address.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start(target: SocketAddr) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mood = Mood {
            target,
            age: 0,
            is_refusing: false,
            is_stalled: false,
            delay: Duration::ZERO,
        };
        let mood = Arc::new(watch::Sender::new(mood));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&mood)));
        Ok(Self {
            address,
            mood,
            _accepting: accepting,
        })
    }

    /// The proxy's own address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts all connections. New ones are accepted.
    pub fn cut(&self) {
        self.mood.send_modify(|mood| mood.age += 1);
    }

    /// Cuts all connections, and each new one, until [`heal`](Self::heal).
    pub fn refuse(&self) {
        self.mood.send_modify(|mood| {
            mood.age += 1;
            mood.is_refusing = true;
        });
    }

    /// Keeps connections open and forwards nothing until [`heal`](Self::heal).
    pub fn stall(&self) {
        self.mood.send_modify(|mood| mood.is_stalled = true);
    }

    /// Delays all data by `delay` until [`heal`](Self::heal).
    pub fn slow(&self, delay: Duration) {
        self.mood.send_modify(|mood| mood.delay = delay);
    }

    /// Ends the effect of [`refuse`](Self::refuse), [`stall`](Self::stall) and [`slow`](Self::slow).
    pub fn heal(&self) {
        self.mood.send_modify(|mood| {
            mood.is_refusing = false;
            mood.is_stalled = false;
            mood.delay = Duration::ZERO;
        });
    }

    /// Cuts all connections and forwards new ones to this address.
    pub fn retarget(&self, target: SocketAddr) {
        self.mood.send_modify(|mood| {
            mood.age += 1;
            mood.target = target;
        });
    }
}

async fn accept(listener: TcpListener, mood: Arc<watch::Sender<Mood>>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(pass(client, mood.subscribe()));
        while connections.try_join_next().is_some() {}
    }
}

/// Forwards data in both directions, as the present behaviour allows.
async fn pass(client: TcpStream, mut mood: watch::Receiver<Mood>) {
    let now = *mood.borrow_and_update();
    if now.is_refusing {
        return;
    }
    let Ok(server) = TcpStream::connect(now.target).await else {
        return;
    };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = copy(from_client, to_server, mood.clone()) => {}
        () = copy(from_server, to_client, mood.clone()) => {}
        _ = mood.wait_for(|mood| mood.age != now.age) => {}
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut mood: watch::Receiver<Mood>,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let Ok(read @ 1..) = from.read(&mut chunk).await else {
            return;
        };
        let delay = mood.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if mood.wait_for(|mood| !mood.is_stalled).await.is_err()
            || to.write_all(&chunk[..read]).await.is_err()
        {
            return;
        }
    }
}
