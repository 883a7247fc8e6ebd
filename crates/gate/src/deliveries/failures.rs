//! Counts deliveries that fail by the sender's fault after a part of the body has arrived: wrong signatures, invalid
//! payloads, bodies that never end. Failures count by source and webhook, so a stranger uses up neither the webhook's
//! rate limit nor the allowance of other sources.
//!
//! Above the limit, deliveries of the source to the webhook are checked one at a time. They are not refused unread: a
//! sender may share its address with a stranger, behind one gateway, and its signed deliveries must pass.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hookgate_domain::{RefusalCode, Timestamp, WebhookHandle};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::memory_budget::WebhookQuota;
use crate::rate_limiter::{Allowance, RateLimiters};

/// Bytes per cell of the rate limiter. A failure counts at least one cell, for its head and the work on it.
const CELL_BYTES: usize = 4 * 1024;
/// Failures of one source at one webhook: 16 MiB, or 4,096 small deliveries, at once and within each minute after that.
/// A misconfigured sender stays far below, and hashing and reading that much takes a fraction of a percent of a core.
const ALLOWANCE: Allowance = Allowance::new(4_096, Duration::from_mins(1));
/// Maximum number of pairs of webhook and source remembered. A forgotten pair starts anew, so this bounds memory.
const MAX_REMEMBERED: usize = 10_000;
/// Maximum wait of such a delivery for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// Time after the last failure at a webhook during which its deliveries are compared with the limit of their source.
const WATCH_TIME: Duration = Duration::from_mins(3);

/// The recent failures of each source at each webhook.
pub(crate) struct Failures(RateLimiters<WebhookHandle>);

impl Default for Failures {
    fn default() -> Self {
        Self(RateLimiters::new(ALLOWANCE, MAX_REMEMBERED))
    }
}

impl Failures {
    /// The permit to be checked, if the source has failed too much at the webhook; `None` if it has not. The caller
    /// must hold it until it is known whether this delivery fails too.
    ///
    /// # Errors
    /// The time that the source should wait, if no permit is free within [`TURN_TIMEOUT`].
    pub(crate) async fn turn<'s>(
        &self,
        quota: &'s WebhookQuota,
        webhook: WebhookHandle,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Option<SemaphorePermit<'s>>, Duration> {
        let Some(wait) = self.wait(quota, webhook, source, now) else {
            return Ok(None);
        };
        // On the heap, because it is rare and would make the future of every delivery larger.
        match Box::pin(timeout(TURN_TIMEOUT, quota.suspects.acquire())).await {
            Ok(Ok(turn)) => Ok(Some(turn)),
            // Nobody closes the semaphore.
            Ok(Err(_)) | Err(_) => Err(wait),
        }
    }

    /// The time that the source should wait, if it has failed too much at the webhook. Without recent failures at the
    /// webhook, this reads one atomic number.
    fn wait(
        &self,
        quota: &WebhookQuota,
        webhook: WebhookHandle,
        source: IpAddr,
        now: Timestamp,
    ) -> Option<Duration> {
        let failed_at = Timestamp::from_micros(quota.failed_at.load(Ordering::Relaxed));
        if now.since(failed_at) > WATCH_TIME {
            return None;
        }
        self.0.wait(&webhook, source, now)
    }

    /// Counts a failure after this many bytes of body.
    pub(crate) fn count(
        &self,
        quota: &WebhookQuota,
        webhook: WebhookHandle,
        source: IpAddr,
        bytes: usize,
        now: Timestamp,
    ) {
        let cells = u32::try_from(bytes / CELL_BYTES)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        quota.failed_at.store(now.as_micros(), Ordering::Relaxed);
        self.0.add(&webhook, source, cells, now);
    }
}

/// `true` for refusals because of the body: the sender's fault, known only after a part of the body has arrived.
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

    fn waits(failures: &Failures, quota: &WebhookQuota, webhook: WebhookHandle, source: &str) -> bool {
        let source = source.parse().unwrap();
        failures.wait(quota, webhook, source, NOW).is_some()
    }

    #[test]
    fn a_source_that_fails_waits_and_nobody_else_does() {
        let (failures, quota) = (Failures::default(), WebhookQuota::default());
        let fail = |bytes| failures.count(&quota, webhook(1), "192.0.2.1".parse().unwrap(), bytes, NOW);
        for _ in 0..15 {
            fail(1024 * 1024);
        }
        assert!(!waits(&failures, &quota, webhook(1), "192.0.2.1"));
        fail(1024 * 1024);
        assert!(waits(&failures, &quota, webhook(1), "192.0.2.1"));
        assert!(waits(&failures, &quota, webhook(1), "::ffff:192.0.2.1"));
        assert!(!waits(&failures, &quota, webhook(1), "192.0.2.2"));
        assert!(!waits(&failures, &quota, webhook(2), "192.0.2.1"));
        let source = "192.0.2.1".parse().unwrap();
        let later = NOW.after(Duration::from_mins(1));
        assert_eq!(failures.wait(&quota, webhook(1), source, later), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_too_much_is_checked_one_at_a_time() {
        let (failures, quota) = (Failures::default(), WebhookQuota::default());
        let turn = |source: &str| failures.turn(&quota, webhook(1), source.parse().unwrap(), NOW);
        failures.count(
            &quota,
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
        let (failures, quota) = (Failures::default(), WebhookQuota::default());
        for host in 0..4 * 4_096 {
            let source = format!("2001:db8:0:{:x}::1", host % 1_024).parse().unwrap();
            failures.count(&quota, webhook(1), source, 0, NOW);
        }
        assert!(waits(&failures, &quota, webhook(1), "2001:db8:0:ffff::1"));
        assert!(!waits(&failures, &quota, webhook(1), "2001:db8:1::1"));
    }
}
