//! Where deliveries come from: which sources send most. Pure; the counts come from the store, by source and day.

use std::collections::HashMap;
use std::net::IpAddr;

use hookgate_domain::{RefusalCode, Timestamp, source_prefix};
use ipnetwork::IpNetwork;

use crate::history::PageSize;

/// Microseconds of a day, the step by which sources are counted.
pub const DAY_MICROS: i64 = 86_400_000_000;
/// Prefix lengths of a source as people are shown it.
const V4_PREFIX: u8 = 32;
const V6_PREFIX: u8 = 64;

/// What one source sent to a webhook on one day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceDay {
    /// An address of the source: the last one seen of an IPv6 site. `None` for all sources beyond those that are told
    /// apart on a day.
    pub address: Option<IpAddr>,
    /// How many deliveries passed.
    pub accepted: u64,
    /// How many did not.
    pub refused: u64,
    /// When the last one came.
    pub last_seen: Timestamp,
}

/// What one source sent over some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceTotal {
    /// The last address seen of it.
    pub address: IpAddr,
    /// How many deliveries passed.
    pub accepted: u64,
    /// How many did not.
    pub refused: u64,
    /// When the last one came.
    pub last_seen: Timestamp,
}

impl SourceTotal {
    /// The source: an IPv4 address with prefix 32, or an IPv6 site with prefix 64.
    #[must_use]
    pub fn source(&self) -> IpNetwork {
        let source_prefix = source_prefix(self.address);
        let prefix = if source_prefix.is_ipv4() {
            V4_PREFIX
        } else {
            V6_PREFIX
        };
        IpNetwork::new(source_prefix, prefix).unwrap_or_else(|_| source_prefix.into())
    }
}

/// What all sources sent over some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceTotals {
    /// Each of them, in no order.
    pub sources: Vec<SourceTotal>,
    /// How many deliveries passed of sources beyond those that are told apart on a day.
    pub beyond_accepted: u64,
    /// How many of theirs did not.
    pub beyond_refused: u64,
}

impl SourceTotals {
    /// Adds up the days of each source. Sources that sent nothing since then are left out.
    pub fn of(days: impl IntoIterator<Item = SourceDay>, since: Timestamp) -> Self {
        Self::by(days, since, source_prefix)
    }

    /// The same, but each address by itself: what an allowlist is asked about.
    pub fn of_addresses(days: impl IntoIterator<Item = SourceDay>, since: Timestamp) -> Self {
        Self::by(days, since, |address| address.to_canonical())
    }

    fn by(
        days: impl IntoIterator<Item = SourceDay>,
        since: Timestamp,
        source: impl Fn(IpAddr) -> IpAddr,
    ) -> Self {
        let (mut all, mut known) = (Self::default(), HashMap::<IpAddr, SourceTotal>::new());
        for day in days {
            let Some(address) = day.address else {
                all.beyond_accepted = all.beyond_accepted.saturating_add(day.accepted);
                all.beyond_refused = all.beyond_refused.saturating_add(day.refused);
                continue;
            };
            let total = known.entry(source(address)).or_insert(SourceTotal {
                address,
                accepted: 0,
                refused: 0,
                last_seen: day.last_seen,
            });
            total.accepted = total.accepted.saturating_add(day.accepted);
            total.refused = total.refused.saturating_add(day.refused);
            if day.last_seen >= total.last_seen {
                (total.last_seen, total.address) = (day.last_seen, address);
            }
        }
        all.sources = known
            .into_values()
            .filter(|total| total.last_seen >= since)
            .collect();
        all
    }

    /// The sources that sent most, most first; the one seen last comes first of those that sent as many. Sources that are only
    /// refused take no place from those that passed.
    #[must_use]
    pub fn top(mut self, limit: PageSize) -> Vec<SourceTotal> {
        let deliveries = |total: &SourceTotal| total.accepted.saturating_add(total.refused);
        let order =
            |total: &SourceTotal| std::cmp::Reverse((deliveries(total), total.last_seen, total.address));
        self.sources
            .sort_unstable_by_key(|total| (total.accepted == 0, order(total)));
        self.sources.truncate(limit.rows().into());
        self.sources.sort_unstable_by_key(order);
        self.sources
    }
}

/// The sources of a webhook that sent most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopSources {
    /// Most first.
    pub sources: Vec<SourceUsage>,
    /// How many deliveries passed of sources beyond those that are told apart on a day.
    pub beyond_accepted: u64,
    /// How many of theirs did not.
    pub beyond_refused: u64,
}

/// Why deliveries of sources were refused, or would have been, over some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceReasons {
    /// Of each source as it is told apart.
    sources: HashMap<IpAddr, Reasons>,
}

/// Why deliveries were refused, or would have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    /// How many were refused, by code, most first. Older versions did not count them: then the sum is less than what was
    /// refused.
    pub codes: Vec<(RefusalCode, u64)>,
    /// How many passed only because the webhook observes.
    pub would_be_refused: u64,
}

impl SourceReasons {
    /// Adds what was counted of sources: an address, a code or none for what would have been refused, and how many.
    pub fn of(counts: impl IntoIterator<Item = (IpAddr, Option<RefusalCode>, u64)>) -> Self {
        let mut sources = HashMap::<IpAddr, Reasons>::new();
        for (address, code, count) in counts {
            let reasons = sources.entry(source_prefix(address)).or_default();
            let Some(code) = code else {
                reasons.would_be_refused = reasons.would_be_refused.saturating_add(count);
                continue;
            };
            match reasons.codes.iter_mut().find(|(known, _)| *known == code) {
                Some((_, known)) => *known = known.saturating_add(count),
                None => reasons.codes.push((code, count)),
            }
        }
        for reasons in sources.values_mut() {
            reasons
                .codes
                .sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
        }
        Self { sources }
    }

    /// Those of one source.
    #[must_use]
    pub fn of_source(&self, address: IpAddr) -> Reasons {
        self.sources
            .get(&source_prefix(address))
            .cloned()
            .unwrap_or_default()
    }
}

/// What a source sent within a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceUsage {
    /// An IPv4 address with prefix 32, or an IPv6 site with prefix 64.
    pub source: IpNetwork,
    /// How many deliveries passed.
    pub accepted: u64,
    /// How many did not.
    pub refused: u64,
    /// Why they did not, and how many passed only because the webhook observes.
    pub reasons: Reasons,
    /// When it was seen first, ever: as long as deliveries are kept.
    pub first_seen: Timestamp,
    /// When it was seen last.
    pub last_seen: Timestamp,
    /// Whether it was seen first within the range, at a webhook that is older than that.
    pub is_new: bool,
}

impl SourceUsage {
    /// A source with when it was seen first, of a webhook made at `created_at`, in a range that begins at `start`.
    #[must_use]
    pub fn of(
        total: &SourceTotal,
        reasons: &SourceReasons,
        first_seen: Timestamp,
        created_at: Timestamp,
        start: Timestamp,
    ) -> Self {
        Self {
            reasons: reasons.of_source(total.address),
            source: total.source(),
            accepted: total.accepted,
            refused: total.refused,
            first_seen,
            last_seen: total.last_seen,
            is_new: first_seen >= start && created_at < start,
        }
    }
}
