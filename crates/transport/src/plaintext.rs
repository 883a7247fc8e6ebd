//! Plain HTTP is refused, never redirected: a redirect would hide the mistake from the sender, and the URL has already
//! been exposed. The service learns of the request, so that the webhook can be flagged. The path is never logged.

mod prior_knowledge;
mod refusal;

use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use hookgate_domain::Connection;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::lingering_close::LingeringClose;
use crate::partial_head::PlainHttp;
use crate::service::{Exchange, Service};
use refusal::{REST_TIMEOUT, TIMEOUT};

/// Maximum number of bytes that are read: the request line and the fields of every known sender, and the beginning of a
/// body.
const MAX_SENT: u64 = 8 * 1024;

/// Reads one head, refuses it and closes.
pub(crate) async fn refuse<S, T>(mut stream: T, connection: Connection, service: Arc<S>)
where
    S: Service,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut sent = Vec::new();
    // A slow or broken head is answered like a complete one: the request line alone may have exposed the URL.
    let _ = timeout(TIMEOUT, read_head(&mut stream, &mut sent)).await;
    if sent.is_empty() {
        return;
    }
    if prior_knowledge::is_http2(&mut stream, &mut sent).await {
        return prior_knowledge::refuse(sent, stream, connection, service).await;
    }
    if !begins_like_http(&sent) {
        return report_ids_after(sent, stream, connection, &*service).await;
    }
    let exchange = Exchange {
        id: service.request_id(),
        connection,
    };
    let _ = timeout(TIMEOUT, async {
        let answer = refusal::answer(exchange.id).await.map_err(io::Error::other)?;
        stream.write_all(&answer).await?;
        stream.shutdown().await
    })
    .await;
    let head = sent.len();
    let seen = PlainHttp::of(&sent);
    if !seen.is_nothing() {
        service.plain_http(seen, &exchange).await;
    }
    // A body may hold an ID, too.
    let _ = timeout(REST_TIMEOUT, read_all(&mut stream, &mut sent)).await;
    if let Some(rest) = PlainHttp::of_rest(&sent, head) {
        service.plain_http(rest, &exchange).await;
    }
    let mut linger = LingeringClose::start();
    poll_fn(|cx| linger.poll(cx, &mut stream)).await;
}

/// Searches bytes that are neither TLS nor HTTP for webhook IDs, and reports those to the service. The peer gets no
/// answer.
pub(crate) async fn report_ids<S, T>(stream: T, connection: Connection, service: &S)
where
    S: Service,
    T: AsyncRead + Unpin + Send,
{
    report_ids_after(Vec::new(), stream, connection, service).await;
}

/// Like [`report_ids`], for a stream whose first bytes, `sent`, have been read.
async fn report_ids_after<S, T>(mut sent: Vec<u8>, mut stream: T, connection: Connection, service: &S)
where
    S: Service,
    T: AsyncRead + Unpin + Send,
{
    let _ = timeout(REST_TIMEOUT, read_all(&mut stream, &mut sent)).await;
    let seen = PlainHttp::of(&sent);
    if !seen.is_nothing() {
        let exchange = Exchange {
            id: service.request_id(),
            connection,
        };
        service.plain_http(seen, &exchange).await;
    }
}

/// Reads up to the empty line behind a head, or until the bytes can't become one. Empty lines before the head are
/// ignored, and a line may end without a CR, because the request is not processed.
async fn read_head<T: AsyncRead + Unpin>(stream: &mut T, sent: &mut Vec<u8>) -> io::Result<()> {
    let mut limited = stream.take(MAX_SENT);
    loop {
        let read = limited.read_buf(sent).await?;
        let head = without_empty_lines(sent);
        if read == 0 || (!head.is_empty() && !begins_like_http(head)) {
            return Ok(());
        }
        // HTTP/0.9 has one line and no version.
        let first_line = head
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|end| &head[..end]);
        let is_whole = first_line.is_some_and(|line| !line.windows(5).any(|word| word == b"HTTP/"));
        let fresh = &head[head.len().saturating_sub(read + 2)..];
        let is_empty_line = |lines: &[u8]| lines.ends_with(b"\n\r\n") || lines.ends_with(b"\n\n");
        if is_whole || (2..=fresh.len()).any(|end| is_empty_line(&fresh[..end])) {
            return Ok(());
        }
    }
}

fn without_empty_lines(sent: &[u8]) -> &[u8] {
    let start = sent.iter().position(|byte| !b"\r\n".contains(byte));
    start.map_or(&[], |start| &sent[start..])
}

/// `true` if this may be a request line, also behind empty lines.
fn begins_like_http(sent: &[u8]) -> bool {
    without_empty_lines(sent)
        .first()
        .is_some_and(u8::is_ascii_alphabetic)
}

/// Reads on up to the end or to [`MAX_SENT`].
async fn read_all<T: AsyncRead + Unpin>(stream: &mut T, sent: &mut Vec<u8>) -> io::Result<()> {
    let mut limited = stream.take(MAX_SENT.saturating_sub(sent.len() as u64));
    while limited.read_buf(sent).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// The bytes that `read_head` reads of these bytes.
    async fn head(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut client, mut server) = duplex(1);
        let all = pieces.concat();
        let writing = tokio::spawn(async move {
            let _ = client.write_all(&all).await;
            // The client stays open until the reader is done.
            client
        });
        let mut sent = Vec::new();
        read_head(&mut server, &mut sent).await.expect("bytes");
        writing.abort();
        sent
    }

    #[tokio::test]
    async fn a_head_ends_with_an_empty_line_and_may_begin_with_some() {
        for text in [
            "GET / HTTP/1.1\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "\n\nGET / HTTP/1.1\nhost: a\n\n",
            "GET / HTTP/1.1\r\n\n",
            "GET /\r\n",
        ] {
            let sent = head(&[text.as_bytes(), b"body"]).await;
            assert_eq!(sent, text.as_bytes(), "{text:?}");
        }
        let endless = vec![b'a'; 10_000];
        assert_eq!(head(&[&endless]).await.len(), 8_192);
        let proxied = b"\r\n\r\n\0\r\nQUIT\n";
        assert_eq!(
            head(&[proxied]).await,
            proxied[..5],
            "nothing like HTTP is waited for"
        );
    }
}
