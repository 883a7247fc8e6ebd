//! Counting deliveries beside the commits. It costs the hot path no statement: counts are kept in memory and written at
//! most once a second, inside the transaction of a batch that goes to disk anyway.
//!
//! The tables hold exactly the deliveries before a watermark, which is the number of a delivery. What is in memory is
//! believed only if it is all that lies between the watermark and the next number. It is not after a crash, and not if
//! another process took deliveries or wrote counts: then the records behind the watermark are counted again. So nothing is
//! ever counted twice, and whatever has a record is counted exactly. What may be missing after a crash, or after another
//! process asked for usage during a flood, are refusals of about the last second that were folded into a record before the
//! watermark, or dropped.

use std::net::IpAddr;
use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::{RefusalCode, Timestamp};

use super::counts::{Counts, minute_of};
use super::recount::{ToldApart, recount, write_counts};
use crate::connection::Connection;
use crate::write::counters::{Counter, counter_set, counter_value};

/// Least time between two writings, by the clock of the deliveries.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// As many numbers in memory are written at once: some 2 MiB.
const MANY: usize = 8_192;
/// Deliveries alike, as far as they are counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation {
    /// The key of its webhook.
    pub(super) webhook: i64,
    pub(super) at: Timestamp,
    /// Why they were refused, if they were.
    pub(super) code: Option<RefusalCode>,
    /// Whether they passed only because their webhook observes.
    pub(super) observed: bool,
    pub(super) source: IpAddr,
    /// The number of the record that they are on.
    pub(super) record: Option<i64>,
    /// How many they are.
    pub(super) times: i64,
    /// What their webhook holds more since, if the record is theirs alone. Less, if it is negative.
    pub(super) held: Option<i64>,
}

impl Observation {
    /// Whether it can be counted again from the records from this number on.
    fn is_on_record(&self, start: i64) -> bool {
        self.record.is_some_and(|record| record >= start)
    }

    /// Whether both are counted at the same place.
    fn is_like(&self, other: &Self, start: i64) -> bool {
        self.webhook == other.webhook
            && self.code == other.code
            && self.observed == other.observed
            && self.source == other.source
            && minute_of(self.at) == minute_of(other.at)
            && self.is_on_record(start) == other.is_on_record(start)
    }
}

/// Numbers of deliveries from `start` up to `end`, which is excluded; not all of them, if it is torn.
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

    /// The span with these numbers behind it.
    const fn with(self, first: i64, end: i64) -> Self {
        Self {
            start: self.start,
            end,
            torn: self.torn || self.end != first,
        }
    }
}

/// What was counted and is not in the tables.
#[derive(Debug, Default)]
pub(super) struct UsageRecorder {
    counts: Counts,
    /// The numbers that `counts` stands for.
    span: Option<RecordSpan>,
    /// When the first of `counts` came.
    since: Option<Timestamp>,
    /// The deliveries of the batch whose transaction is open.
    batch: Vec<Observation>,
    /// The number that its first delivery got, and the one after its last.
    numbers: Option<(i64, i64)>,
    /// The watermark that it writes.
    written: Option<i64>,
    /// How many sources of a webhook are in the table for a day, those that passed and those that did not.
    told_apart: ToldApart,
}

impl UsageRecorder {
    /// Takes note of a delivery of the batch.
    pub(super) fn note(&mut self, seen: Observation) {
        self.batch.push(seen);
    }

    /// Takes note of the numbers that the batch used: from the first, up to the second.
    pub(super) const fn numbered(&mut self, first: i64, end: i64) {
        self.numbers = Some((first, end));
    }

    /// Whether nothing is in memory alone.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Whether it is time to write.
    pub(super) fn is_due(&self) -> bool {
        let (Some(since), Some(newest)) = (self.since, self.batch.last()) else {
            return false;
        };
        // In both directions: a clock that is set back must not stop it.
        newest.at.since(since).max(since.since(newest.at)) >= WRITE_EVERY || self.counts.len() >= MANY
    }

    /// Writes what was counted before this batch, whose first number this is.
    pub(super) fn write(&mut self, connection: &mut Connection, first: i64) -> QueryResult<()> {
        let watermark = counter_value(connection, Counter::Usage)?;
        let is_whole = self.span == Some(RecordSpan::whole(watermark, first));
        let recounted = if is_whole || (watermark == first && self.is_empty()) {
            None
        } else {
            Some(recount(connection, self.counts.off_record(), watermark, first)?)
        };
        let counts = recounted.as_ref().unwrap_or(&self.counts);
        write_counts(connection, counts, &mut self.told_apart)?;
        if watermark != first {
            counter_set(connection, Counter::Usage, first)?;
        }
        self.written = Some(first);
        Ok(())
    }

    /// The transaction of the batch is on disk.
    pub(super) fn committed(&mut self) {
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
        for seen in &self.batch {
            self.counts.hold(seen);
        }
        self.since = self.since.or_else(|| self.batch.first().map(|seen| seen.at));
        // Deliveries that come together are often alike, and looking up where they are counted is what costs.
        for alike in self.batch.chunk_by(|one, next| one.is_like(next, start)) {
            let [.., last] = alike else { continue };
            let is_on_record = last.is_on_record(start);
            let (first, all) = (&alike[0], alike.iter().map(|seen| seen.times).sum::<i64>());
            self.counts.add(first, first.times, is_on_record);
            if all > first.times {
                self.counts.add(last, all - first.times, is_on_record);
            }
        }
        self.batch.clear();
    }

    /// The transaction of the batch was given up.
    pub(super) fn rolled_back(&mut self) {
        self.batch.clear();
        (self.numbers, self.written) = (None, None);
        // It may name rows that were never stored.
        self.told_apart.clear();
    }
}
