//! Rate limit for log lines that a flood must not multiply: one line of a kind a minute, with the number of lines left
//! out before it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Minimum time between two lines of the same kind. A day of one kind is under a megabyte of log.
pub const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// The rate limit of one kind of log line. Lines that strangers can cause repeatedly need one.
#[derive(Debug, Default)]
pub struct LogInterval {
    began: OnceLock<Instant>,
    /// Time from which the next line may be written, in milliseconds after `began`.
    next: AtomicU64,
    left_out: AtomicU64,
}

impl LogInterval {
    /// A rate limit under which no line was logged yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            began: OnceLock::new(),
            next: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }
    }

    /// If a line may be written now, returns the number of lines left out since the last one. The next line may follow
    /// after [`LOG_INTERVAL`].
    pub fn line(&self) -> Option<u64> {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let now = millis(self.began.get_or_init(Instant::now).elapsed());
        let next = self.next.load(Ordering::Relaxed);
        let later = now.saturating_add(millis(LOG_INTERVAL));
        let is_ours = now >= next
            && self
                .next
                .compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_ours {
            Some(self.left_out.swap(0, Ordering::Relaxed))
        } else {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn there_is_one_line_a_minute_that_counts_the_others() {
        let interval = LogInterval::new();
        let lines = [(); 4].map(|()| interval.line());
        assert_eq!(lines, [Some(0), None, None, None]);
        tokio::time::sleep(LOG_INTERVAL).await;
        assert_eq!([interval.line(), interval.line()], [Some(3), None]);
    }
}
