//! The state of the store, its lock, and the failures that a test asks for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hookgate_domain::address_set::AddressSetName;
use hookgate_domain::idempotency::PayloadDigest;
use hookgate_domain::incident::NewIncidents;
use hookgate_domain::{DeliveryId, Incident, IncidentNumber, RetiredUrl, Timestamp, Webhook, WebhookHandle};
use hookgate_gate::{Accepted, DeliveryRecord, IncidentRecord, StoreError};

use super::address_sets::StoredSet;
use super::observation::Observation;
use super::people::People;

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) down: bool,
    /// `true` while look-ups and commits get no answer.
    pub(super) hangs: bool,
    /// Number of calls until one fails; 0 means none.
    pub(super) fails_in: usize,
    pub(super) webhooks: BTreeMap<WebhookHandle, Webhook>,
    pub(super) retired: Vec<RetiredUrl>,
    pub(super) deliveries: BTreeMap<DeliveryId, DeliveryRecord>,
    pub(super) incidents: BTreeMap<IncidentNumber, Incident>,
    pub(super) events: Vec<(IncidentNumber, IncidentRecord)>,
    /// The deliveries that opened the incidents.
    pub(super) openings: BTreeMap<IncidentNumber, DeliveryId>,
    /// New incidents of this minute, by webhook.
    pub(super) new_incidents: BTreeMap<WebhookHandle, NewIncidents>,
    pub(super) seen: Vec<Observation>,
    pub(super) keys: HashMap<(WebhookHandle, String), KnownKey>,
    /// Webhooks that may open no more incidents.
    pub(super) full: BTreeSet<WebhookHandle>,
    /// Bytes that the refusals of a webhook hold within a minute.
    pub(super) kept: BTreeMap<(WebhookHandle, i64), usize>,
    pub(super) last_delivery: i64,
    pub(super) last_incident: i64,
    pub(super) people: People,
    pub(super) sets: BTreeMap<AddressSetName, StoredSet>,
}

/// The stored part of an idempotency key.
#[derive(Debug)]
pub(super) struct KnownKey {
    pub(super) payload: PayloadDigest,
    pub(super) first: Accepted,
    pub(super) at: Timestamp,
}

impl MemoryStore {
    /// Makes the store unreachable or reachable. Its content stays.
    pub fn set_reachable(&self, reachable: bool) {
        self.lock().down = !reachable;
    }

    /// Withholds the answers of look-ups and commits, or gives them again. What a call without an answer stores is
    /// stored.
    pub fn set_hanging(&self, hangs: bool) {
        self.lock().hangs = hangs;
    }

    /// Makes the call with this number fail, counted from now; 0 means none. The other calls succeed.
    pub fn fail_call(&self, number: usize) {
        self.lock().fails_in = number;
    }

    /// `true` if the call of [`fail_call`](Self::fail_call) has failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.lock().fails_in == 0
    }

    /// Returns at once, or never while answers are withheld.
    pub(super) async fn answer(&self) {
        let hangs = self.lock().hangs;
        if hangs {
            pending::<()>().await;
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn up(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.lock();
        let fails = state.fails_in == 1;
        state.fails_in = state.fails_in.saturating_sub(1);
        if state.down || fails {
            Err(StoreError::Unavailable {
                what: "reach the memory",
                source: None,
            })
        } else {
            Ok(state)
        }
    }
}
