//! Deliveries without a record of their own: refusals that were dropped, or folded into a record that is counted
//! already. On a server, where usage is counted from the records, a node keeps these in memory until they are
//! written.

use std::sync::{Arc, Mutex, PoisonError};

use super::counts::Counts;
use super::observation::Observation;

/// Deliveries without a record of their own.
pub(crate) struct OffRecord {
    /// Shared with the tasks that write them.
    counts: Arc<Mutex<Counts>>,
    /// Deliveries of the batch whose transaction is open.
    batch: Vec<Observation>,
}

impl OffRecord {
    /// An empty list, whose deliveries are added to these counts.
    pub(crate) const fn new(counts: Arc<Mutex<Counts>>) -> Self {
        Self {
            counts,
            batch: Vec::new(),
        }
    }

    /// Adds a delivery that has no record of its own.
    pub(crate) fn note(&mut self, seen: Observation) {
        self.batch.push(seen);
    }

    /// `true` if the batch has none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Removes those whose record is not counted yet, because that count will include them.
    pub(crate) fn keep_before(&mut self, watermark: i64) {
        self.batch
            .retain(|seen| seen.record.is_none_or(|record| record < watermark));
    }

    /// Adds the batch to the counts: its transaction is on disk.
    pub(crate) fn committed(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for seen in self.batch.drain(..) {
            counts.add(&seen, seen.times, false);
        }
    }

    /// Drops the batch: its transaction was rolled back.
    pub(crate) fn rolled_back(&mut self) {
        self.batch.clear();
    }
}
