//! HTTP/1.1 over one TLS connection, written by hand, so that no library's work is part of a measurement.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::{Outcome, tls};

/// Longest time for an answer. A server that needs more has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most header fields of an answer.
const MOST_FIELDS: usize = 32;
/// Initial size of a buffer; it grows for a longer answer.
const ROOM: usize = 4 * 1024;

/// The requests to send, and the expected status of every answer.
pub(crate) struct Requests {
    address: SocketAddr,
    paths: Vec<String>,
    next: Cell<usize>,
    method: &'static str,
    /// All bytes after the request line: header fields and body.
    rest: Vec<u8>,
    status: u16,
}

impl Requests {
    pub(crate) fn new(
        address: SocketAddr,
        paths: Vec<String>,
        body: Option<Vec<u8>>,
        fields: &[String],
        status: u16,
    ) -> Self {
        let mut head = vec!["Host: localhost".to_owned()];
        head.extend_from_slice(fields);
        if let Some(body) = &body {
            head.push("Content-Type: application/json".to_owned());
            head.push(format!("Content-Length: {}", body.len()));
        }
        let head = head.join("\r\n") + "\r\n\r\n";
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut rest = head.into_bytes();
        rest.extend(body.into_iter().flatten());
        Self {
            address,
            paths,
            next: Cell::new(0),
            method,
            rest,
            status,
        }
    }

    /// Writes the next request into the buffer, in place of its content.
    fn write_next(&self, buffer: &mut Vec<u8>, close: bool) {
        let number = self.next.get();
        self.next.set((number + 1) % self.paths.len());
        buffer.clear();
        for part in [self.method, " ", &self.paths[number], " HTTP/1.1\r\n"] {
            buffer.extend_from_slice(part.as_bytes());
        }
        if close {
            buffer.extend_from_slice(b"Connection: close\r\n");
        }
        buffer.extend_from_slice(&self.rest);
    }
}

/// An open connection.
pub(crate) struct Session {
    stream: TlsStream<TcpStream>,
    output: Vec<u8>,
    input: Vec<u8>,
}

impl Session {
    /// Connects, from the address `source` if there is one.
    pub(crate) async fn open(
        requests: &Requests,
        config: &Arc<ClientConfig>,
        source: Option<Ipv4Addr>,
    ) -> Outcome<Self> {
        let opening = async {
            let socket = TcpSocket::new_v4()?;
            if let Some(source) = source {
                socket.bind(SocketAddr::new(IpAddr::V4(source), 0))?;
            }
            let stream = socket.connect(requests.address).await?;
            stream.set_nodelay(true)?;
            tls::connect(config, stream).await
        };
        Ok(Self {
            stream: timeout(PATIENCE, opening).await.map_err(|_| "no handshake")??,
            output: Vec::with_capacity(ROOM),
            input: Vec::with_capacity(ROOM),
        })
    }

    /// `true` if the handshake resumed an earlier TLS session.
    pub(crate) fn is_resumed(&self) -> bool {
        self.stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }

    /// Sends the next request and checks its answer. The connection stays open.
    pub(crate) async fn exchange(&mut self, requests: &Requests) -> Outcome<()> {
        if self.send(requests, false).await? {
            return Err("the server closed a connection that should stay".into());
        }
        Ok(())
    }

    /// Sends the last request of the connection, checks its answer and closes.
    pub(crate) async fn exchange_last(mut self, requests: &Requests) -> Outcome<()> {
        self.send(requests, true).await?;
        // The server was asked to close and may have closed first.
        let _ = self.stream.shutdown().await;
        Ok(())
    }

    /// Sends a request and checks its answer. Returns `true` if the server closes after it.
    async fn send(&mut self, requests: &Requests, close: bool) -> Outcome<bool> {
        requests.write_next(&mut self.output, close);
        self.stream.write_all(&self.output).await?;
        self.stream.flush().await?;
        let answer = timeout(PATIENCE, self.answer())
            .await
            .map_err(|_| "no answer")??;
        if answer.status != requests.status {
            let text = String::from_utf8_lossy(&self.input);
            return Err(format!("expected {}, was answered {text}", requests.status).into());
        }
        Ok(answer.closes)
    }

    /// Reads one whole answer.
    async fn answer(&mut self) -> Outcome<Answer> {
        self.input.clear();
        loop {
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err("the connection ended before the answer".into());
            }
            let Some(answer) = Answer::parse(&self.input)? else {
                continue;
            };
            while self.input.len() < answer.bytes {
                if self.stream.read_buf(&mut self.input).await? == 0 {
                    return Err("the connection ended inside of an answer".into());
                }
            }
            return Ok(answer);
        }
    }
}

/// The parts of an answer that are checked.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    /// Length of head and body.
    bytes: usize,
    closes: bool,
}

impl Answer {
    /// Parses an answer; `None` if the head is not complete yet.
    fn parse(input: &[u8]) -> Outcome<Option<Self>> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(head) = response.parse(input)? else {
            return Ok(None);
        };
        let field = |name: &str| {
            let mut fields = response.headers.iter();
            fields
                .find(|field| field.name.eq_ignore_ascii_case(name))
                .and_then(|field| std::str::from_utf8(field.value).ok())
        };
        let length = field("content-length").ok_or("an answer without a length")?;
        Ok(Some(Self {
            status: response.code.ok_or("an answer without a status")?,
            bytes: head + length.parse::<usize>()?,
            closes: field("connection").is_some_and(|word| word.eq_ignore_ascii_case("close")),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_stands_on_the_wire() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let paths = vec!["/a".to_owned(), "/b".to_owned()];
        let requests = Requests::new(
            address,
            paths,
            Some(b"{}".to_vec()),
            &["X-One: 1".to_owned()],
            201,
        );
        let mut buffer = Vec::new();
        requests.write_next(&mut buffer, false);
        requests.write_next(&mut buffer, true);
        let expected = "POST /b HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\nX-One: 1\r\n\
                        Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(buffer).unwrap(), expected);
    }

    #[test]
    fn an_answer_is_known_once_its_head_is_whole() {
        let text = b"HTTP/1.1 410 Gone\r\ncontent-length: 5\r\nConnection: close\r\n\r\n12345";
        assert_eq!(Answer::parse(&text[..30]).unwrap(), None);
        let answer = Answer::parse(&text[..text.len() - 5]).unwrap().unwrap();
        assert_eq!(
            (answer.status, answer.bytes, answer.closes),
            (410, text.len(), true)
        );
        assert!(Answer::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
