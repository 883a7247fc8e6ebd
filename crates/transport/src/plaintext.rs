//! Plain HTTP is refused, never redirected: a redirect would teach the sender nothing, and the URL has already travelled
//! in the clear. The service learns of it, so that the webhook can be flagged. The path never goes to a log.

use std::future::poll_fn;
use std::time::Duration;

use hookgate_domain::{Connection, RefusalCode, RequestId};
use http_body_util::BodyExt;
use hyper::header::STRICT_TRANSPORT_SECURITY;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::linger::Linger;
use crate::reply::{self, Reply};
use crate::request_id::header_value;
use crate::service::{Exchange, Service};
use crate::sighting::sighting;

/// Enough for the request line and `User-Agent` of every known sender.
const MAX_HEAD: usize = 8 * 1024;

/// For the head, and again for the answer. Nobody is served here, so nobody is waited for.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Reads one head, refuses it and closes.
pub(crate) async fn refuse<S, T>(mut stream: T, connection: Connection, service: &S)
where
    S: Service,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut head = Vec::new();
    // A slow or broken head is answered like a whole one: the request line alone may have given the URL away.
    let _ = timeout(TIMEOUT, read_head(&mut stream, &mut head)).await;
    if head.is_empty() {
        return;
    }
    let exchange = Exchange {
        id: service.request_id(),
        connection,
    };
    let answer = answer(exchange.id).await;
    let _ = timeout(TIMEOUT, async {
        stream.write_all(&answer).await?;
        stream.shutdown().await
    })
    .await;
    if let Some((path, user_agent)) = sighting(&head) {
        service.plain_http(path, user_agent, &exchange).await;
    }
    let mut linger = Linger::start();
    poll_fn(|cx| linger.poll(cx, &mut stream)).await;
}

async fn read_head<T: AsyncRead + Unpin>(stream: &mut T, head: &mut Vec<u8>) -> std::io::Result<()> {
    let mut limited = stream.take(MAX_HEAD as u64);
    loop {
        let searched = head.len().saturating_sub(3);
        let read = limited.read_buf(head).await?;
        if read == 0 || head[searched..].windows(4).any(|window| window == b"\r\n\r\n") {
            return Ok(());
        }
    }
}

/// The refusal as bytes. No `Strict-Transport-Security`, which RFC 6797 section 7.2 forbids on plain HTTP.
async fn answer(id: RequestId) -> Vec<u8> {
    let code = RefusalCode::HttpsRequired;
    let mut refusal: Reply = reply::refusal(code);
    refusal.headers_mut().remove(STRICT_TRANSPORT_SECURITY);
    refusal
        .headers_mut()
        .insert(reply::X_REQUEST_ID, header_value(id));
    let (parts, body) = refusal.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {}\r\n", parts.status).into_bytes();
    for (name, value) in &parts.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
        .extend_from_slice(format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(&body);
    bytes
}
