//! A peer that speaks HTTP/2 frame by frame.

use std::io;

use hookgate_testkit::https::{Http, TlsStream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::{sleep, sleep_until};

use crate::answers::PATIENCE;
use crate::frames::{HEAD, Kind, PREFACE};
use crate::stage::Target;

/// A connection after the preface.
pub(crate) struct Peer {
    reader: ReadHalf<TlsStream<TcpStream>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
}

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The server ended it, with this code of a GOAWAY if it sent one.
    ByServer(Option<u32>),
    /// It did not.
    ByUs,
}

impl Peer {
    pub(crate) async fn connect(target: &Target) -> io::Result<Self> {
        let stream = target.client.tls(target.address, Http::Two).await;
        let (reader, mut writer) = tokio::io::split(stream.map_err(io::Error::other)?);
        writer.write_all(PREFACE).await?;
        Ok(Self { reader, writer })
    }

    /// Writes `burst(0)`, `burst(1)` and so on until the server ends the connection. Incoming bytes are read.
    pub(crate) async fn flood(self, mut burst: impl FnMut(u32) -> Vec<u8>) -> Ended {
        let Self {
            mut reader,
            mut writer,
        } = self;
        let write = async {
            for number in 0.. {
                if writer.write_all(&burst(number)).await.is_err() {
                    break;
                }
            }
            // The reader is told the same and maybe more.
            std::future::pending::<()>().await;
        };
        select! {
            code = read(&mut reader) => Ended::ByServer(code),
            () = write => Ended::ByUs,
            () = sleep(PATIENCE) => Ended::ByUs,
        }
    }

    /// Writes, and then reads nothing until the end of the attack.
    pub(crate) async fn stall(mut self, target: &Target, bytes: &[u8]) -> Ended {
        let _ = self.writer.write_all(bytes).await;
        sleep_until(target.until).await;
        Ended::ByUs
    }
}

/// Reads until the server ends the connection; returns the code of a GOAWAY if there was one.
async fn read(reader: &mut (impl AsyncRead + Unpin)) -> Option<u32> {
    let mut code = None;
    while let Ok((kind, payload)) = next_frame(reader).await {
        if kind == Kind::GoAway as u8 {
            code = payload[4..8].try_into().ok().map(u32::from_be_bytes);
        }
    }
    code
}

async fn next_frame(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; HEAD];
    reader.read_exact(&mut head).await?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    reader.read_exact(&mut payload).await?;
    Ok((head[3], payload))
}
