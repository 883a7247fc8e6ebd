//! The metrics of each listener's connections.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

use super::gauge::gauge;
use hookgate_transport::ConnectionGauges;

/// Writes the four metric families.
pub(super) fn encode(listeners: &[ConnectionGauges], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut open = encoder.encode_descriptor(
        "connections",
        "Open connections of a listener, handshakes included",
        None,
        MetricType::Gauge,
    )?;
    for it in listeners {
        gauge(it.open).encode(open.encode_family(&[("listener", it.listener)])?)?;
    }
    let mut limit = encoder.encode_descriptor(
        "connections_limit",
        "Connections that a listener takes; from three quarters of them on, those without a whole request make room",
        None,
        MetricType::Gauge,
    )?;
    for it in listeners {
        gauge(it.limit).encode(limit.encode_family(&[("listener", it.listener)])?)?;
    }
    let mut evicted = encoder.encode_descriptor(
        "connections_evicted",
        "Connections without a whole request that were closed to make room for others",
        None,
        MetricType::Counter,
    )?;
    for it in listeners {
        ConstCounter::new(it.evicted).encode(evicted.encode_family(&[("listener", it.listener)])?)?;
    }
    let mut refused = encoder.encode_descriptor(
        "connections_refused",
        "New connections that were closed because their source holds enough, by reason",
        None,
        MetricType::Counter,
    )?;
    for it in listeners {
        for (reason, count) in &it.refused {
            let labels = [("listener", it.listener), ("reason", *reason)];
            ConstCounter::new(*count).encode(refused.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
