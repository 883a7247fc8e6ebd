//! A running server: listeners, certificate reload, retention, and a stop that loses nothing.

mod background;
mod certificates;
mod configuration;
mod health;
mod signals;
mod trusted;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hookgate_admin::{Addresses, Console};
use hookgate_gate::{Gate, Retention};
use hookgate_ingest::{Ingest, Metrics};
use hookgate_outbound::Fetcher;
use hookgate_storage::Database;
use hookgate_transport::tls::{MinTls, server_config};
use hookgate_transport::{CancellationToken, Listener, Proxies, RequestIds};
use tokio::signal::unix;
use tokio::task::JoinSet;

use crate::adapters;
use crate::app;
use crate::certificate_files::CertificateFiles;
use crate::config::{FrontSettings, Lists};
use crate::descriptors::{ConnectionLimits, raise_limit};
use crate::failure::Failure;

use certificates::LoadedCertificate;
use signals::{outlive_file_limit, stop_signals};
use trusted::trusted;

pub(crate) use configuration::FilesAtStart;

/// The settings of a server.
pub(crate) struct Plan {
    /// Address of the gate.
    pub(crate) listen: SocketAddr,
    /// Address at which plain HTTP is refused, besides the gate's own port.
    pub(crate) plain_listen: Option<SocketAddr>,
    /// Time without a request after which the gate closes a connection; by default that of the listener.
    pub(crate) idle_timeout: Option<Duration>,
    /// Base of webhook URLs; by default `localhost` and the gate's port.
    pub(crate) public_url: Option<String>,
    /// The file of a CA that senders must trust, unless it is a public one.
    pub(crate) ca: Option<PathBuf>,
    /// Minimum TLS version of both listeners.
    pub(crate) min_tls: MinTls,
    /// The gate's certificate.
    pub(crate) certificate: CertificateFiles,
    /// Address of the console.
    pub(crate) console_listen: SocketAddr,
    /// The console's certificate; by default that of the gate.
    pub(crate) console_certificate: Option<CertificateFiles>,
    /// Base of the console's URLs; by default `localhost` and the console's port.
    pub(crate) console_url: Option<String>,
    /// Limits of the history.
    pub(crate) retention: Retention,
    /// The proxies in front of the gate.
    pub(crate) front: FrontSettings,
    /// The proxies in front of the console.
    pub(crate) console_front: FrontSettings,
    /// Settings for reading published lists.
    pub(crate) lists: Lists,
    /// The files of the server's configuration, if it has one.
    pub(crate) configuration: Option<FilesAtStart>,
}

/// A server with bound ports that does not serve yet.
pub(crate) struct Server {
    gate: Arc<Gate<Database>>,
    gate_listeners: Vec<Listener>,
    console_listener: Listener,
    address: SocketAddr,
    addresses: Addresses,
    certificate: LoadedCertificate,
    /// The console's own certificate, if it has one.
    console_certificate: Option<LoadedCertificate>,
    retention: Retention,
    fronts: [(FrontSettings, Arc<Proxies>); 2],
    fetcher: Arc<Fetcher>,
    refresh_after: Duration,
    configuration: Option<FilesAtStart>,
    stop_signals: [unix::Signal; 2],
}

impl Server {
    /// Binds the ports, reads the certificates, and listens for signals: a signal before [`run`](Self::run) counts too.
    pub(crate) async fn bind(gate: Gate<Database>, plan: Plan) -> Result<Self, Failure> {
        outlive_file_limit()?;
        let limits = limits(&gate).await?;
        let certificate = LoadedCertificate::load(plan.certificate)?;
        let console_certificate = plan
            .console_certificate
            .map(LoadedCertificate::load)
            .transpose()?;
        let tls_with = |kept: &LoadedCertificate| {
            server_config(Arc::clone(&kept.certificate), plan.min_tls)
                .map_err(|error| kept.files.unusable(&error))
        };
        let tls = tls_with(&certificate)?;
        let console_tls = match &console_certificate {
            Some(kept) => tls_with(kept)?,
            None => Arc::clone(&tls),
        };
        let busy = |address: SocketAddr| {
            move |error| {
                Failure::failed(format!(
                    "can't listen on {address}: {error}; choose another address, or port 0 for a free one"
                ))
            }
        };
        let [proxies, console_proxies] = [
            Proxies::new(trusted(&gate, "gate", &plan.front).await?),
            Proxies::new(trusted(&gate, "console", &plan.console_front).await?),
        ];
        let mut gate_listener = Listener::bind(plan.listen, tls)
            .await
            .map_err(busy(plan.listen))?
            .named("gate")
            .max_connections(limits.gate)
            .behind(Arc::clone(&proxies), plan.front.proxy_protocol);
        if let Some(idle_timeout) = plan.idle_timeout {
            gate_listener = gate_listener.idle_timeout(idle_timeout);
        }
        let address = gate_listener.local_addr().map_err(port_unknown)?;
        let mut gate_listeners = vec![gate_listener];
        if let Some(plain) = plan.plain_listen {
            let listener = Listener::bind_plain(plain).await.map_err(busy(plain))?;
            let listener = listener.named("plain").max_connections(limits.plain);
            gate_listeners.push(listener.behind(Arc::clone(&proxies), plan.front.proxy_protocol));
        }
        let console_listener = Listener::bind(plan.console_listen, console_tls)
            .await
            .map_err(busy(plan.console_listen))?
            .named("console")
            .max_connections(limits.console)
            .behind(Arc::clone(&console_proxies), plan.console_front.proxy_protocol);
        let port = console_listener.local_addr().map_err(port_unknown)?.port();
        Ok(Self {
            gate: Arc::new(gate),
            gate_listeners,
            console_listener,
            address,
            addresses: Addresses {
                console: plan
                    .console_url
                    .unwrap_or_else(|| format!("https://localhost:{port}")),
                gate: plan
                    .public_url
                    .unwrap_or_else(|| format!("https://localhost:{}", address.port())),
                ca: plan.ca.map(|path| path.display().to_string()),
            },
            certificate,
            console_certificate,
            retention: plan.retention,
            fronts: [(plan.front, proxies), (plan.console_front, console_proxies)],
            fetcher: Arc::new(plan.lists.fetcher()?),
            refresh_after: plan.lists.refresh_after,
            configuration: plan.configuration,
            stop_signals: stop_signals()?,
        })
    }

