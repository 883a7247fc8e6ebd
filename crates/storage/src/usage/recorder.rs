//! Counts deliveries for usage beside the commits. The hot path runs no statement for it: counts are kept in
//! memory and written at most once a second, in the transaction of a batch that goes to disk anyway.
//!
//! The tables hold exactly the deliveries before a watermark, which is the number of a delivery. The counts
//! in memory are used only if they cover all numbers between the watermark and the next number. They do not
//! after a crash, or if another process stored deliveries or wrote counts: then the records behind the
//! watermark are counted again. So nothing is ever counted twice, and every delivery with a record is counted
//! exactly. After a crash, or after another process asked for usage during a flood, refusals of about the
//! last second may be missing: those that were folded into a record before the watermark, or dropped.

use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::Timestamp;

use super::counts::Counts;
use super::observation::Observation;
use super::recount::{SourcesOfDay, recount, write_counts};
use crate::connection::Connection;
use crate::counters::{Counter, counter_set, counter_value};

/// Minimum time between two writings, by the clock of the deliveries.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);
/// Entries in memory from which on they are written at once: some 2 MiB.
const FLUSH_ENTRIES: usize = 8_192;

/// Numbers of deliveries from `start` to before `end`; some are missing if it is torn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RecordSpan {
    start: i64,
    end: i64,
    torn: bool,
}

impl RecordSpan {
    const fn whole(start: i64, end: i64) -> Self {
        Self {
            start,
            end,
            torn: false,
        }
    }

    /// The span, extended by these numbers.
    const fn with(self, first: i64, end: i64) -> Self {
        Self {
            start: self.start,
            end,
            torn: self.torn || self.end != first,
        }
    }
}

/// Counts that are not in the tables yet.
#[derive(Debug, Default)]
pub(crate) struct UsageRecorder {
    counts: Counts,
    /// The numbers that `counts` covers.
    span: Option<RecordSpan>,
    /// Time of the first delivery in `counts`.
    since: Option<Timestamp>,
    /// The deliveries of the batch whose transaction is open.
    batch: Vec<Observation>,
    /// The number of its first delivery, and the number after its last one.
    numbers: Option<(i64, i64)>,
    /// The watermark that its transaction writes.
    written: Option<i64>,
    /// Numbers of sources of a webhook in the table for a day, those that passed and the refused ones.
    sources_of_day: SourcesOfDay,
}

impl UsageRecorder {
    /// Adds a delivery of the batch.
    pub(crate) fn note(&mut self, seen: Observation) {
        self.batch.push(seen);
    }

    /// Stores the numbers that the batch used, from `first` to before `end`.
    pub(crate) const fn numbered(&mut self, first: i64, end: i64) {
        self.numbers = Some((first, end));
    }

    /// `true` if nothing is in memory alone.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// `true` if it is time to write.
    pub(crate) fn is_due(&self) -> bool {
        let (Some(since), Some(newest)) = (self.since, self.batch.last()) else {
            return false;
        };
        // In both directions: a clock that is set back must not stop it.
        newest.at.since(since).max(since.since(newest.at)) >= WRITE_INTERVAL
            || self.counts.len() >= FLUSH_ENTRIES
    }

    /// Writes the counts from before this batch, whose first number is `first`.
    pub(crate) fn write(&mut self, connection: &mut Connection, first: i64) -> QueryResult<()> {
        let watermark = counter_value(connection, Counter::Usage)?;
        let is_whole = self.span == Some(RecordSpan::whole(watermark, first));
        let recounted = if is_whole || (watermark == first && self.is_empty()) {
            None
        } else {
            Some(recount(connection, self.counts.off_record(), watermark, first)?)
        };
        let counts = recounted.as_ref().unwrap_or(&self.counts);
        write_counts(connection, counts, &mut self.sources_of_day)?;
        if watermark != first {
            counter_set(connection, Counter::Usage, first)?;
        }
        self.written = Some(first);
        Ok(())
    }

    /// Adds the batch to the counts: its transaction is on disk.
    pub(crate) fn committed(&mut self) {
        if let Some(watermark) = self.written.take() {
            self.counts = Counts::default();
            (self.span, self.since) = (Some(RecordSpan::whole(watermark, watermark)), None);
        }
        if let Some((first, end)) = self.numbers.take() {
            self.span = Some(
                self.span
                    .map_or(RecordSpan::whole(first, end), |span| span.with(first, end)),
            );
        }
        let start = self.span.map_or(0, |span| span.start);
        for alike in self.batch.chunk_by(|one, next| one.webhook == next.webhook) {
            self.counts.hold(alike);
        }
        self.since = self.since.or_else(|| self.batch.first().map(|seen| seen.at));
        // Deliveries of a batch are often identical, and the cost is in finding their entries.
        for identical in self.batch.chunk_by(|one, next| one.is_like(next, start)) {
            let [.., last] = identical else { continue };
            let is_on_record = last.is_on_record(start);
            let (first, all) = (
                &identical[0],
                identical.iter().map(|seen| seen.times).sum::<i64>(),
            );
            self.counts.add(first, first.times, is_on_record);
            if all > first.times {
                self.counts.add(last, all - first.times, is_on_record);
            }
        }
        self.batch.clear();
    }

    /// Drops the batch: its transaction was rolled back.
    pub(crate) fn rolled_back(&mut self) {
        self.batch.clear();
        (self.numbers, self.written) = (None, None);
        // It may include rows that were never stored.
        self.sources_of_day.clear();
    }
}
