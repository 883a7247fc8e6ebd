//! Bounds of the refusals that wait for the writer. A webhook may take a part of what is left for all, so
//! that a webhook with few refusals finds room while others are flooded. Accepted deliveries have bounds of
//! their own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hookgate_domain::WebhookHandle;

/// Bytes of the payloads of refusals that may wait: they store little of them. Accepted deliveries may have
/// four times as many.
const WAITING_REFUSAL_BYTES: usize = 8 * 1024 * 1024;
/// Part of what is left that a webhook may take: a single one takes a quarter of all, as many as it has
/// records in a minute, and ten such leave some for others.
const WEBHOOK_PART: usize = 3;

/// Places and bytes of the refusals that wait.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<State>);

#[derive(Default)]
struct State {
    bytes: usize,
    /// No more than there are refusals that wait.
    webhooks: HashMap<WebhookHandle, Used>,
}

#[derive(Clone, Copy, Default)]
struct Used {
    places: usize,
    bytes: usize,
}

impl Refusals {
    /// Takes a place for a refusal. `None` if its webhook has its part, with `free` places left. The place
    /// has bytes for payload and headers if the webhook has not taken its part of those too.
    pub(crate) fn take(
        self: &Arc<Self>,
        webhook: WebhookHandle,
        bytes: usize,
        free: usize,
    ) -> Option<QueuedRefusal> {
        let mut state = self.lock();
        let used = state.webhooks.get(&webhook).copied().unwrap_or_default();
        if used.places * WEBHOOK_PART >= free {
            return None;
        }
        let left = WAITING_REFUSAL_BYTES.saturating_sub(state.bytes + bytes);
        let bytes = if (used.bytes + bytes) * WEBHOOK_PART <= left {
            bytes
        } else {
            0
        };
        state.bytes += bytes;
        let used = state.webhooks.entry(webhook).or_default();
        used.places += 1;
        used.bytes += bytes;
        let refusals = Arc::clone(self);
        Some(QueuedRefusal {
            refusals,
            webhook,
            bytes,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a refusal that waits, released on drop.
pub(crate) struct QueuedRefusal {
    refusals: Arc<Refusals>,
    webhook: WebhookHandle,
    /// Bytes that the refusal may keep; 0 if there was no room.
    pub(crate) bytes: usize,
}

impl Drop for QueuedRefusal {
    fn drop(&mut self) {
        let mut state = self.refusals.lock();
        state.bytes -= self.bytes;
        if let Some(used) = state.webhooks.get_mut(&self.webhook) {
            used.places -= 1;
            used.bytes -= self.bytes;
            if used.places == 0 {
                state.webhooks.remove(&self.webhook);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hookgate_testkit::samples::webhook;

    use super::*;

    /// Takes all the places that it gets, with `all` places in all.
    fn flood(
        refusals: &Arc<Refusals>,
        number: u16,
        bytes: usize,
        all: usize,
        held: &mut Vec<QueuedRefusal>,
    ) -> usize {
        let before = held.len();
        while let Some(slot) = refusals.take(webhook(number).handle, bytes, all - held.len()) {
            held.push(slot);
        }
        held.len() - before
    }

    #[test]
    fn webhooks_that_are_refused_much_leave_places_for_one_that_is_not() {
        let refusals = Arc::<Refusals>::default();
        let mut held = Vec::new();
        let places: Vec<_> = (1..=10)
            .map(|number| flood(&refusals, number, 0, 2_000, &mut held))
            .collect();
        assert_eq!(places[0], 500, "a quarter of all");
        let rest = flood(&refusals, 11, 0, 2_000, &mut held);
        assert!(rest >= 5, "{places:?}, {rest}");
        held.clear();
        assert!(refusals.lock().webhooks.is_empty(), "all is given back");
    }

    #[test]
    fn webhooks_that_are_refused_much_leave_bytes_for_one_that_is_not() {
        let refusals = Arc::<Refusals>::default();
        let kept = |number, times: usize| {
            let take = |_| refusals.take(webhook(number).handle, 10_000, usize::MAX);
            (0..times).filter_map(take).collect::<Vec<_>>()
        };
        let loud = kept(1, 2_000);
        assert_eq!(loud.len(), 2_000, "all of them are on record");
        let bytes: usize = loud.iter().map(|slot| slot.bytes).sum();
        assert!(bytes <= WAITING_REFUSAL_BYTES / 4, "{bytes}");
        assert_eq!(kept(2, 1)[0].bytes, 10_000);
        drop(loud);
        assert_eq!(refusals.lock().bytes, 0, "all is given back");
    }
}
