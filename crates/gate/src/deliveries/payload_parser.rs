//! Reads payloads, and keeps large ones off the threads that serve everybody: reading a megabyte of tiny fields takes
//! tens of milliseconds, and many times its size in memory. The parser knows nothing of the meaning of a payload.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::{IncidentDraft, RefusalCode, SenderFormat};
use hookgate_senders::read_payload;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::memory_budget::WebhookQuota;
use crate::Refusal;

/// Size from which a payload is large. Below, the worst payload is read in a millisecond; payloads of common senders
/// stay under 20 KiB.
const LARGE_BYTES: usize = 32 * 1024;

/// Large payloads that are read at the same time: fifty of the worst kind a second. Each takes some 10 MiB while it is
/// read.
const LARGE_AT_ONCE: usize = 1;

/// Maximum wait of a large payload for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads payloads of all webhooks.
pub(crate) struct PayloadParser {
    turns: Arc<Semaphore>,
}

impl Default for PayloadParser {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
        }
    }
}

impl PayloadParser {
    /// The incident draft in a payload, or a refusal. Large payloads of one webhook wait for each other first, so that
    /// a flood of them delays those of other webhooks by one payload only.
    pub(crate) async fn read(
        &self,
        quota: &WebhookQuota,
        format: SenderFormat,
        payload: &Bytes,
        declared_json: bool,
    ) -> Result<IncidentDraft, Refusal> {
        if payload.len() < LARGE_BYTES {
            return Ok(read_payload(format, payload, declared_json)?);
        }
        let turns = async {
            let own = Arc::clone(&quota.turn).acquire_owned().await;
            (own, Arc::clone(&self.turns).acquire_owned().await)
        };
        // Nobody closes the semaphores: an error would mean that the gate is gone.
        let Ok((Ok(own), Ok(turn))) = timeout(TURN_TIMEOUT, turns).await else {
            return Err(RefusalCode::Unavailable.into());
        };
        let payload = payload.clone();
        let reading = spawn_blocking(move || {
            // The reading goes on if the sender leaves, so the permits move into it.
            let _turns = (own, turn);
            read_payload(format, &payload, declared_json)
        });
        match reading.await {
            Ok(read) => Ok(read?),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is being shut down.
            Err(_) => Err(RefusalCode::Unavailable.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(size: usize) -> Bytes {
        format!("{{\"title\":\"t\",\"x\":\"{}\"}}", "y".repeat(size)).into()
    }

    async fn read(parser: &PayloadParser, payload: &Bytes) -> Option<IncidentDraft> {
        read_of(parser, &WebhookQuota::default(), payload).await.ok()
    }

    async fn read_of(
        parser: &PayloadParser,
        quota: &WebhookQuota,
        payload: &Bytes,
    ) -> Result<IncidentDraft, RefusalCode> {
        let read = parser.read(quota, SenderFormat::Custom, payload, false).await;
        read.map_err(|refusal| refusal.code)
    }

    #[tokio::test]
    async fn large_payloads_are_read_like_small_ones() {
        let parser = PayloadParser::default();
        assert_eq!(
            read(&parser, &payload(LARGE_BYTES)).await,
            read(&parser, &payload(1)).await
        );
        let broken = payload(LARGE_BYTES).slice(..LARGE_BYTES);
        let refusal = read_of(&parser, &WebhookQuota::default(), &broken).await;
        assert_eq!(refusal.err(), Some(RefusalCode::InvalidJson));
    }

    #[tokio::test(start_paused = true)]
    async fn large_payloads_wait_for_their_turn_and_small_ones_do_not() {
        let parser = PayloadParser::default();
        let turns = parser
            .turns
            .acquire_many(u32::try_from(LARGE_AT_ONCE).unwrap())
            .await;
        assert!(read(&parser, &payload(1)).await.is_some());
        let large = payload(LARGE_BYTES);
        let refused = read_of(&parser, &WebhookQuota::default(), &large).await;
        assert_eq!(
            refused.err(),
            Some(RefusalCode::Unavailable),
            "nobody waits for ever"
        );
        drop(turns);
        assert!(read(&parser, &large).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn those_of_one_webhook_wait_for_each_other_and_nobody_else_does() {
        let (parser, busy, large) = (
            PayloadParser::default(),
            WebhookQuota::default(),
            payload(LARGE_BYTES),
        );
        let turn = Arc::clone(&busy.turn).acquire_owned().await;
        let refused = read_of(&parser, &busy, &large).await;
        assert_eq!(refused.err(), Some(RefusalCode::Unavailable));
        assert!(read(&parser, &large).await.is_some());
        drop(turn);
        assert!(read_of(&parser, &busy, &large).await.is_ok());
    }
}
