//! The metrics of the server, and their text for Prometheus. They have no webhook IDs and no handles as labels, so
//! senders can't increase the number of series.

mod connections;
mod gauge;
mod gauges;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hookgate_domain::RefusalCode;
use hookgate_transport::HandshakeFailures;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text::encode};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;

use gauge::gauge;
pub use gauges::{CertificateGauges, Gauges, SetGauges};

/// Upper bounds of the histogram's buckets in seconds: from a refusal out of memory to the end of a sender's patience.
const BOUNDS: [f64; 11] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0,
];

/// Counters of the gate's listener since the process began. Counting takes no lock.
#[derive(Debug, Default)]
pub struct Metrics {
    accepted: AtomicU64,
    refused: [AtomicU64; RefusalCode::ALL.len()],
    /// Counts by bucket. The last one is for durations above every bound.
    durations: [AtomicU64; BOUNDS.len() + 1],
    duration_micros: AtomicU64,
    pub(crate) handshake_failures: HandshakeFailures,
}

impl Metrics {
    /// Counts an answer to a request at a webhook URL and its duration. `refused` is `None` for an accepted delivery.
    pub(crate) fn answered(&self, refused: Option<RefusalCode>, took: Duration) {
        let counter = match refused {
            None => Some(&self.accepted),
            Some(code) => RefusalCode::ALL
                .iter()
                .position(|known| *known == code)
                .and_then(|index| self.refused.get(index)),
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let seconds = took.as_secs_f64();
        let class = BOUNDS.partition_point(|bound| *bound < seconds);
        self.durations[class].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.duration_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// The text that Prometheus reads.
    ///
    /// # Errors
    /// Never, because writing to a `String` does not fail.
    pub fn text(&self, gauges: Gauges) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("hookgate");
        registry.register_collector(Box::new(Reading::of(self, gauges)));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// The values of all metrics at one moment.
#[derive(Debug)]
struct Reading {
    accepted: u64,
    refused: Vec<(&'static str, u64)>,
    durations: Vec<(f64, u64)>,
    duration_sum: f64,
    handshake_failures: Vec<(&'static str, u64)>,
    gauges: Gauges,
}

impl Reading {
    fn of(metrics: &Metrics, gauges: Gauges) -> Self {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let refused = RefusalCode::ALL.iter().zip(&metrics.refused);
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        Self {
            accepted: value(&metrics.accepted),
            refused: refused
                .map(|(code, counter)| (code.as_str(), value(counter)))
                .collect(),
            durations: bounds.zip(metrics.durations.iter().map(value)).collect(),
            duration_sum: Duration::from_micros(value(&metrics.duration_micros)).as_secs_f64(),
            handshake_failures: metrics.handshake_failures.counts(),
            gauges,
        }
    }
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut deliveries = encoder.encode_descriptor(
            "deliveries",
            "Requests at webhook URLs, by outcome and refusal code",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(self.accepted)
            .encode(deliveries.encode_family(&[("outcome", "accepted"), ("reason", "")])?)?;
        for (code, count) in &self.refused {
            ConstCounter::new(*count)
                .encode(deliveries.encode_family(&[("outcome", "refused"), ("reason", *code)])?)?;
        }
        self.encode_rejections(&mut encoder)?;
        let mut handshakes = encoder.encode_descriptor(
            "handshake_failures",
            "TLS handshakes with the gate that failed, by reason",
            None,
            MetricType::Counter,
        )?;
        for (reason, count) in &self.handshake_failures {
            ConstCounter::new(*count).encode(handshakes.encode_family(&[("reason", *reason)])?)?;
        }
        let mut durations = encoder.encode_descriptor(
            "delivery_duration_seconds",
            "From the head of a request to its answer",
            None,
            MetricType::Histogram,
        )?;
        let count = self.durations.iter().map(|(_, count)| count).sum();
        durations.encode_histogram::<NoLabelSet>(self.duration_sum, count, &self.durations, None)?;
        self.gauges.encode(&mut encoder)?;
        let mut build = encoder.encode_descriptor(
            "build_info",
            "Version of the running server",
            None,
            MetricType::Gauge,
        )?;
        gauge(1).encode(build.encode_family(&[("version", env!("CARGO_PKG_VERSION"))])?)
    }
}

impl Reading {
    /// The deliveries with the reason `IP_NOT_ALLOWED` once more, under the name that people search for.
    fn encode_rejections(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let reason = RefusalCode::IpNotAllowed.as_str();
        let refused = self.refused.iter().find(|(code, _)| *code == reason);
        let rejections = encoder.encode_descriptor(
            "allowlist_rejections",
            "Requests at webhook URLs from addresses that the allowlist does not have",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(refused.map_or(0, |(_, count)| *count)).encode(rejections)
    }
}

#[cfg(test)]
mod tests {
    use hookgate_domain::{IncidentStatus, Severity};
    use hookgate_gate::IncidentCount;
    use hookgate_transport::ConnectionGauges;

    use super::*;

    #[test]
    fn the_text_has_names_units_and_values() {
        let metrics = Metrics::default();
        metrics.answered(None, Duration::from_micros(700));
        metrics.answered(Some(RefusalCode::IpNotAllowed), Duration::from_secs(20));
        let gauges = Gauges {
            active: 2,
            failing: 1,
            incidents: vec![IncidentCount {
                status: IncidentStatus::Open,
                severity: Severity::Sev1,
                count: 7,
            }],
            revoked: 1,
            oldest_url: Duration::from_hours(1),
            sets: vec![SetGauges {
                name: "aws".to_owned(),
                networks: 9,
                pending: true,
                read: Some(Duration::from_mins(1)),
            }],
            certificates: vec![CertificateGauges {
                listener: "gate",
                remaining: Duration::from_hours(24),
                reload_failed: true,
            }],
            store_bytes: Some(4096),
            connections: vec![ConnectionGauges {
                listener: "gate",
                open: 5,
                limit: 8192,
                evicted: 3,
                refused: vec![("source", 2)],
            }],
        };
        let text = metrics.text(gauges).expect("text");
        for line in [
            r#"hookgate_deliveries_total{outcome="accepted",reason=""} 1"#,
            r#"hookgate_deliveries_total{outcome="refused",reason="IP_NOT_ALLOWED"} 1"#,
            "hookgate_allowlist_rejections_total 1",
            r#"hookgate_handshake_failures_total{reason="certificate_rejected"} 0"#,
            r#"hookgate_delivery_duration_seconds_bucket{le="0.0005"} 0"#,
            r#"hookgate_delivery_duration_seconds_bucket{le="0.001"} 1"#,
            r#"hookgate_delivery_duration_seconds_bucket{le="10.0"} 1"#,
            r#"hookgate_delivery_duration_seconds_bucket{le="+Inf"} 2"#,
            "hookgate_delivery_duration_seconds_count 2",
            r#"hookgate_webhooks{state="active"} 2"#,
            "hookgate_webhooks_failing 1",
            r#"hookgate_incidents{status="open",severity="SEV1"} 7"#,
            r#"hookgate_incidents{status="acknowledged",severity="SEV4"} 0"#,
            "hookgate_oldest_url_age_seconds 3600",
            r#"hookgate_address_set_networks{set="aws"} 9"#,
            r#"hookgate_address_set_pending{set="aws"} 1"#,
            r#"hookgate_address_set_read_age_seconds{set="aws"} 60"#,
            r#"hookgate_certificate_remaining_seconds{listener="gate"} 86400"#,
            r#"hookgate_certificate_reload_failed{listener="gate"} 1"#,
            "hookgate_store_bytes 4096",
            r#"hookgate_connections{listener="gate"} 5"#,
            r#"hookgate_connections_limit{listener="gate"} 8192"#,
            r#"hookgate_connections_evicted_total{listener="gate"} 3"#,
            r#"hookgate_connections_refused_total{listener="gate",reason="source"} 2"#,
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
