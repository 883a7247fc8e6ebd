//! Raw bytes out, answers in: the view of a peer without an HTTP library.

use std::time::Duration;

use hookgate_testkit::https::TlsStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Maximum waiting time of a test. It is never nearly reached, so a busy machine makes no difference.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// An answer of HTTP/1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status of a success, the code of a refusal.
    pub(crate) summary: String,
    /// `true` if the answer says that the connection closes.
    pub(crate) closes: bool,
}

/// Writes the pieces, each in a TLS record of its own, and reads to the end meanwhile. `then_end` closes our side after
/// them. `None` if the other side doesn't close.
pub(crate) async fn talk<'a>(
    stream: TlsStream<TcpStream>,
    pieces: impl Iterator<Item = &'a [u8]>,
    then_end: bool,
) -> Option<Vec<u8>> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let write = async {
        for piece in pieces {
            // The server may have closed already; its earlier answers count.
            let _ = writer.write_all(piece).await;
            let _ = writer.flush().await;
        }
        if then_end {
            let _ = writer.shutdown().await;
        }
    };
    let (bytes, ()) = tokio::join!(read(&mut reader), write);
    bytes
}

/// All received bytes until the other side closes; `None` if it does not.
pub(crate) async fn read(reader: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // A reset is an end too; the bytes before it count.
    let ended = timeout(PATIENCE, reader.read_to_end(&mut bytes)).await;
    ended.is_ok().then_some(bytes)
}

/// The answers in these bytes.
pub(crate) fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {}", bytes.escape_ascii()));
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        bytes = &bytes[end + 4..];
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let length = field("content-length: ").map_or(0, |length| length.parse().unwrap());
        // The answer to a HEAD announces a body that it does not have.
        let is_bodiless = bytes.is_empty() || bytes.starts_with(b"HTTP/1.");
        let (body, rest) = bytes.split_at(if is_bodiless { 0 } else { length });
        let body = String::from_utf8_lossy(body);
        bytes = rest;
        let code = body
            .split_once("\"code\":\"")
            .and_then(|(_, code)| code.split('"').next());
        let status = head.split(' ').nth(1).unwrap_or_default();
        answers.push(Answer {
            summary: code.unwrap_or(status).to_owned(),
            closes: field("connection: ") == Some("close"),
        });
    }
    answers
}
