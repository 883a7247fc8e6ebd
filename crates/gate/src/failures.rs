//! What sources send to a webhook and nobody can use: wrong signatures, bodies that are no payload, bodies that never end. It
//! counts by source and webhook, so that a stranger neither uses up the webhook's rate limit nor what other sources may fail.
//!
//! Beyond it, what the source sends to the webhook is checked one at a time. It is not refused unread: a sender may have the
//! same address as a stranger, behind one gateway, and what it signs has to pass.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hookgate_domain::{RefusalCode, Timestamp, WebhookHandle};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use crate::memory_budget::WebhookQuota;
use crate::rate_limiter::{Allowance, RateLimiters};

/// Bytes that count as one cell. A failure is at least one, for its head and the work on it.
const CELL: usize = 4 * 1024;
/// What a source may fail at once at one webhook, and within each minute after that: 16 MiB, or 4,096 small deliveries. A
/// misconfigured sender stays far below, and hashing and reading that much takes a fraction of a percent of a core.
const ALLOWANCE: Allowance = Allowance::new(4_096, Duration::from_mins(1));
/// Pairs of webhook and source remembered. Who is forgotten starts anew, so this bounds memory.
const MAX_REMEMBERED: usize = 10_000;
/// How long a delivery of such a source waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// For so long after a failure of anybody, deliveries to a webhook are asked whether their source has failed too much.
const WATCHED: Duration = Duration::from_mins(3);

/// How much of what each source sent to a webhook has failed lately.
pub(crate) struct Failures(RateLimiters<WebhookHandle>);

impl Default for Failures {
    fn default() -> Self {
        Self(RateLimiters::new(MAX_REMEMBERED))
    }
}

impl Failures {
    /// The turn to be checked, where too much of what the source sent to the webhook has failed. To be kept until it is known
    /// whether this fails too.
    ///
    /// # Errors
    /// How long the source should wait, if none is free for long.
    pub(crate) async fn turn<'s>(
        &self,
        share: &'s WebhookQuota,
        webhook: WebhookHandle,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Option<SemaphorePermit<'s>>, Duration> {
        let Some(wait) = self.wait(share, webhook, source, now) else {
            return Ok(None);
        };
        // On the heap, because it is rare: it makes no delivery larger.
        match Box::pin(timeout(PATIENCE, share.suspects.acquire())).await {
            Ok(Ok(turn)) => Ok(Some(turn)),
            // Closed by nobody.
            Ok(Err(_)) | Err(_) => Err(wait),
        }
    }

    /// How long the source should wait, if too much of what it sent to the webhook has failed. Where nothing fails, that is one
    /// look at a number.
    fn wait(
        &self,
        share: &WebhookQuota,
        webhook: WebhookHandle,
        source: IpAddr,
        now: Timestamp,
    ) -> Option<Duration> {
        let failed_at = Timestamp::from_micros(share.failed_at.load(Ordering::Relaxed));
        if now.since(failed_at) > WATCHED {
            return None;
        }
        self.0.wait(&webhook, source, ALLOWANCE, now)
    }

    /// Counts a failure after so many bytes of body.
    pub(crate) fn count(
        &self,
        share: &WebhookQuota,
        webhook: WebhookHandle,
        source: IpAddr,
        bytes: usize,
        now: Timestamp,
    ) {
        let cells = u32::try_from(bytes / CELL).unwrap_or(u32::MAX).saturating_add(1);
        share.failed_at.store(now.as_micros(), Ordering::Relaxed);
        self.0.add(&webhook, source, ALLOWANCE, cells, now);
    }
}

/// Whether a refusal says that the body was of no use: the sender's doing, known only after something of it came.
pub(crate) const fn is_failure(code: RefusalCode) -> bool {
    matches!(
        code,
        RefusalCode::SignatureInvalid
            | RefusalCode::InvalidJson
            | RefusalCode::ValidationError
            | RefusalCode::UnsupportedMediaType
            | RefusalCode::PayloadTooLarge
            | RefusalCode::RequestTimeout
            | RefusalCode::BadRequest
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn webhook(seed: u8) -> WebhookHandle {
        WebhookHandle::new(NOW, [seed; 10])
    }

    fn waits(failures: &Failures, share: &WebhookQuota, webhook: WebhookHandle, source: &str) -> bool {
        let source = source.parse().unwrap();
        failures.wait(share, webhook, source, NOW).is_some()
    }

    #[test]
    fn a_source_that_fails_waits_and_nobody_else_does() {
        let (failures, share) = (Failures::default(), WebhookQuota::default());
        let fail = |bytes| failures.count(&share, webhook(1), "192.0.2.1".parse().unwrap(), bytes, NOW);
        for _ in 0..15 {
            fail(1024 * 1024);
        }
        assert!(!waits(&failures, &share, webhook(1), "192.0.2.1"));
        fail(1024 * 1024);
        assert!(waits(&failures, &share, webhook(1), "192.0.2.1"));
        assert!(waits(&failures, &share, webhook(1), "::ffff:192.0.2.1"));
        assert!(!waits(&failures, &share, webhook(1), "192.0.2.2"));
        assert!(!waits(&failures, &share, webhook(2), "192.0.2.1"));
        let source = "192.0.2.1".parse().unwrap();
        let later = NOW.after(Duration::from_mins(1));
        assert_eq!(failures.wait(&share, webhook(1), source, later), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_too_much_is_checked_one_at_a_time() {
        let (failures, share) = (Failures::default(), WebhookQuota::default());
        let turn = |source: &str| failures.turn(&share, webhook(1), source.parse().unwrap(), NOW);
        failures.count(
            &share,
            webhook(1),
            "192.0.2.1".parse().unwrap(),
            64 * 1024 * 1024,
            NOW,
        );
        let first = turn("192.0.2.1").await.unwrap();
        assert!(first.is_some());
        assert!(turn("192.0.2.1").await.is_err(), "nobody waits for ever");
        assert!(turn("192.0.2.2").await.unwrap().is_none(), "others don't wait");
        drop(first);
        assert!(turn("192.0.2.1").await.unwrap().is_some());
    }

    #[test]
    fn small_failures_count_too_and_so_do_all_networks_of_a_customer() {
        let (failures, share) = (Failures::default(), WebhookQuota::default());
        for host in 0..4 * 4_096 {
            let source = format!("2001:db8:0:{:x}::1", host % 1_024).parse().unwrap();
            failures.count(&share, webhook(1), source, 0, NOW);
        }
        assert!(waits(&failures, &share, webhook(1), "2001:db8:0:ffff::1"));
        assert!(!waits(&failures, &share, webhook(1), "2001:db8:1::1"));
    }
}
