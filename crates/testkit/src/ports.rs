//! Ports of this machine for servers in other processes, which get them by their configuration.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use tokio::net::TcpSocket;

use crate::https::Outcome;

/// The sockets that reserve the ports.
static RESERVED: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());

/// Reserves a free port of 127.0.0.1 until this process ends.
///
/// A socket is bound to the port and does not listen. The system then gives the port neither to an outgoing connection
/// nor to a socket that asks for any free port, and refuses connections to it. A server can still listen on it by
/// number, again and again, because both sockets have `SO_REUSEADDR`.
///
/// # Errors
/// If no port is free.
pub fn reserve() -> Outcome<u16> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let port = socket.local_addr()?.port();
    let mut reserved = RESERVED.lock().unwrap_or_else(PoisonError::into_inner);
    reserved.push(socket);
    Ok(port)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_reserved_port_is_refused_until_a_server_listens_on_it() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, reserve().expect("a port")));
        for _ in 0..2 {
            let refused = TcpStream::connect(address).expect_err("nothing listens");
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let listener = TcpListener::bind(address).expect("the reserved port");
            TcpStream::connect(address).expect("a server");
            drop(listener);
        }
    }
}
