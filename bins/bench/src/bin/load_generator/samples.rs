//! Latencies of requests, and their report.

use std::time::Duration;

use serde_json::{Value, json};

/// Every latency, in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<u32>);

impl Samples {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0
            .push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// The JSON report of a run that took this long.
    pub(crate) fn report(mut self, took: Duration) -> Value {
        self.0.sort_unstable();
        json!({
            "answers": self.0.len(),
            "seconds": took.as_secs_f64(),
            "p50_us": self.percentile(500),
            "p99_us": self.percentile(990),
            "p999_us": self.percentile(999),
        })
    }

    /// The smallest latency that `thousandths` of a thousand don't exceed. The samples are sorted.
    fn percentile(&self, thousandths: usize) -> u32 {
        let rank = (self.0.len() * thousandths).div_ceil(1000);
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_latencies_that_were_seen() {
        let mut samples = Samples::default();
        for micros in (1..=1000).rev() {
            samples.add(Duration::from_micros(micros));
        }
        let report = samples.report(Duration::from_secs(2));
        assert_eq!(
            report,
            json!({"answers": 1000, "seconds": 2.0, "p50_us": 500, "p99_us": 990, "p999_us": 999})
        );
        assert_eq!(Samples::default().report(Duration::ZERO)["p50_us"], 0);
    }
}
