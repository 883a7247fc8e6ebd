//! Sources of deliveries, and those that send most. Pure; the counts come from the store, by source and day.

use std::collections::HashMap;
use std::net::IpAddr;

use hookgate_domain::networks::source_prefix;
use hookgate_domain::{RefusalCode, Timestamp};
use ipnetwork::IpNetwork;

use super::page::PageSize;
use super::usage::add_code;

/// Microseconds of a day, the unit in which sources are counted.
pub const DAY_MICROS: i64 = 86_400_000_000;
/// Prefix lengths of a source as it is shown.
const V4_PREFIX: u8 = 32;
const V6_PREFIX: u8 = 64;

/// The deliveries of one source to a webhook on one day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceDay {
    /// An address of the source: of an IPv6 /64, the last one seen. `None` for all sources beyond those that are told
    /// apart on a day.
    pub address: Option<IpAddr>,
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Number of refused deliveries.
    pub refused: u64,
    /// Time of the last delivery.
    pub last_seen: Timestamp,
}

/// The deliveries of one source over some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceTotal {
    /// The last address seen of the source.
    pub address: IpAddr,
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Number of refused deliveries.
    pub refused: u64,
    /// Time of the last delivery.
    pub last_seen: Timestamp,
}

impl SourceTotal {
    /// The source prefix: an IPv4 address with prefix 32, or an IPv6 network with prefix 64.
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

/// The deliveries of all sources over some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceTotals {
    /// All sources, in no order.
    pub sources: Vec<SourceTotal>,
    /// Number of accepted deliveries of sources beyond those that are counted separately on a day.
    pub beyond_accepted: u64,
    /// Number of refused deliveries of these.
    pub beyond_refused: u64,
}

impl SourceTotals {
    /// Adds up the days of each source. Sources that sent nothing since `since` are left out.
    pub fn of(days: impl IntoIterator<Item = SourceDay>, since: Timestamp) -> Self {
        Self::by(days, since, source_prefix)
    }

    /// As [`Self::of`], but for each address by itself, because allowlists are matched against addresses.
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

    /// The sources with most deliveries, most first; of equal ones, the one seen last. Sources of refused deliveries
    /// only take no place from those of accepted ones.
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

/// The sources of a webhook with most deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopSources {
    /// The sources, most deliveries first.
    pub sources: Vec<SourceUsage>,
    /// Number of accepted deliveries of sources beyond those that are counted separately on a day.
    pub beyond_accepted: u64,
    /// Number of refused deliveries of these.
    pub beyond_refused: u64,
}

/// The reasons for which deliveries of sources were refused, or would have been, over some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceReasons {
    /// The reasons by source prefix.
    sources: HashMap<IpAddr, Reasons>,
}

/// The reasons for which deliveries were refused, or would have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    /// Number of refusals by code, most first. Older versions did not count codes: then the sum is less than the number
    /// of refusals.
    pub codes: Vec<(RefusalCode, u64)>,
    /// Number of deliveries that passed only because the webhook observes.
    pub would_be_refused: u64,
}

impl SourceReasons {
    /// Adds up counts: an address, a code (`None` for a delivery that would have been refused), and a number.
    pub fn of(counts: impl IntoIterator<Item = (IpAddr, Option<RefusalCode>, u64)>) -> Self {
        let mut sources = HashMap::<IpAddr, Reasons>::new();
        for (address, code, count) in counts {
            let reasons = sources.entry(source_prefix(address)).or_default();
            match code {
                None => reasons.would_be_refused = reasons.would_be_refused.saturating_add(count),
                Some(code) => add_code(&mut reasons.codes, code, count),
            }
        }
        Self { sources }
    }

    /// The reasons of one source.
    fn of_source(&self, address: IpAddr) -> Reasons {
        self.sources
            .get(&source_prefix(address))
            .cloned()
            .unwrap_or_default()
    }
}

/// The deliveries of a source within a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceUsage {
    /// An IPv4 address with prefix 32, or an IPv6 network with prefix 64.
    pub source: IpNetwork,
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Number of refused deliveries.
    pub refused: u64,
    /// The refusals by code, and the deliveries that passed only because the webhook observes.
    pub reasons: Reasons,
    /// Time of the first delivery, as far as deliveries are kept.
    pub first_seen: Timestamp,
    /// Time of the last delivery.
    pub last_seen: Timestamp,
    /// `true` if the first delivery came within the range, to a webhook that is older than the range.
    pub is_new: bool,
}

impl SourceUsage {
    /// The usage of a source that was seen first at `first_seen`, at a webhook created at `created_at`, in a range that
    /// begins at `start`.
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
