//! `/healthz`, `/readyz` and `/metrics` for monitoring: liveness, readiness and metrics of the process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookgate_gate::{Gate, LogInterval, Store, StoreError};
use hyper::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::html;
use crate::store_health::{StoreHealth, WriteProbe};
use hookgate_ingest::{CertificateGauges, Gauges, Metrics, SetGauges};
use hookgate_request::{ApiError, ErrorCode};
use hookgate_transport::reply::{self, Reply};
use hookgate_transport::tls::{CertificateState, HotCertificate};
use hookgate_transport::{Admission, Fullness};

/// Log interval for metrics that can't be written.
static NO_METRICS: LogInterval = LogInterval::new();

/// Time for which metrics are cached: monitoring systems ask more rarely.
const METRICS_LIFE: Duration = Duration::from_secs(1);

/// The text format's media type, by the `OpenMetrics` specification.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Name of the senders' listener.
const GATE: &str = "gate";

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    store: &'static str,
    /// By listener: `ok`, `nearly_full` or `full`. A full gate makes the node unready, because new connections to it
    /// wait and are better sent to another node. A full console doesn't: the caller has a connection already.
    connections: BTreeMap<&'static str, &'static str>,
    /// By listener. No state of a certificate makes the node unready: every node has the same files, and after a
    /// failed reload the previous certificate stays in use.
    certificates: BTreeMap<&'static str, &'static str>,
}

