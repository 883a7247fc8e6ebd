//! A running server: listeners, certificate reload, retention, and a stop that loses nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hookgate_domain::Timestamp;
use hookgate_gate::{Gate, Retention, Store};
use hookgate_storage::Database;
use hookgate_transport::shutdown::{self, Signal};
use hookgate_transport::tls::{HotCertificate, server_config};
use hookgate_transport::{Ingest, Listener, RequestIds};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::adapters;
use crate::failure::{Failure, with_sources};

/// How often the certificate's files are looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(30);
/// How often the history is pruned.
const PRUNE_INTERVAL: Duration = Duration::from_mins(1);
/// Pause between two slices of pruning, so that deliveries go first.
const PRUNE_PAUSE: Duration = Duration::from_millis(20);

/// What a server needs to know.
pub(crate) struct Plan {
    /// Where the gate listens.
    pub(crate) listen: SocketAddr,
    /// Where plain HTTP is refused, beside the gate's own port.
    pub(crate) plain_listen: Option<SocketAddr>,
    /// The certificate chain, PEM.
    pub(crate) certificate: PathBuf,
    /// Its private key, PEM.
    pub(crate) key: PathBuf,
    /// How long the history is kept.
    pub(crate) retention: Retention,
}

/// A server with its ports bound, not serving yet.
pub(crate) struct Server {
    gate: Arc<Gate<Database>>,
    listeners: Vec<Listener>,
    address: SocketAddr,
    certificate: Arc<HotCertificate>,
    plan: Plan,
}

impl Server {
    /// Binds the ports and reads the certificate.
    pub(crate) async fn bind(gate: Gate<Database>, plan: Plan) -> Result<Self, Failure> {
        let (chain, key) = (read(&plan.certificate)?, read(&plan.key)?);
        let unusable = |error| {
            Failure::usage(format!(
                "can't use the certificate {}: {}",
                plan.certificate.display(),
                with_sources(&error)
            ))
        };
        let certificate = Arc::new(HotCertificate::from_pem(&chain, &key).map_err(unusable)?);
        let tls = server_config(Arc::clone(&certificate)).map_err(unusable)?;
        let busy = |address: SocketAddr| {
            move |error| {
                Failure::failed(format!(
                    "can't listen on {address}: {error}; choose another address, or port 0 for a free one"
                ))
            }
        };
        let gate_listener = Listener::bind(plan.listen, tls)
            .await
            .map_err(busy(plan.listen))?;
        let address = gate_listener.local_addr()?;
        let mut listeners = vec![gate_listener];
        if let Some(plain) = plan.plain_listen {
            listeners.push(Listener::bind_plain(plain).await.map_err(busy(plain))?);
        }
        Ok(Self {
            gate: Arc::new(gate),
            listeners,
            address,
            certificate,
            plan,
        })
    }

    /// Where the gate listens, with its real port.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The use cases, for whoever watches the server.
    pub(crate) fn gate(&self) -> Arc<Gate<Database>> {
        Arc::clone(&self.gate)
    }

    /// Serves until SIGTERM or SIGINT, then finishes what is in flight and flushes the store.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (trigger, stop) = shutdown::channel();
        let mut seed = [0; 10];
        hookgate_gate::Entropy::fill(&adapters::random(), &mut seed).map_err(Failure::failed)?;
        let service = Arc::new(Ingest::new(Arc::clone(&self.gate), RequestIds::new(seed)));
        let mut listeners = JoinSet::new();
        for listener in self.listeners {
            listeners.spawn(listener.serve(Arc::clone(&service), stop.clone()));
        }
        let mut chores = JoinSet::new();
        chores.spawn(reload_certificate(
            self.certificate,
            self.plan.certificate,
            self.plan.key,
            stop.clone(),
        ));
        chores.spawn(prune(Arc::clone(&self.gate), self.plan.retention, stop));
        tracing::info!(address = %self.address, "serving");
        // Without systemd there is nobody to tell.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

        stop_signal().await?;
        tracing::info!("stopping: deliveries in flight are finished first");
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        trigger.pull();
        while listeners.join_next().await.is_some() {}
        while chores.join_next().await.is_some() {}
        drop(service);
        self.gate.store().close().await;
        Ok(())
    }
}

/// Waits for SIGTERM or SIGINT.
async fn stop_signal() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Takes up a changed certificate, at SIGHUP at once. A broken one is reported and the old one stays.
async fn reload_certificate(
    certificate: Arc<HotCertificate>,
    chain: PathBuf,
    key: PathBuf,
    mut stop: Signal,
) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return tracing::error!("SIGHUP can't be waited for; certificates are not reloaded");
    };
    let mut seen = (changed_at(&chain), changed_at(&key));
    loop {
        let asked = tokio::select! {
            () = stop.given() => return,
            _ = hangup.recv() => true,
            () = tokio::time::sleep(RELOAD_INTERVAL) => false,
        };
        let now = (changed_at(&chain), changed_at(&key));
        if !asked && now == seen {
            continue;
        }
        seen = now;
        let (chain_path, key_path) = (chain.clone(), key.clone());
        let files = tokio::task::spawn_blocking(move || Ok((read(&chain_path)?, read(&key_path)?))).await;
        match files
            .map_err(Failure::failed)
            .and_then(|files: Result<_, Failure>| files)
        {
            Ok((chain, key)) => match certificate.reload(&chain, &key) {
                Ok(()) => tracing::info!("the certificate was reloaded"),
                Err(error) => tracing::error!(
                    error = with_sources(&error),
                    "the new certificate can't be used; the old one stays"
                ),
            },
            Err(failure) => tracing::error!(?failure, "the new certificate can't be read; the old one stays"),
        }
    }
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// Keeps the history within its bounds, in small slices.
async fn prune(gate: Arc<Gate<Database>>, retention: Retention, mut stop: Signal) {
    loop {
        let now: Timestamp = gate.now();
        let pause = match gate.store().history_prune(retention, now).await {
            Ok(pruned) if pruned.is_empty() => PRUNE_INTERVAL,
            Ok(pruned) => {
                tracing::debug!(?pruned, "pruned the history");
                PRUNE_PAUSE
            }
            Err(error) => {
                tracing::warn!(error = with_sources(&error), "the history could not be pruned");
                PRUNE_INTERVAL
            }
        };
        tokio::select! {
            () = stop.given() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::usage(format!("can't read {}: {error}", path.display())))
}
