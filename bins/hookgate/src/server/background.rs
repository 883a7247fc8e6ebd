//! Background work of a server: it receives changes, counts usage, prunes the history, and reads published lists.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_domain::address_set::AddressSet;
use hookgate_gate::{ActorContext, Gate, Retention, Store};
use hookgate_outbound::Fetcher;
use hookgate_storage::Database;
use hookgate_transport::{CancellationToken, Proxies};

use super::trusted::trusted;
use crate::config::FrontSettings;
use crate::failure::with_sources;

/// Interval of counting usage, for stores with many writing nodes.
const COUNT_INTERVAL: Duration = Duration::from_secs(2);
/// Interval of pruning the history.
const PRUNE_INTERVAL: Duration = Duration::from_mins(1);
/// Interval of measuring the history. It can exceed its limit by the deliveries of one interval.
const SIZE_INTERVAL: Duration = Duration::from_secs(2);
/// Growth since the last pruning that triggers the next one, as a divisor of the limit: with less growth, pruning could
/// remove nothing.
const GROWN_PART: u64 = 64;
/// Interval of checking for due published lists.
const LIST_INTERVAL: Duration = Duration::from_mins(1);
/// Interval of reading the address sets of trusted proxies.
const TRUST_INTERVAL: Duration = Duration::from_secs(10);
/// Pause between two slices of pruning, so that deliveries go first.
const PRUNE_PAUSE: Duration = Duration::from_millis(20);

/// Refreshes cached URLs that other nodes changed.
pub(super) async fn refresh(gate: Arc<Gate<Database>>, shutdown: CancellationToken) {
    let mut changed = gate.store().changed_urls();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            digest = changed.recv() => match digest {
                Some(digest) => gate.refresh(digest).await,
                None => return,
            },
        }
    }
}

/// Updates the trusted proxies from the address sets of a listener. On an error, the trusted proxies stay as they were.
pub(super) async fn keep_trusting(
    gate: Arc<Gate<Database>>,
    section: &'static str,
    (front, proxies): (FrontSettings, Arc<Proxies>),
    shutdown: CancellationToken,
) {
    while !front.sets.is_empty() {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(TRUST_INTERVAL) => {}
        }
        match trusted(&gate, section, &front).await {
            Ok(trusted) => proxies.set(trusted),
            Err(failure) => tracing::warn!(?failure, "trusted proxies stay as they were"),
        }
    }
}

/// Reads published lists that are due. One node claims each.
pub(super) async fn read_lists(
    gate: Arc<Gate<Database>>,
    fetcher: Arc<Fetcher>,
    refresh_after: Duration,
    shutdown: CancellationToken,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LIST_INTERVAL) => {}
        }
        let due = match gate.address_sets_due(refresh_after).await {
            Ok(due) => due,
            Err(error) => {
                tracing::debug!(
                    error = with_sources(&error),
                    "published lists could not be looked up"
                );
                continue;
            }
        };
        for set in due {
            // If the claim fails, another node reads it.
            let Ok(set) = gate.address_set_claim(set).await else {
                continue;
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = read_list(&gate, &fetcher, &set) => {}
            }
        }
    }
}

async fn read_list(gate: &Gate<Database>, fetcher: &Fetcher, set: &AddressSet) {
    let Some(url) = set.url() else {
        return;
    };
    let published = fetcher.get(url, set.reading.etag.as_deref()).await;
    let taken = gate
        .address_set_refresh(&ActorContext::system(), &set.name, published)
        .await;
    match taken {
        Ok(taken) => match (&taken.set.reading.fault, taken.set.pending) {
            (Some(fault), _) => {
                tracing::warn!(set = %set.name, fault = &**fault, "a published list could not be read; the last good one stays");
            }
            (None, Some(_)) if !taken.changes.is_empty() => {
                let is_shrinking = taken.changes.is_shrinking();
                tracing::warn!(set = %set.name, is_shrinking, "a new version of a published list would remove or add more than half and needs approval");
            }
            _ => {
                let (added, removed) = (taken.changes.added.len(), taken.changes.removed.len());
                tracing::debug!(set = %set.name, added, removed, "a published list was read");
            }
        },
        Err(error) => {
            tracing::warn!(set = %set.name, error = with_sources(&error), "a published list could not be imported; the version before stays active");
        }
    }
}

/// Keeps the usage counts up to date, so that no reader has to wait for them.
pub(super) async fn count(gate: Arc<Gate<Database>>, shutdown: CancellationToken) {
    while gate.store().needs_counting() {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(COUNT_INTERVAL) => {}
        }
        if let Err(error) = gate.store().count().await {
            tracing::debug!(error = with_sources(&error), "usage could not be counted");
        }
    }
}

/// Keeps the history within its limits, in small slices.
pub(super) async fn prune(gate: Arc<Gate<Database>>, retention: Retention, shutdown: CancellationToken) {
    loop {
        let now: Timestamp = gate.now();
        let is_done = match gate.store().history_prune(retention, now).await {
            Ok(pruned) if pruned.is_empty() => true,
            Ok(pruned) => {
                tracing::debug!(?pruned, "pruned the history");
                false
            }
            Err(error) => {
                tracing::warn!(error = with_sources(&error), "the history could not be pruned");
                true
            }
        };
        let pause = async {
            if is_done {
                // The timeout is not an error: pruning is due then anyway.
                let _ = tokio::time::timeout(PRUNE_INTERVAL, too_large(gate.store(), retention)).await;
            } else {
                tokio::time::sleep(PRUNE_PAUSE).await;
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = pause => {}
        }
    }
}

/// Waits until the history exceeds its limit, and has grown notably.
async fn too_large(store: &Database, retention: Retention) {
    let bound = retention.bytes.get();
    // An unknown size disables the check; pruning is due after its interval in any case.
    let now = store.history_bytes().await.unwrap_or(u64::MAX);
    let most = bound.max(now.saturating_add(bound / GROWN_PART));
    loop {
        tokio::time::sleep(SIZE_INTERVAL).await;
        if store.history_bytes().await.is_ok_and(|bytes| bytes > most) {
            return;
        }
    }
}
