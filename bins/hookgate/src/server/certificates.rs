//! Certificates on disk: read at the start, and again when their files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hookgate_domain::Timestamp;
use hookgate_gate::Gate;
use hookgate_storage::Database;
use hookgate_transport::shutdown::Signal;
use hookgate_transport::tls::{HotCertificate, TlsError};
use tokio::signal::unix::{self, SignalKind, signal};

use crate::failure::{Failure, with_sources};

/// How often the files are looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(30);

/// A certificate on disk, PEM.
#[derive(Clone, Debug)]
pub(crate) struct CertificateFiles {
    /// The chain.
    pub(crate) chain: PathBuf,
    /// The private key.
    pub(crate) key: PathBuf,
}

impl CertificateFiles {
    /// Reads them.
    pub(crate) fn load(&self) -> Result<Arc<HotCertificate>, Failure> {
        let (chain, key) = self.read()?;
        let certificate = HotCertificate::from_pem(&chain, &key).map_err(self.unusable())?;
        Ok(Arc::new(certificate))
    }

    /// What is said when they can't be used.
    pub(super) fn unusable(&self) -> impl Fn(TlsError) -> Failure + '_ {
        |error| {
            Failure::usage(format!(
                "can't use the certificate {}: {}",
                self.chain.display(),
                with_sources(&error)
            ))
        }
    }

    fn read(&self) -> Result<(Vec<u8>, Vec<u8>), Failure> {
        Ok((read(&self.chain)?, read(&self.key)?))
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.chain, &self.key].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
    }
}

/// A certificate in use. What happens to its files from here on is seen, and SIGHUP heeded.
pub(super) struct Kept {
    pub(super) certificate: Arc<HotCertificate>,
    pub(super) files: CertificateFiles,
    seen: [Option<SystemTime>; 2],
    hangup: unix::Signal,
}

impl Kept {
    /// Reads it.
    pub(super) fn load(files: CertificateFiles) -> Result<Self, Failure> {
        let hangup = signal(SignalKind::hangup())?;
        // Before they are read: a change in between is read twice rather than never.
        let seen = files.changed_at();
        let certificate = files.load()?;
        Ok(Self {
            certificate,
            files,
            seen,
            hangup,
        })
    }

    /// Takes up a changed certificate, at SIGHUP at once. A broken one is reported and the old one stays.
    pub(super) async fn keep_fresh(mut self, gate: Arc<Gate<Database>>, mut stop: Signal) {
        loop {
            let asked = tokio::select! {
                () = stop.given() => return,
                _ = self.hangup.recv() => true,
                () = tokio::time::sleep(RELOAD_INTERVAL) => false,
            };
            let now = self.files.changed_at();
            if asked || now != self.seen {
                self.seen = now;
                take_up(&self.certificate, self.files.clone(), gate.now()).await;
            }
        }
    }
}

async fn take_up(certificate: &HotCertificate, files: CertificateFiles, now: Timestamp) {
    let read = tokio::task::spawn_blocking(move || files.read()).await;
    match read.map_err(Failure::failed).and_then(|files| files) {
        Ok((chain, key)) => match certificate.reload(&chain, &key, now) {
            Ok(()) => tracing::info!("the certificate was reloaded"),
            Err(error) => tracing::error!(
                error = with_sources(&error),
                "the new certificate can't be used; the old one stays"
            ),
        },
        Err(failure) => {
            certificate.missed();
            tracing::error!(?failure, "the new certificate can't be read; the old one stays");
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::usage(format!("can't read {}: {error}", path.display())))
}
