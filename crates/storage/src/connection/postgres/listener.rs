//! Notices from other nodes that a URL changed. They only save time: a node that misses one finds out at its
//! next commit or refusal.

use std::fmt::Write;
use std::future::poll_fn;
use std::time::Duration;

use hookgate_domain::WebhookIdDigest;
use tokio::sync::mpsc::Sender;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Config, NoTls, Socket};

use super::{Address, ConnectError, tls};

/// The channel of changed URLs.
pub(crate) const CHANNEL: &str = "hookgate_urls";
/// Pause before a lost subscription is renewed.
const PAUSE: Duration = Duration::from_secs(1);

/// Passes on changed URLs until the receiver is closed.
pub(crate) async fn listen(address: Address, changed: Sender<WebhookIdDigest>) {
    loop {
        let ended = tokio::select! {
            () = changed.closed() => return,
            ended = receive_notices(&address, &changed) => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "notices of changed URLs from other nodes are interrupted");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn receive_notices(address: &Address, changed: &Sender<WebhookIdDigest>) -> Result<(), ConnectError> {
    let config = address.driver_config();
    match &address.tls {
        Some(roots) => receive_notices_on(&config, tls::connector(roots)?, changed).await,
        None => receive_notices_on(&config, NoTls, changed).await,
    }
}

async fn receive_notices_on<T>(
    config: &Config,
    tls: T,
    changed: &Sender<WebhookIdDigest>,
) -> Result<(), ConnectError>
where
    T: MakeTlsConnect<Socket, TlsConnect: Send, Stream: Send + 'static>,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, mut connection) = config.connect(tls).await?;
    let pass_on = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notice) = message?
                && let Some(digest) = read_digest(notice.payload())
            {
                // A full queue does no harm: the node finds out at its next commit or refusal.
                let _ = changed.try_send(digest);
            }
        }
        Ok(())
    };
    let subscribe = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        // Keeps the client, because the connection ends with it.
        std::future::pending::<Result<(), ConnectError>>().await
    };
    tokio::select! {
        ended = pass_on => ended,
        failed = subscribe => failed,
    }
}

/// A digest as hexadecimal text.
pub(crate) fn digest_text(digest: &WebhookIdDigest) -> String {
    digest.as_bytes().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read_digest(text: &str) -> Option<WebhookIdDigest> {
    let bytes = (0..text.len()).step_by(2).map(|at| {
        let pair = text.get(at..at + 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    Some(WebhookIdDigest::from_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_comes_back_and_anything_else_does_not() {
        let digest = WebhookIdDigest::from_bytes(std::array::from_fn(|byte| u8::try_from(byte * 8).unwrap()));
        let text = digest_text(&digest);
        assert_eq!(read_digest(&text).unwrap().as_bytes(), digest.as_bytes());
        for other in ["", "0", "zz", &text[2..], &format!("{text}00"), "é"] {
            assert!(read_digest(other).is_none(), "{other}");
        }
    }
}
