//! A gauge with one value.

use prometheus_client::metrics::gauge::ConstGauge;

/// A gauge with this value.
pub(super) fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}
