//! For machines that watch: whether the process lives, whether it can do its work, and what it counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookgate_gate::{Gate, Store};
use hyper::StatusCode;
use serde::Serialize;

use super::fault::Fault;
use super::html;
use crate::metrics::{CertificateGauges, Gauges, Metrics, SetGauges};
use crate::reply::{self, Reply};
use crate::tls::{CertificateState, HotCertificate};

/// The text format's media type, by the `OpenMetrics` specification.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    store: &'static str,
    /// By listener. None of them is a reason to send traffic elsewhere: every node has the same files, and the certificate
    /// that stays is the one that worked until now.
    certificates: BTreeMap<&'static str, &'static str>,
}

/// The certificates that are served, each by the name of its listener.
pub(super) type Certificates = [(&'static str, Arc<HotCertificate>)];

/// The process answers.
pub(crate) fn alive() -> Reply {
    reply::success(StatusCode::OK, &Health { status: "ok" })
}

/// The store answers too, and what people should look at although it does.
pub(super) async fn ready<S: Store>(gate: &Gate<S>, certificates: &Certificates) -> Reply {
    let now = gate.now();
    let certificates = certificates.iter();
    let (status, word) = match gate.store().webhook_census().await {
        Ok(_) => (StatusCode::OK, "ok"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    };
    let mut reply = reply::success(
        status,
        &Readiness {
            status: if status == StatusCode::OK {
                "ok"
            } else {
                "unavailable"
            },
            store: word,
            certificates: certificates
                .map(|(name, it)| (*name, word_of(it.state(now))))
                .collect(),
        },
    );
    *reply.status_mut() = status;
    reply
}

const fn word_of(state: CertificateState) -> &'static str {
    match state {
        CertificateState::Current => "ok",
        CertificateState::ReloadFailed => "reload_failed",
        CertificateState::Expired => "expired",
    }
}

/// What Prometheus reads.
pub(super) async fn metrics<S: Store>(
    gate: &Gate<S>,
    metrics: &Metrics,
    certificates: &Certificates,
) -> Result<Reply, Fault> {
    let census = gate.store().webhook_census().await?;
    let now = gate.now();
    let sets = gate.store().address_sets().await?;
    let set = |set: &hookgate_domain::AddressSet| SetGauges {
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
        certificates: certificates.iter().map(certificate).collect(),
        active: census.active,
        revoked: census.revoked,
        oldest_url: census
            .oldest_issued_at
            .map_or(Duration::ZERO, |issued| now.since(issued)),
    };
    let text = metrics.text(gauges).map_err(|error| {
        tracing::error!(%error, "the metrics can't be written");
        Fault::from(super::fault::Code::Internal)
    })?;
    Ok(html::of(StatusCode::OK, OPENMETRICS, Bytes::from(text).into()))
}
