//! The usage of a webhook, and the effect of another allowlist on its senders.

use std::collections::BTreeMap;

use std::net::IpAddr;

use hookgate_domain::{Allowlist, RefusalCode, Timestamp, Webhook};
use hookgate_gate::{self as gate, Observation, PreviewDays, TopSources, UsageRange, spikes};
use hookgate_pages::Observed;
use serde::Serialize;
use utoipa::ToSchema;

use super::{counted, source, time, words};

/// Numbers of deliveries to a webhook by time, outcome and source.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Usage {
    /// Handle of the webhook.
    pub webhook: String,
    /// `1h`, `24h`, `7d` or `30d`.
    #[schema(value_type = words::Range)]
    pub range: &'static str,
    /// Totals of the range.
    pub totals: UsageTotals,
    /// Steps of equal length in the range, oldest first, empty ones included.
    pub buckets: Vec<UsageBucket>,
    /// The sources with the most deliveries, largest first.
    pub sources: Vec<SourceUsage>,
    /// Deliveries of sources beyond the number that is counted separately on a day.
    pub other_sources: OtherSources,
}

/// Deliveries by outcome.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UsageTotals {
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Numbers of refused deliveries by refusal code.
    pub refused: BTreeMap<&'static str, u64>,
}

/// Deliveries of one step of time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UsageBucket {
    /// Start of the step.
    #[schema(format = DateTime)]
    pub at: String,
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Numbers of refused deliveries by refusal code.
    pub refused: BTreeMap<&'static str, u64>,
    /// True if there were far more deliveries than usual.
    pub spike: bool,
}

/// Deliveries of one source.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SourceUsage {
    /// An IPv4 address, or the /64 network of an IPv6 address.
    pub source: String,
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Number of those that were accepted only because the allowlist is in observe mode.
    pub would_be_refused: u64,
    /// Number of refused deliveries.
    pub refused: u64,
    /// Numbers of refused deliveries by refusal code, without refusals that an older version counted.
    pub refused_by: BTreeMap<&'static str, u64>,
    /// Time of the first delivery, as far as history is kept.
    #[schema(format = DateTime)]
    pub first_seen: String,
    /// Time of the last delivery.
    #[schema(format = DateTime)]
    pub last_seen: String,
    /// True if the first delivery was within the range and the webhook is older than the range.
    pub new: bool,
}

/// Deliveries of many sources together.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct OtherSources {
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Number of refused deliveries.
    pub refused: u64,
}

/// The senders that another allowlist would refuse.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Preview {
    /// Number of days whose deliveries are included: 7 or 30.
    pub days: u16,
    /// Senders of accepted deliveries, at most 200. Those that would be refused are first.
    pub senders: Vec<PreviewSender>,
    /// Number of all senders, listed or not.
    pub all_senders: u64,
    /// Senders that pass now and would be refused.
    pub would_stop: WouldStop,
    /// False if more senders may be refused: there were accepted deliveries of sources that are not counted separately
    /// (`other_sources`).
    pub would_stop_known: bool,
    /// Number of accepted deliveries of sources that are not counted separately.
    pub other_sources: u64,
    /// Warnings about the allowlist.
    pub warnings: Vec<String>,
}

/// A sender, and whether it passes before and after the change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PreviewSender {
    /// Address of the sender.
    pub source: String,
    /// Number of its accepted deliveries.
    pub accepted: u64,
    /// Time of the last delivery.
    #[schema(format = DateTime)]
    pub last_seen: String,
    /// True if the sender passes now.
    pub passes_now: bool,
    /// True if the sender would pass after the change.
    pub passes_then: bool,
}

/// The senders and deliveries that would be refused.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct WouldStop {
    /// Number of senders.
    pub senders: u64,
    /// Number of their accepted deliveries.
    pub deliveries: u64,
}

impl Usage {
    /// The usage of a webhook over a range.
    #[must_use]
    pub fn new(webhook: &Webhook, range: UsageRange, usage: &gate::Usage, top: &TopSources) -> Self {
        let spikes = spikes(usage);
        let buckets = usage.buckets.iter().enumerate();
        Self {
            webhook: webhook.handle.to_string(),
            range: range.as_str(),
            totals: UsageTotals {
                accepted: usage.totals.accepted,
                refused: by_code(&usage.totals.refused),
            },
            buckets: buckets
                .map(|(index, bucket)| UsageBucket {
                    at: time(bucket.at),
                    accepted: bucket.totals.accepted,
                    refused: by_code(&bucket.totals.refused),
                    spike: spikes.contains(&index),
                })
                .collect(),
            sources: top.sources.iter().map(SourceUsage::from).collect(),
            other_sources: OtherSources {
                accepted: top.beyond_accepted,
                refused: top.beyond_refused,
            },
        }
    }
}

