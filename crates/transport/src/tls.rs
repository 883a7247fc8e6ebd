//! TLS settings and the certificate that can be swapped while connections run. It never opens a file: callers hand in
//! PEM text and know its path.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;

/// HTTP/2 first: it costs less per request. A client without ALPN gets HTTP/1.1.
const ALPN: [&[u8]; 2] = [ALPN_H2, b"http/1.1"];

pub(crate) const ALPN_H2: &[u8] = b"h2";

/// The certificate that new handshakes get. Running connections keep the one they started with.
#[derive(Debug)]
pub struct HotCertificate {
    current: ArcSwap<CertifiedKey>,
    provider: Arc<CryptoProvider>,
}

impl HotCertificate {
    /// Reads a chain (leaf first) and its private key, both PEM.
    ///
    /// # Errors
    ///
    /// When either can't be read, or the key is not the leaf's.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let provider = Arc::new(default_provider());
        let current = ArcSwap::from_pointee(certified_key(chain, key, &provider)?);
        Ok(Self { current, provider })
    }

    /// Gives every later handshake a new certificate.
    ///
    /// # Errors
    ///
    /// As in [`from_pem`](Self::from_pem). The old certificate then stays in use.
    pub fn reload(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let fresh = certified_key(chain, key, &self.provider)?;
        self.current.store(Arc::new(fresh));
        Ok(())
    }
}

impl ResolvesServerCert for HotCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// TLS 1.2 and 1.3 on ring, tickets for resumption, HTTP/2 and HTTP/1.1 by ALPN.
///
/// # Errors
///
/// When the system gives no randomness for the ticket key.
pub fn server_config(certificate: Arc<HotCertificate>) -> Result<Arc<ServerConfig>, TlsError> {
    // The provider is named here because rustls' own choice fails as soon as a dependency brings a second one.
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&certificate.provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    config.ignore_client_order = true;
    config.ticketer = Ticketer::new().map_err(TlsError::Setup)?;
    Ok(Arc::new(config))
}

/// Why a certificate or the TLS settings can't be used. The texts hold nothing of the key.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The chain is no PEM.
    #[error("the certificate file can't be read as PEM; it takes the leaf first, then the intermediates")]
    Chain(#[source] pem::Error),
    /// The chain's file has no certificate in it.
    #[error("the certificate file has no CERTIFICATE block; is it the key file?")]
    NoCertificate,
    /// The key's file has no usable key in it.
    #[error("the key file has no unencrypted PRIVATE KEY block (PKCS#8, SEC1 or PKCS#1 in PEM)")]
    Key(#[source] pem::Error),
    /// Chain and key don't go together, or the key's kind is not supported.
    #[error("the certificate and the key can't be used together; were both files replaced?")]
    Pair(#[source] rustls::Error),
    /// The TLS library refused our settings.
    #[error("TLS can't be set up")]
    Setup(#[source] rustls::Error),
}

fn certified_key(chain: &[u8], key: &[u8], provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(TlsError::Chain)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(TlsError::Key)?;
    CertifiedKey::from_der(chain, key, provider).map_err(TlsError::Pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_reload_swaps_and_a_bad_one_keeps_the_old_certificate() {
        let (first, second) = (pair(), pair());
        let hot = HotCertificate::from_pem(first.0.as_bytes(), first.1.as_bytes()).expect("a pair");
        let leaf = |hot: &HotCertificate| hot.current.load().cert[0].clone();
        let before = leaf(&hot);

        let mixed = hot.reload(second.0.as_bytes(), first.1.as_bytes());
        assert!(matches!(mixed, Err(TlsError::Pair(_))), "{mixed:?}");
        assert_eq!(leaf(&hot), before);

        hot.reload(second.0.as_bytes(), second.1.as_bytes())
            .expect("a pair");
        assert_ne!(leaf(&hot), before);
    }

    #[test]
    fn each_mistake_has_its_own_error() {
        let (chain, key) = pair();
        let read = |chain: &str, key: &str| HotCertificate::from_pem(chain.as_bytes(), key.as_bytes());
        assert!(matches!(read(&key, &key), Err(TlsError::NoCertificate)));
        assert!(matches!(read("", &key), Err(TlsError::NoCertificate)));
        assert!(matches!(read(&chain, &chain), Err(TlsError::Key(_))));
        assert!(matches!(
            read(&chain[..chain.len() - 40], &key),
            Err(TlsError::Chain(_))
        ));
    }

    #[test]
    fn errors_never_show_the_key() {
        let (_, key) = pair();
        let error = HotCertificate::from_pem(key.as_bytes(), key.as_bytes()).expect_err("a key is no chain");
        let secret = key.lines().nth(1).expect("a line of base64");
        assert!(!format!("{error} {error:?}").contains(secret));
    }

    #[test]
    fn settings_are_the_documented_ones() {
        let (chain, key) = pair();
        let hot = HotCertificate::from_pem(chain.as_bytes(), key.as_bytes()).expect("a pair");
        let config = server_config(Arc::new(hot)).expect("settings");
        assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert!(config.ignore_client_order);
        assert!(config.ticketer.enabled());
        assert_eq!(config.max_early_data_size, 0, "early data can be replayed");
    }
}
