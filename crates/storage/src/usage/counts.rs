//! Counts of usage in memory: by webhook, minute and code, and by webhook, day and source. Pure.

use std::collections::{BTreeMap, HashMap};

use hookgate_domain::RefusalCode;
use hookgate_domain::networks::{address_bytes, source_prefix};
use hookgate_gate::DAY_MICROS;

use super::holdings::HoldingChange;
use super::observation::{Observation, SECOND_MICROS, minute_start};
use super::source_statements::OBSERVED;
use super::statements::{ALL_WEBHOOKS, HOUR, MINUTE, PASSED, UsageRow};

/// Deliveries that are not in the tables yet.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    minutes: HashMap<(i64, i64, Option<RefusalCode>), Count>,
    sources: HashMap<SourceKey, SourceCount>,
    /// Holdings of the records by webhook, of those that can be counted again.
    held: HashMap<i64, HoldingChange>,
}

/// Webhook, day, and source as it is counted.
pub(crate) type SourceKey = (i64, i64, [u8; 16]);

/// A number of deliveries.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// Deliveries that can be counted again from the records behind the watermark.
    on_record: i64,
    /// The other deliveries: their record lies before the watermark, or there is none.
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

    const fn merge(&mut self, other: Self) {
        self.on_record += other.on_record;
        self.off_record += other.off_record;
    }

    /// The count without deliveries that can be counted again from the records.
    const fn without_record(self) -> Self {
        Self { on_record: 0, ..self }
    }

    const fn all(self) -> i64 {
        self.on_record + self.off_record
    }
}

/// Counts of a source on a day.
#[derive(Clone, Debug)]
pub(crate) struct SourceCount {
    accepted: Count,
    refused: Count,
    /// Counts by code, and with `None` for deliveries that passed only because their webhook observes. Other
    /// deliveries that passed are not in it.
    reasons: Vec<(Option<RefusalCode>, Count)>,
    /// An address of the source: the last one that passed, or else the last one.
    pub(crate) address: [u8; 16],
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
}

impl SourceCount {
    /// Number of deliveries that passed.
    pub(crate) const fn accepted(&self) -> i64 {
        self.accepted.all()
    }

    /// Number of refused deliveries.
    pub(crate) const fn refused(&self) -> i64 {
        self.refused.all()
    }

    /// The words of the column for codes, with the number of deliveries of each.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = (&'static str, i64)> {
        let word = |code: Option<RefusalCode>| code.map_or(OBSERVED, RefusalCode::as_str);
        self.reasons
            .iter()
            .map(move |(code, count)| (word(*code), count.all()))
    }

    fn reason(&mut self, code: Option<RefusalCode>) -> &mut Count {
        let place = self.reasons.iter().position(|(known, _)| *known == code);
        let place = place.unwrap_or_else(|| {
            self.reasons.push((code, Count::default()));
            self.reasons.len() - 1
        });
        &mut self.reasons[place].1
    }

    /// Adds another count.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.accepted.merge(other.accepted);
        self.refused.merge(other.refused);
        for (code, more) in &other.reasons {
            self.reason(*code).merge(*more);
        }
        self.address = other.address;
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
    }
}

impl Counts {
    /// `true` if there are no counts.
    pub(crate) fn is_empty(&self) -> bool {
        self.minutes.is_empty()
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.minutes.len() + self.sources.len()
    }

    /// Counts `more` identical deliveries.
    pub(crate) fn add(&mut self, seen: &Observation, more: i64, is_on_record: bool) {
        let at = seen.at.as_micros();
        let minute = minute_start(seen.at);
        let day = at - at.rem_euclid(DAY_MICROS);
        self.minutes
            .entry((seen.webhook, minute, seen.code))
            .or_default()
            .add(more, is_on_record);
        let address = address_bytes(seen.source);
        // Sources that pass are counted by address, because allowlists are about addresses; the others by
        // prefix.
        let key = if seen.code.is_none() {
            address
        } else {
            address_bytes(source_prefix(seen.source))
        };
        let source = self
            .sources
            .entry((seen.webhook, day, key))
            .or_insert(SourceCount {
                accepted: Count::default(),
                refused: Count::default(),
                reasons: Vec::new(),
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
        if seen.code.is_some() || seen.observed {
            source.reason(seen.code).add(more, is_on_record);
        }
        source.first_at = source.first_at.min(at);
        source.last_at = source.last_at.max(at);
    }

    /// Adds the bytes of the records of deliveries to one webhook, of those that have a record of their own.
    pub(crate) fn hold(&mut self, seen: &[Observation]) {
        let mut records = seen
            .iter()
            .filter_map(|seen| Some((seen.webhook, seen.held?)))
            .peekable();
        let Some(&(webhook, _)) = records.peek() else {
            return;
        };
        let held = self.held.entry(webhook).or_insert(HoldingChange {
            webhook,
            ..HoldingChange::default()
        });
        for (_, bytes) in records {
            held.bytes += bytes;
            held.deliveries += 1;
        }
    }

    /// The holdings of the records, in the order of the webhooks.
    pub(crate) fn held(&self) -> Vec<HoldingChange> {
        let mut held: Vec<_> = self.held.values().copied().collect();
        held.sort_unstable_by_key(|held| held.webhook);
        held
    }

    /// Adds other counts.
    pub(crate) fn merge(&mut self, other: Self) {
        for (key, count) in other.minutes {
            self.minutes.entry(key).or_default().merge(count);
        }
        for (key, source) in other.sources {
            let mine = self.sources.entry(key);
            mine.and_modify(|mine| mine.merge(&source)).or_insert(source);
        }
    }

    /// The counts without deliveries that can be counted again from the records.
    pub(crate) fn off_record(&self) -> Self {
        let mut left = Self::default();
        for (key, count) in self.minutes.iter().filter(|(_, count)| count.off_record > 0) {
            left.minutes.insert(*key, count.without_record());
        }
        for (key, source) in &self.sources {
            let (accepted, refused) = (source.accepted.without_record(), source.refused.without_record());
            if accepted.all() + refused.all() > 0 {
                let reasons = source
                    .reasons
                    .iter()
                    .map(|(code, count)| (*code, count.without_record()));
                left.sources.insert(
                    *key,
                    SourceCount {
                        accepted,
                        refused,
                        reasons: reasons.filter(|(_, count)| count.all() > 0).collect(),
                        ..*source
                    },
                );
            }
        }
        left
    }

    /// The rows of `usage` that this adds to, in the order of their keys.
    pub(crate) fn usage_rows(&self) -> Vec<UsageRow<'static>> {
        let mut rows = BTreeMap::<_, i64>::new();
        for ((webhook, minute, code), count) in &self.minutes {
            let code = code.map_or(PASSED, RefusalCode::as_str);
            let hour = minute - minute.rem_euclid(HOUR * SECOND_MICROS);
            for key in [
                (*webhook, MINUTE, *minute, code),
                (*webhook, HOUR, hour, code),
                (ALL_WEBHOOKS, MINUTE, *minute, code),
                (ALL_WEBHOOKS, HOUR, hour, code),
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

    /// The counts of the sources.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&SourceKey, &SourceCount)> {
        self.sources.iter()
    }
}