impl From<&gate::SourceUsage> for SourceUsage {
    fn from(usage: &gate::SourceUsage) -> Self {
        Self {
            source: source(usage.source),
            accepted: usage.accepted,
            would_be_refused: usage.reasons.would_be_refused,
            refused: usage.refused,
            refused_by: by_code(&usage.reasons.codes),
            first_seen: time(usage.first_seen),
            last_seen: time(usage.last_seen),
            new: usage.is_new,
        }
    }
}

impl Preview {
    /// The preview over this number of days.
    #[must_use]
    pub fn new(preview: &gate::Preview, days: PreviewDays) -> Self {
        let senders = preview.senders.iter();
        Self {
            days: days.days(),
            senders: senders
                .map(|sender| PreviewSender {
                    source: sender.address.to_string(),
                    accepted: sender.accepted,
                    last_seen: time(sender.last_seen),
                    passes_now: sender.passes_now,
                    passes_then: sender.passes_then,
                })
                .collect(),
            all_senders: preview.all_senders,
            would_stop: WouldStop {
                senders: preview.would_stop.senders,
                deliveries: preview.would_stop.deliveries,
            },
            would_stop_known: preview.beyond == 0,
            other_sources: preview.beyond,
            warnings: Vec::new(),
        }
    }

    /// Adds the warnings about this allowlist for a member at the address `own`.
    #[must_use]
    pub fn warned(mut self, allowlist: &Allowlist, own: Option<IpAddr>, now: Timestamp) -> Self {
        let warnings = allowlist.warnings(own, now);
        self.warnings = warnings.iter().map(ToString::to_string).collect();
        self
    }
}

/// The allowlist that the senders of the last 30 days would need.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Suggestion {
    /// Entries, those with the most deliveries first.
    pub allowlist: Vec<String>,
    /// Size of each entry, in the same order: `256 addresses`.
    pub widths: Vec<String>,
    /// Number of senders that the suggestion is made from.
    pub senders: u64,
    /// Number of accepted deliveries that the suggestion does not cover: those of sources that are not counted
    /// separately, or of more senders than it has entries for.
    pub other_sources: u64,
}

impl From<&gate::Suggestion> for Suggestion {
    fn from(suggestion: &gate::Suggestion) -> Self {
        Self {
            allowlist: suggestion.entries.iter().map(ToString::to_string).collect(),
            widths: suggestion.addresses.iter().map(|count| width(*count)).collect(),
            senders: suggestion.senders,
            other_sources: suggestion.beyond,
        }
    }
}

/// A number of addresses in words. Large IPv6 networks are counted in /64 networks, because one host has a whole /64.
#[must_use]
pub fn width(addresses: u128) -> String {
    if let Ok(addresses) = u64::try_from(addresses) {
        return counted(addresses, "address");
    }
    let networks = u64::try_from(addresses >> 64).unwrap_or(u64::MAX);
    counted(networks, "IPv6 /64 network")
}

/// The results of observe mode, as pages and commands show them.
#[must_use]
pub const fn observed(seen: Observation) -> Observed {
    Observed {
        since: seen.since,
        counted_from: seen.counted_from,
        senders: seen.senders,
        refused_senders: seen.refused_senders,
        deliveries: seen.deliveries,
        refused_deliveries: seen.refused_deliveries,
        beyond: seen.beyond,
    }
}

fn by_code(refused: &[(RefusalCode, u64)]) -> BTreeMap<&'static str, u64> {
    refused
        .iter()
        .map(|(code, count)| (code.as_str(), *count))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_said_in_words() {
        assert_eq!(width(1), "1 address");
        assert_eq!(width(256), "256 addresses");
        assert_eq!(width(1 << 64), "1 IPv6 /64 network");
        assert_eq!(width(1 << 80), "65,536 IPv6 /64 networks");
        assert_eq!(width(u128::MAX), "18,446,744,073,709,551,615 IPv6 /64 networks");
    }
}
