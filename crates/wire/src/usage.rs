//! How a webhook is used, and by whom under another allowlist.

use std::collections::BTreeMap;

use std::net::IpAddr;

use hookgate_domain::{Allowlist, RefusalCode, Timestamp, Webhook};
use hookgate_gate::{self as gate, Observation, PreviewDays, TopSources, UsageRange, spikes};
use hookgate_pages::Observed;
use serde::Serialize;
use utoipa::ToSchema;

use super::{counted, source, time, words};

/// How many deliveries came to a webhook, and from where.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Usage {
    /// Handle of the webhook.
    pub webhook: String,
    /// `1h`, `24h`, `7d` or `30d`.
    #[schema(value_type = words::Range)]
    pub range: &'static str,
    /// All of the range.
    pub totals: UsageTotals,
    /// The range in steps of the same length, oldest first, empty ones too.
    pub buckets: Vec<UsageBucket>,
    /// The sources that sent most, most first.
    pub sources: Vec<SourceUsage>,
    /// Deliveries of sources beyond those that are told apart on a day.
    pub other_sources: OtherSources,
}

/// Deliveries by outcome.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UsageTotals {
    /// How many passed.
    pub accepted: u64,
    /// How many did not, by refusal code.
    pub refused: BTreeMap<&'static str, u64>,
}

/// Deliveries of one step of time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UsageBucket {
    /// When it begins.
    #[schema(format = DateTime)]
    pub at: String,
    /// How many passed.
    pub accepted: u64,
    /// How many did not, by refusal code.
    pub refused: BTreeMap<&'static str, u64>,
    /// Whether there were far more than is usual.
    pub spike: bool,
}

/// What a source sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SourceUsage {
    /// An IPv4 address, or the network of 64 bits around an IPv6 address.
    pub source: String,
    /// How many deliveries passed.
    pub accepted: u64,
    /// How many of those passed only because the webhook observes.
    pub would_be_refused: u64,
    /// How many did not.
    pub refused: u64,
    /// How many did not, by refusal code. Refusals that an older version counted are not in it.
    pub refused_by: BTreeMap<&'static str, u64>,
    /// When it was seen first, as long as the history is kept.
    #[schema(format = DateTime)]
    pub first_seen: String,
    /// When it was seen last.
    #[schema(format = DateTime)]
    pub last_seen: String,
    /// Whether it was seen first within the range, at a webhook that is older.
    pub new: bool,
}

/// What many sources sent together.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct OtherSources {
    /// How many deliveries passed.
    pub accepted: u64,
    /// How many did not.
    pub refused: u64,
}

/// Who would stop passing under another allowlist.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Preview {
    /// How many days of deliveries were looked at: 7 or 30.
    pub days: u16,
    /// Senders of accepted deliveries, at most 200: those that would stop passing first.
    pub senders: Vec<PreviewSender>,
    /// How many senders there are, shown or not.
    pub all_senders: u64,
    /// Those that pass now and would not then.
    pub would_stop: WouldStop,
    /// False if more may stop: deliveries of sources that are not told apart were accepted (`other_sources`).
    pub would_stop_known: bool,
    /// Accepted deliveries of sources that are not told apart.
    pub other_sources: u64,
    /// What about the allowlist deserves a second look.
    pub warnings: Vec<String>,
}

/// A sender, under the allowlist as it is and as it would be.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PreviewSender {
    /// Its address.
    pub source: String,
    /// How many of its deliveries were accepted.
    pub accepted: u64,
    /// When it was seen last.
    #[schema(format = DateTime)]
    pub last_seen: String,
    /// Whether it passes as things are.
    pub passes_now: bool,
    /// Whether it would pass then.
    pub passes_then: bool,
}

/// How much would stop passing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct WouldStop {
    /// How many senders.
    pub senders: u64,
    /// How many deliveries of theirs were accepted.
    pub deliveries: u64,
}

impl Usage {
    /// The usage of a webhook over a range.
    #[must_use]
    pub fn new(webhook: &Webhook, range: UsageRange, usage: &gate::Usage, top: &TopSources) -> Self {
        let wild = spikes(usage);
        let buckets = usage.buckets.iter().enumerate();
        Self {
            webhook: webhook.handle.to_string(),
            range: range.as_str(),
            totals: UsageTotals {
                accepted: usage.totals.accepted,
                refused: by_code(&usage.totals.refused),
            },
            buckets: buckets
                .map(|(place, bucket)| UsageBucket {
                    at: time(bucket.at),
                    accepted: bucket.accepted,
                    refused: by_code(&bucket.refused),
                    spike: wild.contains(&place),
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
    /// The preview over so many days.
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

    /// The preview with what about this allowlist deserves a second look, for somebody at this address.
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
    /// Its entries, those that stand for most deliveries first.
    pub allowlist: Vec<String>,
    /// How wide each of them is, in the same order: `256 addresses`.
    pub widths: Vec<String>,
    /// How many senders it is made from.
    pub senders: u64,
    /// Accepted deliveries that it does not answer for: of sources that are not told apart, or of more senders than it has
    /// entries for.
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

/// A number of addresses in words. Large networks of IPv6 are counted in those of 64 bits, which is what one host has.
#[must_use]
pub fn width(addresses: u128) -> String {
    if let Ok(addresses) = u64::try_from(addresses) {
        return counted(addresses, "address");
    }
    let networks = u64::try_from(addresses >> 64).unwrap_or(u64::MAX);
    counted(networks, "IPv6 /64 network")
}

/// What observing showed, as pages and commands say it.
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
