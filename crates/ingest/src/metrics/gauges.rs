//! Gauges that are read when the metrics are requested.

use std::fmt;
use std::time::Duration;

use hookgate_domain::{IncidentStatus, Severity};
use hookgate_gate::IncidentCount;
use hookgate_transport::ConnectionGauges;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;

use super::connections;
use super::gauge::gauge;

/// Severities with a series each, also at zero.
const SEVERITIES: [Severity; 5] = [
    Severity::Sev0,
    Severity::Sev1,
    Severity::Sev2,
    Severity::Sev3,
    Severity::Sev4,
];

/// Gauges that are read from the store, the listeners and the certificates when the metrics are requested.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// Webhooks with a live URL.
    pub active: u64,
    /// Revoked webhooks.
    pub revoked: u64,
    /// Webhooks whose deliveries of the last 24 hours were refused.
    pub failing: u64,
    /// Numbers of unresolved incidents.
    pub incidents: Vec<IncidentCount>,
    /// Age of the oldest live URL.
    pub oldest_url: Duration,
    /// The address sets.
    pub sets: Vec<SetGauges>,
    /// The certificates of the listeners.
    pub certificates: Vec<CertificateGauges>,
    /// Bytes of the database on disk. `None` if they are not measured.
    pub store_bytes: Option<u64>,
    /// The connections of each listener.
    pub connections: Vec<ConnectionGauges>,
}

/// The state of a listener's certificate.
#[derive(Clone, Debug)]
pub struct CertificateGauges {
    /// Name of the listener.
    pub listener: &'static str,
    /// Remaining validity.
    pub remaining: Duration,
    /// `true` if a newer certificate can't be used.
    pub reload_failed: bool,
}

/// The state of an address set.
#[derive(Clone, Debug)]
pub struct SetGauges {
    /// Name of the set.
    pub name: String,
    /// Number of networks.
    pub networks: u64,
    /// `true` if a version waits for approval.
    pub pending: bool,
    /// Time since its published list was last read. `None` if it has no list, or none was read yet.
    pub read: Option<Duration>,
}

impl Gauges {
    /// Writes all of them.
    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut webhooks =
            encoder.encode_descriptor("webhooks", "Webhooks by state", None, MetricType::Gauge)?;
        for (state, count) in [("active", self.active), ("revoked", self.revoked)] {
            gauge(count).encode(webhooks.encode_family(&[("state", state)])?)?;
        }
        self.encode_trouble(encoder)?;
        let oldest = encoder.encode_descriptor(
            "oldest_url_age_seconds",
            "Age of the oldest webhook URL that is alive",
            None,
            MetricType::Gauge,
        )?;
        gauge(self.oldest_url.as_secs()).encode(oldest)?;
        self.encode_sets(encoder)?;
        self.encode_certificates(encoder)?;
        self.encode_store(encoder)?;
        connections::encode(&self.connections, encoder)
    }

    /// Gauges for alerts: failing webhooks and unresolved incidents.
    fn encode_trouble(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let failing = encoder.encode_descriptor(
            "webhooks_failing",
            "Webhooks whose deliveries of the last 24 hours were refused; doctor names them",
            None,
            MetricType::Gauge,
        )?;
        gauge(self.failing).encode(failing)?;
        let mut incidents = encoder.encode_descriptor(
            "incidents",
            "Incidents that are not resolved, up to 10000 of a status",
            None,
            MetricType::Gauge,
        )?;
        for status in [IncidentStatus::Open, IncidentStatus::Acknowledged] {
            for severity in SEVERITIES {
                let of = |found: &&IncidentCount| (found.status, found.severity) == (status, severity);
                let count = self.incidents.iter().find(of).map_or(0, |found| found.count);
                let labels = [("status", status.as_str()), ("severity", severity.as_str())];
                gauge(count).encode(incidents.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn encode_store(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Some(bytes) = self.store_bytes else {
            return Ok(());
        };
        let store = encoder.encode_descriptor(
            "store_bytes",
            "Size of the database on disk, free space included",
            None,
            MetricType::Gauge,
        )?;
        gauge(bytes).encode(store)
    }

    fn encode_sets(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut networks = encoder.encode_descriptor(
            "address_set_networks",
            "Networks of an address set",
            None,
            MetricType::Gauge,
        )?;
        for set in &self.sets {
            gauge(set.networks).encode(networks.encode_family(&[("set", set.name.as_str())])?)?;
        }
        let mut pending = encoder.encode_descriptor(
            "address_set_pending",
            "1 if a version of an address set waits for approval, else 0",
            None,
            MetricType::Gauge,
        )?;
        for set in &self.sets {
            gauge(set.pending.into()).encode(pending.encode_family(&[("set", set.name.as_str())])?)?;
        }
        let mut age = encoder.encode_descriptor(
            "address_set_read_age_seconds",
            "Time since the published list of an address set was last read",
            None,
            MetricType::Gauge,
        )?;
        for set in &self.sets {
            if let Some(read) = set.read {
                gauge(read.as_secs()).encode(age.encode_family(&[("set", set.name.as_str())])?)?;
            }
        }
        Ok(())
    }

    fn encode_certificates(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut remaining = encoder.encode_descriptor(
            "certificate_remaining_seconds",
            "Remaining validity of the certificate of a listener",
            None,
            MetricType::Gauge,
        )?;
        for it in &self.certificates {
            gauge(it.remaining.as_secs()).encode(remaining.encode_family(&[("listener", it.listener)])?)?;
        }
        let mut failed = encoder.encode_descriptor(
            "certificate_reload_failed",
            "1 if the newest certificate of a listener can't be used and the one before is served, else 0",
            None,
            MetricType::Gauge,
        )?;
        for it in &self.certificates {
            gauge(it.reload_failed.into()).encode(failed.encode_family(&[("listener", it.listener)])?)?;
        }
        Ok(())
    }
}