/// Sources of readiness and metrics, and the cached results.
#[derive(Default)]
pub(super) struct HealthSources {
    /// The served certificates, by the name of the listener.
    certificates: Vec<(&'static str, Arc<HotCertificate>)>,
    /// Health of the store beyond the gate's port.
    store: Option<Arc<dyn StoreHealth>>,
    /// The connections of each listener.
    connections: Vec<Arc<Admission>>,
    write_probe: WriteProbe,
    /// The metrics and the time at which they were collected.
    cached_metrics: Mutex<Option<(Instant, Result<Bytes, ApiError>)>>,
}

impl HealthSources {
    pub(super) fn new(
        certificates: Vec<(&'static str, Arc<HotCertificate>)>,
        store: Arc<dyn StoreHealth>,
        connections: Vec<Arc<Admission>>,
    ) -> Self {
        Self {
            certificates,
            store: Some(store),
            connections,
            ..Self::default()
        }
    }

    /// Reads from the store and writes to it.
    async fn try_store<S: Store>(&self, gate: &Gate<S>) -> Result<(), StoreError> {
        gate.store().webhook_counts().await?;
        match &self.store {
            Some(store) => store.write().await,
            None => Ok(()),
        }
    }
}

/// Liveness: the process answers.
pub(crate) fn alive() -> Reply {
    reply::success(StatusCode::OK, &Health { status: "ok" })
}

/// Readiness: the store can be read and written, and the gate accepts connections. The states of the other listeners
/// and of the certificates are reported, but don't count.
pub(super) async fn ready<S: Store>(gate: &Gate<S>, sources: &HealthSources) -> Reply {
    let has_store = sources.write_probe.passes(sources.try_store(gate)).await;
    let now = gate.now();
    let certificates = sources.certificates.iter();
    readiness(
        has_store,
        sources
            .connections
            .iter()
            .map(|it| (it.name(), it.fullness()))
            .collect(),
        certificates
            .map(|(name, it)| (*name, certificate_word(it.state(now))))
            .collect(),
    )
}

fn readiness(
    has_store: bool,
    connections: BTreeMap<&'static str, Fullness>,
    certificates: BTreeMap<&'static str, &'static str>,
) -> Reply {
    let is_full = connections.get(GATE) == Some(&Fullness::Full);
    let is_ready = has_store && !is_full;
    let word = |is_well| if is_well { "ok" } else { "unavailable" };
    let readiness = Readiness {
        status: word(is_ready),
        store: word(has_store),
        connections: connections
            .into_iter()
            .map(|(name, fullness)| (name, fullness.as_str()))
            .collect(),
        certificates,
    };
    if is_ready {
        reply::success(StatusCode::OK, &readiness)
    } else {
        ApiError::from(ErrorCode::Unavailable).reply_with(Some(&readiness))
    }
}

const fn certificate_word(state: CertificateState) -> &'static str {
    match state {
        CertificateState::Current => "ok",
        CertificateState::ReloadFailed => "reload_failed",
        CertificateState::Expired => "expired",
    }
}

/// Metrics for Prometheus. Requests need no credentials, so the metrics are cached for a second.
pub(super) async fn metrics<S: Store>(
    gate: &Arc<Gate<S>>,
    metrics: &Arc<Metrics>,
    sources: &Arc<HealthSources>,
) -> Result<Reply, ApiError> {
    let (gate, metrics, sources) = (Arc::clone(gate), Arc::clone(metrics), Arc::clone(sources));
    // In a task of its own: the client may leave, and the next request would query the store again.
    let collecting = tokio::spawn(async move {
        let mut cached = sources.cached_metrics.lock().await;
        if let Some((at, text)) = &*cached
            && at.elapsed() < METRICS_LIFE
        {
            return text.clone();
        }
        let text = metrics_text(&gate, &metrics, &sources).await;
        *cached = Some((Instant::now(), text.clone()));
        text
    });
    let text = collecting
        .await
        .unwrap_or_else(|_| Err(ErrorCode::Internal.into()))?;
    Ok(html::of(StatusCode::OK, OPENMETRICS, text.into()))
}

async fn metrics_text<S: Store>(
    gate: &Gate<S>,
    metrics: &Metrics,
    sources: &HealthSources,
) -> Result<Bytes, ApiError> {
    let counts = gate.store().webhook_counts().await?;
    let now = gate.now();
    let sets = gate.store().address_sets().await?;
    let store_bytes = match &sources.store {
        Some(store) => Some(store.bytes().await?),
        None => None,
    };
    let set = |set: &hookgate_domain::address_set::AddressSet| SetGauges {
        name: set.name.to_string(),
        networks: set.networks,
        pending: set.pending.is_some(),
        read: set
            .reading
            .read_at
            .filter(|_| set.url().is_some())
            .map(|at| now.since(at)),
    };
    let certificate = |(listener, it): &(&'static str, Arc<HotCertificate>)| CertificateGauges {
        listener,
        remaining: it.remaining(now),
        reload_failed: it.state(now) == CertificateState::ReloadFailed,
    };
    let gauges = Gauges {
        sets: sets.iter().map(set).collect(),
        certificates: sources.certificates.iter().map(certificate).collect(),
        store_bytes,
        connections: sources.connections.iter().map(|it| it.gauges()).collect(),
        failing: u64::try_from(gate.failing().await?.len()).unwrap_or(u64::MAX),
        incidents: gate.store().incident_counts().await?,
        active: counts.active,
        revoked: counts.revoked,
        oldest_url: counts
            .oldest_issued_at
            .map_or(Duration::ZERO, |issued| now.since(issued)),
    };
    let text = metrics.text(gauges).map_err(|error| {
        if let Some(left_out) = NO_METRICS.line() {
            tracing::error!(%error, left_out, "the metrics can't be written");
        }
        ApiError::from(ErrorCode::Internal)
    })?;
    Ok(Bytes::from(text))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use hyper::header::RETRY_AFTER;
    use serde_json::{Value, json};

    use super::*;

    async fn readiness_reply(has_store: bool, gate: Fullness) -> (StatusCode, bool, Value) {
        let connections = BTreeMap::from([(GATE, gate), ("console", Fullness::Full)]);
        let certificates = BTreeMap::from([(GATE, "ok")]);
        let reply = readiness(has_store, connections, certificates);
        let status = reply.status();
        let has_retry_after = reply.headers().contains_key(RETRY_AFTER);
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        (status, has_retry_after, serde_json::from_slice(&body).unwrap())
    }

    fn of(status: &str, store: &str, gate: &str) -> Value {
        json!({
            "status": status,
            "store": store,
            "connections": {"gate": gate, "console": "full"},
            "certificates": {"gate": "ok"},
        })
    }

    #[tokio::test]
    async fn readiness_is_in_the_envelope_that_its_status_says() {
        let ready = json!({"success": true, "data": of("ok", "ok", "nearly_full")});
        assert_eq!(
            readiness_reply(true, Fullness::NearlyFull).await,
            (StatusCode::OK, false, ready)
        );
        for (has_store, gate, details) in [
            (false, Fullness::Ok, of("unavailable", "unavailable", "ok")),
            (true, Fullness::Full, of("unavailable", "ok", "full")),
        ] {
            let error =
                json!({"code": "UNAVAILABLE", "message": "Temporarily unavailable", "details": details});
            let not_ready = json!({"success": false, "error": error});
            assert_eq!(
                readiness_reply(has_store, gate).await,
                (StatusCode::SERVICE_UNAVAILABLE, true, not_ready)
            );
        }
    }
}
