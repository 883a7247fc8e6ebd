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

use super::unheeded;
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
    /// When the files that were taken up last were changed.
    seen: [Option<SystemTime>; 2],
    /// Why newer files were not taken up.
    problem: Option<String>,
    hangup: unix::Signal,
}

impl Kept {
    /// Reads it.
    pub(super) fn load(files: CertificateFiles) -> Result<Self, Failure> {
        let hangup = signal(SignalKind::hangup()).map_err(unheeded)?;
        // Before they are read: a change in between is read twice rather than never.
        let seen = files.changed_at();
        let certificate = files.load()?;
        Ok(Self {
            certificate,
            files,
            seen,
            problem: None,
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
            self.look(asked, gate.now()).await;
        }
    }

    /// Takes up files that have changed. Those that could not be taken up are tried each time: what is wrong with them may be
    /// mended without a change of theirs. The same problem is logged once, unless somebody asked.
    async fn look(&mut self, asked: bool, now: Timestamp) {
        let changed = self.files.changed_at();
        if !asked && changed == self.seen && self.problem.is_none() {
            return;
        }
        match take_up(&self.certificate, self.files.clone(), now).await {
            Ok(()) => {
                (self.seen, self.problem) = (changed, None);
                tracing::info!("the certificate was reloaded");
            }
            Err(problem) => {
                if asked || self.problem.as_ref() != Some(&problem) {
                    tracing::error!(
                        error = problem,
                        "the new certificate can't be used; the old one stays"
                    );
                }
                self.problem = Some(problem);
            }
        }
    }
}

/// Puts what the files hold in the place of the certificate, or says why it can't be.
async fn take_up(
    certificate: &HotCertificate,
    files: CertificateFiles,
    now: Timestamp,
) -> Result<(), String> {
    let read = tokio::task::spawn_blocking(move || files.read()).await;
    match read.map_err(Failure::failed).and_then(|files| files) {
        Ok((chain, key)) => certificate
            .reload(&chain, &key, now)
            .map_err(|error| with_sources(&error)),
        Err(failure) => {
            certificate.missed();
            Err(failure.message().to_owned())
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::usage(format!("can't read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use hookgate_transport::tls::CertificateState;

    use super::*;
    use crate::dev_certificate;

    #[tokio::test]
    async fn a_key_that_was_mended_without_a_trace_is_taken_up() {
        let directory = tempfile::tempdir().unwrap();
        let made = dev_certificate::ensure(directory.path()).unwrap();
        let files = CertificateFiles {
            chain: made.chain,
            key: made.key.clone(),
        };
        let mut kept = Kept::load(files).unwrap();
        let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
        let state = |kept: &Kept| kept.certificate.state(now);

        dev_certificate::ensure(directory.path()).unwrap();
        let key = std::fs::read(&made.key).unwrap();
        let changed_at = kept.seen[1].unwrap() + RELOAD_INTERVAL;
        let write = |bytes: &[u8]| {
            std::fs::write(&made.key, bytes).unwrap();
            let file = File::options().write(true).open(&made.key).unwrap();
            file.set_modified(changed_at).unwrap();
        };
        write(b"");
        for _ in 0..2 {
            kept.look(false, now).await;
            assert_eq!(state(&kept), CertificateState::ReloadFailed);
        }
        let problem = kept.problem.clone().unwrap();
        assert!(!problem.is_empty());
        write(&key);
        kept.look(false, now).await;
        assert_eq!((state(&kept), &kept.problem), (CertificateState::Current, &None));
        assert_eq!(kept.seen, kept.files.changed_at());
    }
}
