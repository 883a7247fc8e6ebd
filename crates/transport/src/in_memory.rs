//! Connections in memory, for tests of services: the same path through guard and hyper, without TLS and without a
//! socket.

use std::net::IpAddr;
use std::sync::Arc;

use hookgate_domain::Connection;
use tokio::io::{DuplexStream, duplex};

use crate::CancellationToken;
use crate::connection::{Origin, Protocols};
use crate::connection_activity::{ConnectionActivity, IDLE_TIMEOUT};
use crate::peer::Peer;
use crate::protocol::Protocol;
use crate::reset_if_cut::Reset;
use crate::service::Service;

/// Bytes that each direction buffers.
const PIPE: usize = 64 * 1024;

impl Reset for DuplexStream {
    fn reset_on_close(&self) {}
}

/// Opens an HTTP/1 connection from the address `from` to `service`, and returns the client's end.
pub fn connect<S: Service>(service: Arc<S>, from: IpAddr) -> DuplexStream {
    let (client, server) = duplex(PIPE);
    let origin = Origin {
        connection: Connection::from_peer(from),
        peer: Peer::Sender,
        activity: Arc::new(ConnectionActivity::start(IDLE_TIMEOUT)),
    };
    tokio::spawn(async move {
        Protocols::new()
            .serve(server, Protocol::Http1, origin, service, CancellationToken::new())
            .await;
    });
    client
}
