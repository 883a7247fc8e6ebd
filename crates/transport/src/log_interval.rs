//! Log lines that a flood must not multiply: one of a kind a minute.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Time between two lines of the same kind.
pub(crate) const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// When the next line of one kind may be written.
#[derive(Debug)]
pub(crate) struct LogInterval {
    began: Instant,
    /// Milliseconds after `began`.
    next: AtomicU64,
}

impl Default for LogInterval {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            next: AtomicU64::new(0),
        }
    }
}

impl LogInterval {
    /// Whether a line may be written now. If so, the next one may after [`LOG_INTERVAL`].
    pub(crate) fn may_log(&self) -> bool {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let now = millis(self.began.elapsed());
        let next = self.next.load(Ordering::Relaxed);
        let later = now.saturating_add(millis(LOG_INTERVAL));
        now >= next
            && self
                .next
                .compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn there_is_one_line_a_minute() {
        let interval = LogInterval::default();
        assert!(interval.may_log() && !interval.may_log());
        tokio::time::sleep(LOG_INTERVAL).await;
        assert!(interval.may_log() && !interval.may_log());
    }
}
