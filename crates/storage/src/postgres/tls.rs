//! TLS to the database: the server's name and chain are checked, always.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Roots;

/// Why nobody can vouch for the server.
#[derive(Debug, Error)]
pub(super) enum RootsError {
    /// The file can't be read, or is no certificate.
    #[error("can't read certificates from {}", .path.display())]
    File {
        path: PathBuf,
        source: rustls::pki_types::pem::Error,
    },
    /// No certificate was found.
    #[error("no CA certificate in {0}; sslrootcert names a file of them")]
    None(String),
    /// A certificate can't be used.
    #[error("a CA certificate can't be used")]
    Unusable(#[source] rustls::Error),
    /// The protocol versions are not there.
    #[error("TLS can't be set up")]
    Setup(#[source] rustls::Error),
}

/// What makes TLS connections that these roots vouch for.
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
            // Some of a system's certificates are odd; those that can be used are enough.
            store.add_parsable_certificates(found.certs);
            "the system's certificates".to_owned()
        }
        Roots::File(path) => {
            let failed = |source| RootsError::File {
                path: path.clone(),
                source,
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(failed)? {
                let certificate = certificate.map_err(failed)?;
                store.add(certificate).map_err(RootsError::Unusable)?;
            }
            path.display().to_string()
        }
    };
    if store.is_empty() {
        return Err(RootsError::None(place));
    }
    Ok(store)
}
