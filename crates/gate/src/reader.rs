//! Reads payloads, and keeps the large ones off the threads that serve everybody: reading a megabyte of tiny fields takes
//! tens of milliseconds, and many times its size in memory. It knows nothing of what a payload means.

use std::sync::Arc;

use bytes::Bytes;
use hookgate_domain::{IncidentDraft, RefusalCode, SenderFormat};
use hookgate_senders::read_payload;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::Refusal;

/// From here on a payload is large. Below, the worst one is read in a millisecond; senders' own stay under 20 KiB.
const LARGE: usize = 32 * 1024;

/// Large payloads read at the same time: fifty of the worst kind a second. Each takes some 10 MiB while it is read.
const AT_ONCE: usize = 1;

/// Reads payloads, whoever they are from.
pub(crate) struct Reader {
    turns: Arc<Semaphore>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Reader {
    /// The incident draft in a payload, or why there is none.
    pub(crate) async fn read(
        &self,
        format: SenderFormat,
        payload: &Bytes,
        declared_json: bool,
    ) -> Result<IncidentDraft, Refusal> {
        if payload.len() < LARGE {
            return Ok(read_payload(format, payload, declared_json)?);
        }
        // Closed by nobody; an error would mean that the gate is gone.
        let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else {
            return Err(RefusalCode::Unavailable.into());
        };
        let payload = payload.clone();
        let reading = spawn_blocking(move || {
            // A sender that leaves doesn't end the reading, so the turn goes with it.
            let _turn = turn;
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
    use tokio::time::timeout;

    use super::*;

    fn payload(size: usize) -> Bytes {
        format!("{{\"title\":\"t\",\"x\":\"{}\"}}", "y".repeat(size)).into()
    }

    async fn read(reader: &Reader, payload: &Bytes) -> Option<IncidentDraft> {
        reader.read(SenderFormat::Custom, payload, false).await.ok()
    }

    #[tokio::test]
    async fn large_payloads_are_read_like_small_ones() {
        let reader = Reader::default();
        assert_eq!(
            read(&reader, &payload(LARGE)).await,
            read(&reader, &payload(1)).await
        );
        let broken = payload(LARGE).slice(..LARGE);
        let refusal = reader.read(SenderFormat::Custom, &broken, false).await;
        assert_eq!(
            refusal.map_err(|refusal| refusal.code).err(),
            Some(RefusalCode::InvalidJson)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn large_payloads_wait_for_their_turn_and_small_ones_do_not() {
        let reader = Reader::default();
        let turns = reader.turns.acquire_many(u32::try_from(AT_ONCE).unwrap()).await;
        assert!(read(&reader, &payload(1)).await.is_some());
        let (large, long) = (payload(LARGE), std::time::Duration::from_mins(1));
        assert!(timeout(long, read(&reader, &large)).await.is_err());
        drop(turns);
        assert!(read(&reader, &large).await.is_some());
    }
}
