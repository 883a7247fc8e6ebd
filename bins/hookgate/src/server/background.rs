//! What a server does beside answering: it hears of changes, counts, prunes, and reads published lists.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::{AddressSet, Timestamp};
use hookgate_gate::{ActorContext, Gate, Retention, Store};
use hookgate_outbound::Fetcher;
use hookgate_storage::Database;
use hookgate_transport::Proxies;
use hookgate_transport::shutdown::Signal;

use super::trusted::trusted;
use crate::config::FrontSettings;
use crate::failure::with_sources;

/// How often usage is counted where many nodes write.
const COUNT_INTERVAL: Duration = Duration::from_secs(2);
/// How often the history is pruned.
const PRUNE_INTERVAL: Duration = Duration::from_mins(1);
/// How often it is looked whether it has grown too large since: what comes between two looks is what it may be too large by.
const SIZE_INTERVAL: Duration = Duration::from_secs(2);
/// The part of its bound that it has to have grown by: below, nothing could be removed, and trying again helps nobody.
const GROWN_PART: u64 = 64;
/// How often it is looked whether a published list is due.
const LIST_INTERVAL: Duration = Duration::from_mins(1);
/// How often the sets of trusted proxies are looked at.
const TRUST_INTERVAL: Duration = Duration::from_secs(10);
/// Pause between two slices of pruning, so that deliveries go first.
const PRUNE_PAUSE: Duration = Duration::from_millis(20);

/// Looks at URLs again that other nodes changed.
pub(super) async fn refresh(gate: Arc<Gate<Database>>, mut stop: Signal) {
    let mut changed = gate.store().changed_urls();
    loop {
        tokio::select! {
            () = stop.given() => return,
            digest = changed.recv() => match digest {
                Some(digest) => gate.refresh(digest).await,
                None => return,
            },
        }
    }
}

/// Trusts what the address sets of a listener hold now. If that can't be told, those that were trusted stay.
pub(super) async fn keep_trusting(
    gate: Arc<Gate<Database>>,
    section: &'static str,
    (front, proxies): (FrontSettings, Arc<Proxies>),
    mut stop: Signal,
) {
    while !front.sets.is_empty() {
        tokio::select! {
            () = stop.given() => return,
            () = tokio::time::sleep(TRUST_INTERVAL) => {}
        }
        match trusted(&gate, section, &front).await {
            Ok(trusted) => proxies.set(trusted),
            Err(failure) => tracing::warn!(?failure, "trusted proxies stay as they were"),
        }
    }
}

/// Reads published lists again when they are due. One node reads each.
pub(super) async fn read_lists(
    gate: Arc<Gate<Database>>,
    fetcher: Arc<Fetcher>,
    refresh_after: Duration,
    mut stop: Signal,
) {
    loop {
        tokio::select! {
            () = stop.given() => return,
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
            // Whoever else has it reads it.
            let Ok(set) = gate.address_set_claim(set).await else {
                continue;
            };
            tokio::select! {
                () = stop.given() => return,
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
                tracing::warn!(set = %set.name, is_shrinking, "a new version of a published list would remove or add more than half: somebody has to approve it");
            }
            _ => {
                let (added, removed) = (taken.changes.added.len(), taken.changes.removed.len());
                tracing::debug!(set = %set.name, added, removed, "a published list was read");
            }
        },
        Err(error) => {
            tracing::warn!(set = %set.name, error = with_sources(&error), "a published list could not be taken up; the last good one stays");
        }
    }
}

/// Keeps the counts of usage close to what came, so that nobody has to wait for them.
pub(super) async fn count(gate: Arc<Gate<Database>>, mut stop: Signal) {
    while gate.store().is_counted_by_chore() {
        tokio::select! {
            () = stop.given() => return,
            () = tokio::time::sleep(COUNT_INTERVAL) => {}
        }
        if let Err(error) = gate.store().count().await {
            tracing::debug!(error = with_sources(&error), "usage could not be counted");
        }
    }
}

/// Keeps the history within its bounds, in small slices.
pub(super) async fn prune(gate: Arc<Gate<Database>>, retention: Retention, mut stop: Signal) {
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
                // By then it is due anyway.
                let _ = tokio::time::timeout(PRUNE_INTERVAL, too_large(gate.store(), retention)).await;
            } else {
                tokio::time::sleep(PRUNE_PAUSE).await;
            }
        };
        tokio::select! {
            () = stop.given() => return,
            () = pause => {}
        }
    }
}

/// Waits until the history is larger than its bound, and notably larger than now.
async fn too_large(store: &Database, retention: Retention) {
    let bound = retention.bytes.get();
    // What can't be measured is looked at again later.
    let now = store.history_bytes().await.unwrap_or(u64::MAX);
    let most = bound.max(now.saturating_add(bound / GROWN_PART));
    loop {
        tokio::time::sleep(SIZE_INTERVAL).await;
        if store.history_bytes().await.is_ok_and(|bytes| bytes > most) {
            return;
        }
    }
}
