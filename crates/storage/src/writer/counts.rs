//! Counts of usage in memory: by webhook, minute and code, and by webhook, day and source. Pure.

use std::collections::{BTreeMap, HashMap};

use hookgate_domain::{RefusalCode, Timestamp, address_bytes};
use hookgate_gate::{DAY_MICROS, site};

use super::counting::Seen;
use crate::write::usage::{ALL, HOUR, MINUTE, PASSED, UsageRow};

const SECOND_MICROS: i64 = 1_000_000;

/// Deliveries that are not in the tables yet.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    minutes: HashMap<(i64, i64, Option<RefusalCode>), Count>,
    sources: HashMap<SourceKey, SourceCount>,
}

/// Webhook, day, and source as it is counted.
pub(super) type SourceKey = (i64, i64, [u8; 16]);

/// A number of deliveries.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// Those that can be counted again from the records behind the watermark.
    on_record: i64,
    /// Those that can't: their record lies before it, or there is none.
    off_record: i64,
}

impl Count {
    const fn add(&mut self, more: i64, is_on_record: bool) {
        if is_on_record {
            self.on_record += more;
        } else {
            self.off_record += more;
        }
    }

    const fn all(self) -> i64 {
        self.on_record + self.off_record
    }
}

/// What a source sent on a day.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceCount {
    accepted: Count,
    refused: Count,
    /// An address of it: the last one that passed, or else the last one.
    pub(super) address: [u8; 16],
    pub(super) first_at: i64,
    pub(super) last_at: i64,
}

impl SourceCount {
    /// How many deliveries passed.
    pub(super) const fn accepted(&self) -> i64 {
        self.accepted.all()
    }

    /// How many did not.
    pub(super) const fn refused(&self) -> i64 {
        self.refused.all()
    }

    /// Both as one.
    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in [
            (&mut self.accepted, other.accepted),
            (&mut self.refused, other.refused),
        ] {
            count.add(more.on_record, true);
            count.add(more.off_record, false);
        }
        self.address = other.address;
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
    }
}

impl Counts {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.minutes.is_empty()
    }

    /// How many numbers it holds.
    pub(super) fn len(&self) -> usize {
        self.minutes.len() + self.sources.len()
    }

    /// Counts so many deliveries alike.
    pub(super) fn add(&mut self, seen: &Seen, more: i64, is_on_record: bool) {
        let at = seen.at.as_micros();
        let minute = minute_of(seen.at);
        let day = at - at.rem_euclid(DAY_MICROS);
        self.minutes
            .entry((seen.webhook, minute, seen.code))
            .or_default()
            .add(more, is_on_record);
        let address = address_bytes(seen.source);
        // What passes is told apart by its address, for allowlists are about addresses; what doesn't, by its site.
        let key = if seen.code.is_none() {
            address
        } else {
            address_bytes(site(seen.source))
        };
        let source = self
            .sources
            .entry((seen.webhook, day, key))
            .or_insert(SourceCount {
                accepted: Count::default(),
                refused: Count::default(),
                address,
                first_at: at,
                last_at: at,
            });
        if seen.code.is_none() {
            source.address = address;
            source.accepted.add(more, is_on_record);
        } else {
            if source.accepted.all() == 0 {
                source.address = address;
            }
            source.refused.add(more, is_on_record);
        }
        source.first_at = source.first_at.min(at);
        source.last_at = source.last_at.max(at);
    }

    /// Adds other counts.
    pub(crate) fn merge(&mut self, other: Self) {
        for (key, count) in other.minutes {
            let mine = self.minutes.entry(key).or_default();
            mine.add(count.on_record, true);
            mine.add(count.off_record, false);
        }
        for (key, source) in other.sources {
            let mine = self.sources.entry(key);
            mine.and_modify(|mine| mine.merge(&source)).or_insert(source);
        }
    }

    /// Leaves out what the records behind the watermark tell again.
    pub(super) fn off_record(&self) -> Self {
        let mut left = Self::default();
        for (key, count) in self.minutes.iter().filter(|(_, count)| count.off_record > 0) {
            left.minutes.insert(
                *key,
                Count {
                    on_record: 0,
                    ..*count
                },
            );
        }
        for (key, source) in &self.sources {
            let (mut accepted, mut refused) = (source.accepted, source.refused);
            (accepted.on_record, refused.on_record) = (0, 0);
            if accepted.all() + refused.all() > 0 {
                left.sources.insert(
                    *key,
                    SourceCount {
                        accepted,
                        refused,
                        ..*source
                    },
                );
            }
        }
        left
    }

    /// The rows of `usage` that this adds to, in the order of their keys.
    pub(super) fn usage_rows(&self) -> Vec<UsageRow<'static>> {
        let mut rows = BTreeMap::<_, i64>::new();
        for ((webhook, minute, code), count) in &self.minutes {
            let code = code.map_or(PASSED, RefusalCode::as_str);
            let hour = minute - minute.rem_euclid(HOUR * SECOND_MICROS);
            for key in [
                (*webhook, MINUTE, *minute, code),
                (*webhook, HOUR, hour, code),
                (ALL, MINUTE, *minute, code),
                (ALL, HOUR, hour, code),
            ] {
                *rows.entry(key).or_default() += count.all();
            }
        }
        let row = |((webhook, step, at, code), count)| UsageRow {
            webhook,
            step,
            at,
            code,
            count,
        };
        rows.into_iter().map(row).collect()
    }

    /// What the sources sent.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&SourceKey, &SourceCount)> {
        self.sources.iter()
    }
}

/// When the minute of this time begins.
pub(super) const fn minute_of(at: Timestamp) -> i64 {
    let at = at.as_micros();
    at - at.rem_euclid(MINUTE * SECOND_MICROS)
}
