//! Health of a store beyond the gate's port: a test write, and the size. The kind of store is not known here.

use std::error::Error as _;
use std::pin::Pin;
use std::time::Duration;

use hookgate_gate::{LogInterval, StoreError};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// Log interval for failed probes.
static NOT_READY: LogInterval = LogInterval::new();

/// Minimum interval between two probes: a probe costs an fsync, and monitoring systems ask more rarely.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Timeout of a probe. Monitoring systems wait no longer, and a store that is this slow serves no sender.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// A boxed future of a store's answer.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Health checks of a store.
pub trait StoreHealth: Send + Sync {
    /// Writes a small value, and returns when it is on disk.
    fn write(&self) -> BoxFuture<'_, ()>;

    /// Size of the database on disk, in bytes.
    fn bytes(&self) -> BoxFuture<'_, u64>;
}

/// The last probe of a store. Concurrent requests, and requests soon after, share its result.
#[derive(Debug, Default)]
pub(crate) struct WriteProbe(Mutex<Option<(Instant, bool)>>);

impl WriteProbe {
    /// Returns `true` if `attempt` succeeded, now or within the last [`PROBE_INTERVAL`].
    pub(crate) async fn passes(&self, attempt: impl Future<Output = Result<(), StoreError>> + Send) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, passed)) = *last
            && at.elapsed() < PROBE_INTERVAL
        {
            return passed;
        }
        // The request may be dropped during the probe. The time is set before, so that the next request doesn't begin
        // another probe immediately.
        *last = Some((Instant::now(), last.is_some_and(|(_, passed)| passed)));
        let passed = match timeout(PROBE_TIMEOUT, attempt).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                if let Some(left_out) = NOT_READY.line() {
                    let source = error.source().map(tracing::field::display);
                    tracing::warn!(%error, source, left_out, "not ready");
                }
                false
            }
            Err(_) => {
                if let Some(left_out) = NOT_READY.line() {
                    tracing::warn!(waited = ?PROBE_TIMEOUT, left_out, "not ready: the store does not answer");
                }
                false
            }
        };
        *last = Some((Instant::now(), passed));
        passed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn full() -> Result<(), StoreError> {
        Err(StoreError::Unavailable {
            what: "write",
            source: None,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_is_shared_for_a_second() {
        let (probe, tries) = (WriteProbe::default(), AtomicUsize::new(0));
        let attempt = async |outcome| {
            tries.fetch_add(1, Ordering::Relaxed);
            outcome
        };
        assert!(!probe.passes(attempt(full())).await);
        assert!(!probe.passes(attempt(Ok(()))).await, "it is the last one's");
        assert_eq!(tries.load(Ordering::Relaxed), 1);
        tokio::time::sleep(PROBE_INTERVAL).await;
        assert!(probe.passes(attempt(Ok(()))).await);
        assert!(probe.passes(attempt(full())).await);
        assert_eq!(tries.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_has_failed() {
        let probe = WriteProbe::default();
        let begun = Instant::now();
        assert!(!probe.passes(std::future::pending()).await);
        assert_eq!(begun.elapsed(), PROBE_TIMEOUT);
    }
}
