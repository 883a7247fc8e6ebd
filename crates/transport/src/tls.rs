//! TLS settings: Mozilla's "intermediate" profile, or "modern" if TLS 1.2 is off. rustls decides how a key is used.

mod certificate;

use std::str::FromStr;
use std::sync::Arc;

use hookgate_pem::PemFault;
use rustls::crypto::ring::Ticketer;
use rustls::version::TLS13;
use rustls::{DEFAULT_VERSIONS, ServerConfig, SupportedProtocolVersion};
use thiserror::Error;

pub use certificate::{CertificateState, HotCertificate};

/// HTTP/2 is first, because it costs less per request. A client without ALPN gets HTTP/1, the protocol of the other two
/// names.
const ALPN: [&[u8]; 3] = [ALPN_H2, b"http/1.1", b"http/1.0"];

pub(crate) const ALPN_H2: &[u8] = b"h2";

static TLS_1_3: [&SupportedProtocolVersion; 1] = [&TLS13];

/// The oldest accepted version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinTls {
    /// TLS 1.2, for senders that are a few years old.
    #[default]
    V1_2,
    /// TLS 1.3.
    V1_3,
}

impl MinTls {
    fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::V1_2 => DEFAULT_VERSIONS,
            Self::V1_3 => &TLS_1_3,
        }
    }
}

impl FromStr for MinTls {
    type Err = UnknownTls;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1.2" => Ok(Self::V1_2),
            "1.3" => Ok(Self::V1_3),
            _ => Err(UnknownTls),
        }
    }
}

/// Error: the text is no version of [`MinTls`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1.2 or 1.3")]
pub struct UnknownTls;

/// TLS with ring, the server's order of ciphers, tickets for resumption, and HTTP/2 and HTTP/1 by ALPN.
///
/// # Errors
///
/// If the operating system gives no randomness for the ticket key, or rustls rejects the settings.
pub fn server_config(certificate: Arc<HotCertificate>, min: MinTls) -> Result<Arc<ServerConfig>, TlsError> {
    // The provider is explicit, because rustls' default fails if a dependency brings a second one.
    let mut config = ServerConfig::builder_with_provider(certificate.provider())
        .with_protocol_versions(min.versions())
        .map_err(TlsError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    config.ignore_client_order = true;
    config.ticketer = Ticketer::new().map_err(TlsError::Setup)?;
    Ok(Arc::new(config))
}

/// Errors of certificates and TLS settings. The texts are our own, because those of parsers quote their input, which
/// may be a private key.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The PEM text of the chain is invalid.
    #[error("the certificate file {0}")]
    Chain(PemFault),
    /// The first block of the chain holds no certificate.
    #[error("the first CERTIFICATE block of the certificate file holds no certificate")]
    Leaf,
    /// The PEM text of the key is invalid.
    #[error("the key file {0}")]
    Key(PemFault),
    /// The key belongs to another certificate.
    #[error("the key is not the certificate's, so they can't be used together: were both files replaced?")]
    WrongKey,
    /// The key's kind is not supported.
    #[error("the key can't be used: it must be RSA of 2048 to 8192 bits, ECDSA P-256 or P-384, or Ed25519")]
    UnsupportedKey,
    /// The certificate has expired.
    #[error("the certificate has expired")]
    Expired,
    /// rustls refused our settings.
    #[error("TLS can't be set up")]
    Setup(#[source] rustls::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_the_documented_ones() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let hot = HotCertificate::from_pem(chain.as_bytes(), key.as_bytes()).expect("a pair");
        let config = server_config(Arc::new(hot), MinTls::default()).expect("settings");
        let protocols = [&b"h2"[..], b"http/1.1", b"http/1.0"];
        assert_eq!(config.alpn_protocols, protocols);
        assert!(config.ignore_client_order);
        assert!(config.ticketer.enabled());
        assert_eq!(config.max_early_data_size, 0, "early data can be replayed");
    }

    #[test]
    fn the_oldest_version_has_a_word() {
        assert_eq!("1.2".parse(), Ok(MinTls::V1_2));
        assert_eq!("1.3".parse(), Ok(MinTls::V1_3));
        for wrong in ["", "1", "1.1", "1.4", "TLS 1.3"] {
            assert_eq!(wrong.parse::<MinTls>(), Err(UnknownTls), "{wrong}");
        }
    }
}