    /// Base of the URLs of gate and console.
    pub(crate) const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The use cases, for a caller that follows the server's deliveries.
    pub(crate) fn gate(&self) -> Arc<Gate<Database>> {
        Arc::clone(&self.gate)
    }

    /// Serves until SIGTERM or SIGINT, then finishes requests in flight and flushes the store.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let shutdown = CancellationToken::new();
        // An early return stops the connections too, which are tasks of their own.
        let _on_return = shutdown.clone().drop_guard();
        let metrics = Arc::new(Metrics::default());
        let gate = Arc::clone(&self.gate);
        let ingest = Arc::new(Ingest::new(
            gate,
            Arc::clone(&self.fronts[0].1),
            request_ids()?,
            Arc::clone(&metrics),
        ));
        let of_console = self.console_certificate.as_ref().unwrap_or(&self.certificate);
        let watched = [("gate", &self.certificate), ("console", of_console)]
            .map(|(name, kept)| (name, Arc::clone(&kept.certificate)));
        let gate = Arc::clone(&self.gate);
        let store = Arc::new(health::Health(Arc::clone(&gate)));
        let console = Console::new(
            gate,
            request_ids()?,
            metrics,
            self.addresses,
            Arc::clone(&self.fronts[1].1),
            Arc::clone(&self.fetcher),
            shutdown.clone(),
        );
        let listeners = self.gate_listeners.iter().chain([&self.console_listener]);
        let connections = listeners.map(Listener::admission).collect();
        let (front, proxies) = &self.fronts[0];
        let console = console
            .watching(watched.into(), store, connections)
            .with_gate_behind(Arc::clone(proxies), front.proxy_protocol);
        let console = Arc::new(console);
        let console_address = self.console_listener.local_addr().map_err(port_unknown)?;
        let mut listeners = JoinSet::new();
        for listener in self.gate_listeners {
            listeners.spawn(listener.serve(Arc::clone(&ingest), shutdown.clone()));
        }
        listeners.spawn(
            self.console_listener
                .serve(Arc::clone(&console), shutdown.clone()),
        );
        let mut background = JoinSet::new();
        for kept in [Some(self.certificate), self.console_certificate]
            .into_iter()
            .flatten()
        {
            background.spawn(kept.keep_fresh(Arc::clone(&self.gate), shutdown.clone()));
        }
        if let Some(configuration) = self.configuration {
            background.spawn(configuration.watch(shutdown.clone()));
        }
        background.spawn(background::refresh(Arc::clone(&self.gate), shutdown.clone()));
        let [front, console_front] = self.fronts;
        background.spawn(background::keep_trusting(
            Arc::clone(&self.gate),
            "gate",
            front,
            shutdown.clone(),
        ));
        background.spawn(background::keep_trusting(
            Arc::clone(&self.gate),
            "console",
            console_front,
            shutdown.clone(),
        ));
        let lists = background::read_lists(
            Arc::clone(&self.gate),
            self.fetcher,
            self.refresh_after,
            shutdown.clone(),
        );
        background.spawn(lists);
        background.spawn(background::count(Arc::clone(&self.gate), shutdown.clone()));
        background.spawn(background::prune(
            Arc::clone(&self.gate),
            self.retention,
            shutdown.clone(),
        ));
        tracing::info!(
            address = %self.address,
            console = %console_address,
            version = env!("CARGO_PKG_VERSION"),
            "serving"
        );
        // Without systemd there is no socket to notify.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

        let [mut terminate, mut interrupt] = self.stop_signals;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: deliveries in flight are finished first");
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        shutdown.cancel();
        while listeners.join_next().await.is_some() {}
        while background.join_next().await.is_some() {}
        drop((ingest, console));
        self.gate.store().close().await;
        Ok(())
    }
}

/// The connection limits under the limit on open files, after that is raised. The store keeps it for `doctor`.
async fn limits(gate: &Gate<Database>) -> Result<ConnectionLimits, Failure> {
    let limits = ConnectionLimits::within(raise_limit());
    if let Some(warning) = limits.warning() {
        tracing::warn!("{warning}");
    }
    app::remember_descriptors(gate.store(), limits.descriptors).await?;
    Ok(limits)
}

fn request_ids() -> Result<RequestIds, Failure> {
    let mut seed = [0; 6];
    hookgate_gate::Entropy::fill(&adapters::random(), &mut seed).map_err(Failure::failed)?;
    Ok(RequestIds::new(seed))
}

fn port_unknown(error: impl Display) -> Failure {
    Failure::failed(format!("can't tell which port was bound: {error}"))
}
