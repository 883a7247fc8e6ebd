//! Certificates on disk: read at the start, and again when their files change.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_gate::Gate;
use hookgate_storage::Database;
use hookgate_transport::CancellationToken;
use hookgate_transport::tls::HotCertificate;
use tokio::signal::unix::{self, SignalKind, signal};

use super::signals::unheeded;
use crate::certificate_files::{CertificateFiles, Digests};
use crate::failure::Failure;

/// Interval of checking the files.
const RELOAD_INTERVAL: Duration = Duration::from_secs(30);

/// A certificate in use. Changes of its files and SIGHUP are noticed from now on.
pub(super) struct LoadedCertificate {
    pub(super) certificate: Arc<HotCertificate>,
    pub(super) files: CertificateFiles,
    /// Digests of the files that were last loaded.
    seen: Digests,
    /// The error of loading newer files.
    problem: Option<String>,
    hangup: unix::Signal,
}

impl LoadedCertificate {
    /// Loads the certificate.
    pub(super) fn load(files: CertificateFiles) -> Result<Self, Failure> {
        let hangup = signal(SignalKind::hangup()).map_err(unheeded)?;
        // Digested before the files are loaded, so that a change in between causes a second load.
        let seen = files.digests();
        let certificate = files.load()?;
        Ok(Self {
            certificate,
            files,
            seen,
            problem: None,
            hangup,
        })
    }

    /// Reloads a changed certificate, on SIGHUP at once. On an error, it is logged and the old certificate stays.
    pub(super) async fn keep_fresh(mut self, gate: Arc<Gate<Database>>, shutdown: CancellationToken) {
        loop {
            let asked = tokio::select! {
                () = shutdown.cancelled() => return,
                _ = self.hangup.recv() => true,
                () = tokio::time::sleep(RELOAD_INTERVAL) => false,
            };
            self.look(asked, gate.now()).await;
        }
    }

    /// Reloads changed files. Files that could not be loaded are tried each time, because their problem may be fixed
    /// without a change of content. The same problem is logged once, except on SIGHUP.
    async fn look(&mut self, asked: bool, now: Timestamp) {
        let found = self.files.digests();
        if !asked && found == self.seen && self.problem.is_none() {
            return;
        }
        match take_up(&self.certificate, self.files.clone(), now).await {
            Ok(()) => {
                (self.seen, self.problem) = (found, None);
                tracing::info!("the certificate was reloaded");
                if let Some(problem) = self.files.exposed_key() {
                    tracing::warn!("{problem}");
                }
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

/// Replaces the certificate with that of the files, or returns the problem.
async fn take_up(
    certificate: &HotCertificate,
    files: CertificateFiles,
    now: Timestamp,
) -> Result<(), String> {
    let named = files.clone();
    let read = tokio::task::spawn_blocking(move || files.read()).await;
    let read = match read {
        Ok(read) => read.map_err(|problem| problem.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match read {
        Ok((chain, key)) => certificate
            .reload(&chain, &key, now)
            .map_err(|error| named.unusable(&error).to_string()),
        Err(problem) => {
            certificate.mark_unreadable();
            Err(problem)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::time::UNIX_EPOCH;

    use hookgate_transport::tls::CertificateState;

    use super::*;
    use crate::dev_certificate;

    /// Sets the modification time that all files of a Nix store have.
    fn set_modified(path: &Path) {
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    }

    fn kept() -> (tempfile::TempDir, LoadedCertificate) {
        let directory = tempfile::tempdir().unwrap();
        let made = dev_certificate::ensure(directory.path()).unwrap();
        let files = CertificateFiles {
            section: None,
            chain: made.chain,
            key: made.key,
        };
        for path in [&files.chain, &files.key] {
            set_modified(path);
        }
        (directory, LoadedCertificate::load(files).unwrap())
    }

    fn now() -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }

    #[tokio::test]
    async fn a_change_is_seen_by_content_and_not_by_time() {
        let (_directory, mut kept) = kept();
        let other = tempfile::tempdir().unwrap();
        let made = dev_certificate::ensure(other.path()).unwrap();
        let before = kept.seen;
        for (from, to) in [(&made.chain, &kept.files.chain), (&made.key, &kept.files.key)] {
            std::fs::copy(from, to).unwrap();
            set_modified(to);
        }
        kept.look(false, now()).await;
        assert_ne!(kept.seen, before, "the new pair is in use");
        assert_eq!(kept.certificate.state(now()), CertificateState::Current);
    }

    #[tokio::test]
    async fn a_key_that_is_right_again_is_taken_up() {
        let (_directory, mut kept) = kept();
        let key = std::fs::read(&kept.files.key).unwrap();
        std::fs::write(&kept.files.key, b"").unwrap();
        for _ in 0..2 {
            kept.look(false, now()).await;
            assert_eq!(kept.certificate.state(now()), CertificateState::ReloadFailed);
        }
        assert!(!kept.problem.clone().unwrap().is_empty());
        std::fs::write(&kept.files.key, &key).unwrap();
        kept.look(false, now()).await;
        assert_eq!(
            (kept.certificate.state(now()), &kept.problem),
            (CertificateState::Current, &None)
        );
        assert_eq!(kept.seen, kept.files.digests());
    }
}
