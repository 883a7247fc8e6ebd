//! The console: what its pages, its admin API and its monitoring endpoints work with.

use std::sync::Arc;

use hookgate_gate::{Gate, PeopleStore, Store};

use crate::feed::Feed;
use crate::health::HealthSources;
use crate::store_health::StoreHealth;
use crate::unshown_secrets::UnshownSecrets;
use hookgate_ingest::Metrics;
use hookgate_outbound::Fetcher;
use hookgate_request::{AnonymousForms, Host, Limits};
use hookgate_transport::tls::HotCertificate;
use hookgate_transport::{Admission, CancellationToken, Proxies, RequestIds};

/// Base URLs: `https://`, a host, and an optional port.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Base URL of the console.
    pub console: String,
    /// Base URL of webhooks.
    pub gate: String,
    /// File of the CA that senders have to trust, if it is not a public one.
    pub ca: Option<String>,
}

/// Serves the pages, the admin API and the monitoring endpoints.
pub struct Console<S> {
    pub(crate) gate: Arc<Gate<S>>,
    pub(crate) request_ids: RequestIds,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) host: Host,
    pub(crate) addresses: Addresses,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) fetcher: Arc<Fetcher>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) health_sources: Arc<HealthSources>,
    pub(crate) limits: Limits,
    pub(crate) anonymous_forms: AnonymousForms,
    pub(crate) feed: Arc<Feed>,
    pub(crate) gate_proxies: Option<GateProxies>,
    pub(crate) unshown_secrets: UnshownSecrets,
}

/// Trusted proxies in front of the gate's listener.
pub(crate) struct GateProxies {
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) proxy_protocol: bool,
}

impl<S: Store + PeopleStore> Console<S> {
    /// Creates the console over this gate.
    pub fn new(
        gate: Arc<Gate<S>>,
        request_ids: RequestIds,
        metrics: Arc<Metrics>,
        addresses: Addresses,
        proxies: Arc<Proxies>,
        fetcher: Arc<Fetcher>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            gate,
            request_ids,
            metrics,
            host: Host::new(&addresses.console),
            addresses,
            proxies,
            fetcher,
            shutdown,
            health_sources: Arc::default(),
            limits: Limits::default(),
            anonymous_forms: AnonymousForms::default(),
            feed: Arc::default(),
            gate_proxies: None,
            unshown_secrets: UnshownSecrets::default(),
        }
    }

    /// Reports forwarding headers that the gate ignores, given its trusted proxies. Without this call, none are
    /// reported.
    #[must_use]
    pub fn with_gate_behind(mut self, proxies: Arc<Proxies>, proxy_protocol: bool) -> Self {
        self.gate_proxies = Some(GateProxies {
            proxies,
            proxy_protocol,
        });
        self
    }

    /// Reports the state of these certificates (by the name of the listener), of the store, and of the connections of
    /// each listener.
    #[must_use]
    pub fn watching(
        mut self,
        certificates: Vec<(&'static str, Arc<HotCertificate>)>,
        store: Arc<dyn StoreHealth>,
        connections: Vec<Arc<Admission>>,
    ) -> Self {
        self.health_sources = Arc::new(HealthSources::new(certificates, store, connections));
        self
    }
}
