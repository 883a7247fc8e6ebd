//! The data of a chart: counted deliveries, the layers that show them, and the markup of an image.

use std::fmt;
use std::time::Duration;

use askama::filters::HtmlSafe;
use hookgate_domain::{RefusalCode, Timestamp};

/// Maximum number of refusal codes with a layer of their own; the others share one layer.
const NAMED_CODES: usize = 2;

/// HTML that this crate made from escaped parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svg(pub(super) String);

impl Svg {
    /// The markup.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Svg {}

/// Deliveries counted over a range of time.
#[derive(Clone, Debug)]
pub struct Series {
    /// Start of the first bucket.
    pub start: Timestamp,
    /// Length of each bucket.
    pub step: Duration,
    /// The buckets, oldest first, without gaps.
    pub buckets: Vec<Bucket>,
}

/// Deliveries counted in one step of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Accepted ones.
    pub accepted: u64,
    /// Refused ones, by code.
    pub refused: Vec<(RefusalCode, u64)>,
    /// `true` if the count is far above the usual.
    pub is_spike: bool,
}

impl Bucket {
    /// All refused ones.
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused
            .iter()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.accepted.saturating_add(self.refused_total())
    }

    fn refused_as(&self, code: RefusalCode) -> u64 {
        self.refused
            .iter()
            .filter(|(refused, _)| *refused == code)
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// The deliveries that one layer of the chart counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Accepted,
    Refused(RefusalCode),
    Others,
}

/// A chart with its legend and its table, ready for a template.
#[derive(Clone, Debug)]
pub struct Chart {
    pub(super) layers: Vec<Layer>,
    pub(super) series: Series,
}

impl Chart {
    /// Chooses the layers of the series.
    #[must_use]
    pub fn of(series: Series) -> Self {
        Self {
            layers: layers(&series),
            series,
        }
    }

    /// The rows of the table: buckets that have deliveries, newest first.
    pub(crate) fn rows(&self) -> Vec<TableRow> {
        let rows = self.series.buckets.iter().enumerate().rev();
        rows.filter(|(_, bucket)| bucket.total() > 0)
            .map(|(index, bucket)| TableRow {
                at: self.time(index),
                counts: self
                    .layers
                    .iter()
                    .map(|layer| layer.of(bucket, &self.layers))
                    .collect(),
                spike: bucket.is_spike,
            })
            .collect()
    }

    /// Number of accepted deliveries, and of refused ones by code, the most frequent first.
    pub(crate) fn totals(&self) -> (u64, Vec<(RefusalCode, u64)>) {
        let buckets = &self.series.buckets;
        let accepted = buckets
            .iter()
            .fold(0_u64, |sum, bucket| sum.saturating_add(bucket.accepted));
        let count = |code: RefusalCode| {
            let counts = buckets.iter().map(|bucket| bucket.refused_as(code));
            counts.fold(0_u64, u64::saturating_add)
        };
        let codes = RefusalCode::ALL.iter().map(|code| (*code, count(*code)));
        let mut codes: Vec<_> = codes.filter(|(_, count)| *count > 0).collect();
        codes.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
        (accepted, codes)
    }

    /// Summary of the chart in one sentence.
    pub(crate) fn summary(&self) -> String {
        let sum = |count: fn(&Bucket) -> u64| {
            self.series
                .buckets
                .iter()
                .fold(0_u64, |sum, bucket| sum.saturating_add(count(bucket)))
        };
        let spikes = self
            .series
            .buckets
            .iter()
            .filter(|bucket| bucket.is_spike)
            .count() as u64;
        let mut text = format!(
            "{} accepted, {} refused",
            crate::when::grouped(sum(|bucket| bucket.accepted)),
            crate::when::grouped(sum(Bucket::refused_total))
        );
        if spikes > 0 {
            text.push_str(", ");
            text.push_str(&crate::when::count(spikes, "spike"));
        }
        text
    }

    /// Start of a bucket.
    pub(super) fn time(&self, index: usize) -> Timestamp {
        let steps = u32::try_from(index).unwrap_or(u32::MAX);
        self.series.start.after(self.series.step.saturating_mul(steps))
    }
}

/// One row of the table beside the chart.
#[derive(Clone, Debug)]
pub(crate) struct TableRow {
    pub(crate) at: Timestamp,
    pub(crate) counts: Vec<u64>,
    pub(crate) spike: bool,
}

impl Layer {
    /// The name in the legend.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(code) => code.as_str(),
            Self::Others => "other",
        }
    }

    /// The deliveries of a bucket that this layer counts.
    pub(super) fn of(self, bucket: &Bucket, layers: &[Self]) -> u64 {
        match self {
            Self::Accepted => bucket.accepted,
            Self::Refused(code) => bucket.refused_as(code),
            Self::Others => {
                let named = layers.iter().filter_map(|layer| match layer {
                    Self::Refused(code) => Some(bucket.refused_as(*code)),
                    Self::Accepted | Self::Others => None,
                });
                named.fold(bucket.refused_total(), u64::saturating_sub)
            }
        }
    }
}

/// Chooses the layers: accepted, the most frequent refusal codes, and the other refusals if there are any.
fn layers(series: &Series) -> Vec<Layer> {
    let count = |code: RefusalCode| {
        let counts = series.buckets.iter().map(|bucket| bucket.refused_as(code));
        counts.fold(0_u64, u64::saturating_add)
    };
    let mut codes: Vec<_> = RefusalCode::ALL
        .iter()
        .map(|code| (count(*code), *code))
        .filter(|(count, _)| *count > 0)
        .collect();
    codes.sort_by(|one, other| other.cmp(one));
    let mut layers = vec![Layer::Accepted];
    layers.extend(
        codes
            .iter()
            .take(NAMED_CODES)
            .map(|(_, code)| Layer::Refused(*code)),
    );
    if codes.len() > NAMED_CODES {
        layers.push(Layer::Others);
    }
    layers
}
