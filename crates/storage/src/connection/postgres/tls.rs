//! TLS to the database: the server's name and chain are checked, always.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hookgate_pem::{PemFault, PemKind, check_pem};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Root certificates that vouch for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// The CAs that the system trusts.
    System,
    /// The certificates in this PEM file.
    File(PathBuf),
}

/// Errors of the root certificates.
#[derive(Debug, Error)]
pub(super) enum RootsError {
    /// The file can't be opened.
    #[error("sslrootcert: can't read {}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// The file is no PEM. A parser's own error would quote what it read.
    #[error("sslrootcert: {} {fault}", .path.display())]
    Pem { path: PathBuf, fault: PemFault },
    /// No certificate was found.
    #[error("no CA certificate in {0}; sslrootcert names a file of them")]
    None(String),
    /// A certificate can't be used.
    #[error("sslrootcert: a CERTIFICATE block of {} can't be used as a CA", .0.display())]
    Unusable(PathBuf),
    /// TLS with the default protocol versions can't be set up.
    #[error("TLS can't be set up")]
    Setup(#[source] rustls::Error),
}

/// TLS connector that trusts these roots.
pub(super) fn connector(roots: &Roots) -> Result<MakeRustlsConnect, RootsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(RootsError::Setup)?
        .with_root_certificates(store(roots)?)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn store(roots: &Roots) -> Result<RootCertStore, RootsError> {
    let mut store = RootCertStore::empty();
    let place = match roots {
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            // Some certificates of a system can't be parsed; the others are enough.
            store.add_parsable_certificates(found.certs);
            "the system's certificates".to_owned()
        }
        Roots::File(path) => {
            for certificate in certificates(path)? {
                let added = store.add(certificate);
                added.map_err(|_| RootsError::Unusable(path.clone()))?;
            }
            path.display().to_string()
        }
    };
    if store.is_empty() {
        return Err(RootsError::None(place));
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let bytes = std::fs::read(path).map_err(|source| RootsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let failed = |fault| RootsError::Pem {
        path: path.to_owned(),
        fault,
    };
    let text = check_pem(&bytes, PemKind::Certificates).map_err(failed)?;
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>();
    found.map_err(|_| failed(PemFault::NotBase64))
}
