//! A certificate and its key on disk, as a setting names them. An error names the file that causes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hookgate_domain::Timestamp;
use hookgate_storage::Exposed;
use hookgate_transport::tls::{CertificateState, HotCertificate, TlsError};
use ring::digest::{SHA256, digest};

use crate::failure::with_sources;
use crate::file_problem::{FileProblem, exposed_sentence};

/// SHA-256 of chain and key; `None` for a file that can't be read.
pub(crate) type Digests = [Option<[u8; 32]>; 2];

/// A certificate on disk, PEM.
#[derive(Clone, Debug)]
pub(crate) struct CertificateFiles {
    /// The section of the configuration that names the files; `None` if none does.
    pub(crate) section: Option<&'static str>,
    /// The chain.
    pub(crate) chain: PathBuf,
    /// The private key.
    pub(crate) key: PathBuf,
}

impl CertificateFiles {
    /// Reads the pair and checks that they belong together.
    pub(crate) fn load(&self) -> Result<Arc<HotCertificate>, FileProblem> {
        let (chain, key) = self.read()?;
        let certificate = HotCertificate::from_pem(&chain, &key).map_err(|error| self.unusable(&error))?;
        Ok(Arc::new(certificate))
    }

    /// The key, if other users of the machine can open it.
    pub(crate) fn exposed_key(&self) -> Option<FileProblem> {
        let exposed = Exposed::find(&self.key)?;
        Some(self.problem("key", exposed_sentence(&exposed)))
    }

    /// The certificate, if it has expired.
    pub(crate) fn expired(&self, now: Timestamp) -> Option<FileProblem> {
        let certificate = self.load().ok()?;
        let is_expired = certificate.state(now) == CertificateState::Expired;
        is_expired.then(|| {
            self.problem(
                "certificate",
                "it has expired: senders and browsers refuse it".to_owned(),
            )
        })
    }

    /// The bytes of both files.
    pub(crate) fn read(&self) -> Result<(Vec<u8>, Vec<u8>), FileProblem> {
        let read = |key: &str, path: &Path| {
            std::fs::read(path)
                .map_err(|error| self.problem(key, format!("can't read {}: {error}", path.display())))
        };
        Ok((read("certificate", &self.chain)?, read("key", &self.key)?))
    }

    /// The error with the file that it is about, and the setting that names the file.
    pub(crate) fn unusable(&self, error: &TlsError) -> FileProblem {
        let (chain, key, said) = (self.chain.display(), self.key.display(), with_sources(error));
        match error {
            TlsError::Key(_) | TlsError::UnsupportedKey => {
                self.problem("key", format!("can't use {key}: {said}"))
            }
            TlsError::WrongKey => self.problem(
                "certificate",
                format!("can't use {chain} with the key {key}: {said}"),
            ),
            TlsError::Chain(_) | TlsError::Leaf | TlsError::Expired | TlsError::Setup(_) => {
                self.problem("certificate", format!("can't use {chain}: {said}"))
            }
        }
    }

    /// A digest of each file's content. Modification times don't show a change: some systems give all files the same time,
    /// and tools that copy files keep it.
    pub(crate) fn digests(&self) -> Digests {
        [&self.chain, &self.key].map(|path| {
            let content = std::fs::read(path).ok()?;
            digest(&SHA256, &content).as_ref().try_into().ok()
        })
    }

    fn problem(&self, key: &str, sentence: String) -> FileProblem {
        FileProblem {
            setting: self.section.map(|section| format!("{section}.{key}")),
            sentence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev_certificate;

    #[test]
    fn a_problem_names_the_setting_and_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let made = dev_certificate::ensure(directory.path()).unwrap();
        let other = tempfile::tempdir().unwrap();
        let stranger = dev_certificate::ensure(other.path()).unwrap().key;
        let none = directory.path().join("none.pem");
        for (chain, key, setting, what) in [
            (&none, &made.key, "gate.certificate", "none.pem: No such file"),
            (&made.chain, &none, "gate.key", "none.pem: No such file"),
            (
                &made.key,
                &made.key,
                "gate.certificate",
                "gate.key: the certificate file",
            ),
            (&made.chain, &made.chain, "gate.key", "gate.pem: the key file"),
            (
                &made.chain,
                &stranger,
                "gate.certificate",
                "can't be used together",
            ),
        ] {
            let mut files = CertificateFiles {
                section: Some("gate"),
                chain: chain.clone(),
                key: key.clone(),
            };
            let problem = files.load().unwrap_err();
            assert_eq!(problem.setting.as_deref(), Some(setting), "{problem}");
            assert!(problem.sentence.contains(what), "{problem}");
            files.section = None;
            assert_eq!(files.load().unwrap_err().to_string(), problem.sentence);
        }
    }
}
