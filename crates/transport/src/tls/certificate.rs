//! A certificate that can be replaced while connections run. This module opens no file: callers pass PEM text and know
//! its path.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use hookgate_domain::Timestamp;
use hookgate_pem::{PemFault, PemKind, check_pem};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::TlsError;

/// The certificate of new handshakes. Open connections keep the one that they started with.
#[derive(Debug)]
pub struct HotCertificate {
    current: ArcSwap<CertificateAndKey>,
    provider: Arc<CryptoProvider>,
    /// `true` if the last reload failed.
    is_behind: AtomicBool,
}

/// A chain with its key, and the end of its validity.
#[derive(Debug)]
struct CertificateAndKey {
    certified: Arc<CertifiedKey>,
    valid_until: Timestamp,
}

/// The state of the certificate for new handshakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateState {
    /// Handshakes get the newest certificate.
    Current,
    /// Handshakes get the previous certificate, because the newest can't be used.
    ReloadFailed,
    /// Clients refuse the certificate, because it has expired.
    Expired,
}

impl HotCertificate {
    /// Reads a chain (leaf first) and its private key, both PEM. An expired certificate is accepted: a server that
    /// starts and reports it is better than none.
    ///
    /// # Errors
    ///
    /// If either is invalid, or the key does not belong to the leaf.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let provider = Arc::new(default_provider());
        Ok(Self {
            current: ArcSwap::from_pointee(CertificateAndKey::read(chain, key, &provider)?),
            provider,
            is_behind: AtomicBool::new(false),
        })
    }

    /// Replaces the certificate of later handshakes.
    ///
    /// # Errors
    ///
    /// As in [`from_pem`](Self::from_pem), and if the new certificate has expired at `now`. The old certificate then
    /// stays in use.
    pub fn reload(&self, chain: &[u8], key: &[u8], now: Timestamp) -> Result<(), TlsError> {
        let taken = CertificateAndKey::read(chain, key, &self.provider).and_then(|fresh| {
            if fresh.valid_until < now {
                return Err(TlsError::Expired);
            }
            self.current.store(Arc::new(fresh));
            Ok(())
        });
        self.is_behind.store(taken.is_err(), Ordering::Relaxed);
        taken
    }

    /// Notes a new certificate whose files could not be read.
    pub fn mark_unreadable(&self) {
        self.is_behind.store(true, Ordering::Relaxed);
    }

    /// The state of the certificate for new handshakes.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> CertificateState {
        if self.current.load().valid_until < now {
            CertificateState::Expired
        } else if self.is_behind.load(Ordering::Relaxed) {
            CertificateState::ReloadFailed
        } else {
            CertificateState::Current
        }
    }

    /// The remaining validity of the certificate.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Duration {
        self.current.load().valid_until.since(now)
    }

    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.provider)
    }
}

impl ResolvesServerCert for HotCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.load().certified))
    }
}

impl CertificateAndKey {
    fn read(chain: &[u8], key: &[u8], provider: &CryptoProvider) -> Result<Self, TlsError> {
        let chain = check_pem(chain, PemKind::Certificates).map_err(TlsError::Chain)?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::Chain(PemFault::NotBase64))?;
        let valid_until = valid_until(chain.first().ok_or(TlsError::Chain(PemFault::NoCertificate))?)?;
        let key = check_pem(key, PemKind::PrivateKey).map_err(TlsError::Key)?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| TlsError::Key(PemFault::NotBase64))?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| pair_error(&error))?;
        Ok(Self {
            certified: Arc::new(certified),
            valid_until,
        })
    }
}

fn pair_error(error: &rustls::Error) -> TlsError {
    match error {
        rustls::Error::InconsistentKeys(_) => TlsError::WrongKey,
        rustls::Error::InvalidCertificate(_) => TlsError::Leaf,
        _ => TlsError::UnsupportedKey,
    }
}

fn valid_until(leaf: &CertificateDer<'_>) -> Result<Timestamp, TlsError> {
    let leaf = Certificate::from_der(leaf).map_err(|_| TlsError::Leaf)?;
    let since_1970 = leaf.tbs_certificate.validity.not_after.to_unix_duration();
    Ok(Timestamp::from_micros(0).after(since_1970))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn pair() -> (String, String) {
        valid_until(4_000)
    }

    /// A certificate that is valid until the first day of `year`.
    fn valid_until(year: i32) -> (String, String) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("parameters");
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = params.self_signed(&key).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    fn leaf(hot: &HotCertificate) -> CertificateDer<'static> {
        hot.current.load().certified.cert[0].clone()
    }

    #[test]
    fn a_reload_swaps_and_a_bad_one_keeps_the_old_certificate() {
        let (first, second, old) = (pair(), pair(), valid_until(2_020));
        let hot = HotCertificate::from_pem(first.0.as_bytes(), first.1.as_bytes()).expect("a pair");
        let before = leaf(&hot);
        let reload = |(chain, key): (&str, &str)| hot.reload(chain.as_bytes(), key.as_bytes(), NOW);

        for (bad, what) in [
            ((&*second.0, &*first.1), "another's key"),
            ((&*old.0, &*old.1), "an old one"),
            (("broken", &*second.1), "no certificate"),
        ] {
            assert!(reload(bad).is_err(), "{what}");
            assert_eq!(leaf(&hot), before, "{what}");
            assert_eq!(hot.state(NOW), CertificateState::ReloadFailed, "{what}");
        }
        reload((&second.0, &second.1)).expect("a pair");
        assert_ne!(leaf(&hot), before);
        assert_eq!(hot.state(NOW), CertificateState::Current);
        hot.mark_unreadable();
        assert_eq!(hot.state(NOW), CertificateState::ReloadFailed);
    }

    #[test]
    fn an_old_certificate_is_served_and_told() {
        let (chain, key) = valid_until(2_020);
        let hot = HotCertificate::from_pem(chain.as_bytes(), key.as_bytes()).expect("a pair");
        assert_eq!(hot.state(NOW), CertificateState::Expired);
        assert_eq!(hot.remaining(NOW), Duration::ZERO);
        // The first second of 2020.
        let end = Timestamp::from_micros(1_577_836_800_000_000);
        assert_eq!(hot.state(end), CertificateState::Current);
        assert_eq!(
            hot.remaining(end.before(Duration::from_mins(1))),
            Duration::from_mins(1)
        );
    }

    #[test]
    fn each_mistake_has_its_own_error() {
        let (chain, key) = pair();
        let read = |chain: &str, key: &str| HotCertificate::from_pem(chain.as_bytes(), key.as_bytes());
        let chain_fault = |chain: &str| match read(chain, &key) {
            Err(TlsError::Chain(fault)) => fault,
            other => panic!("{other:?}"),
        };
        assert_eq!(chain_fault(&key), PemFault::KeyInstead);
        assert_eq!(chain_fault(""), PemFault::Empty);
        assert_eq!(chain_fault(&chain[..chain.len() - 40]), PemFault::NoEnd);
        let wrong = Err::<(), _>(TlsError::Key(PemFault::CertificateInstead));
        assert_eq!(
            format!("{:?}", read(&chain, &chain).map(drop)),
            format!("{wrong:?}")
        );
        let empty = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert!(matches!(read(empty, &key), Err(TlsError::Leaf)));
        assert!(matches!(read(&chain, &pair().1), Err(TlsError::WrongKey)));
        let no_key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        assert!(matches!(read(&chain, no_key), Err(TlsError::UnsupportedKey)));
    }

    #[test]
    fn a_file_is_the_same_however_an_editor_saves_it() {
        let ((chain, key), (other, _)) = (pair(), pair());
        let plain = HotCertificate::from_pem(format!("{chain}{other}").as_bytes(), key.as_bytes());
        let certificates = |hot: &HotCertificate| hot.current.load().certified.cert.clone();
        let plain = certificates(&plain.expect("a pair"));
        for saved in [
            |text: &str| format!("\u{feff}{text}"),
            |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n")),
        ] {
            let both = format!("{}{}", saved(&chain), saved(&other));
            let hot = HotCertificate::from_pem(both.as_bytes(), saved(&key).as_bytes()).expect("a pair");
            assert_eq!(
                certificates(&hot),
                plain,
                "a mark hides no intermediate certificate"
            );
        }
        let utf16: Vec<u8> = chain.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = HotCertificate::from_pem(&utf16, key.as_bytes()).expect_err("UTF-16");
        assert!(matches!(error, TlsError::Chain(PemFault::Binary)), "{error}");
    }

    #[test]
    fn errors_never_show_the_key() {
        let (chain, key) = pair();
        let secret = key.lines().nth(1).expect("a line of base64");
        let numbers = format!("{:?}", &secret.as_bytes()[..8]);
        let numbers = numbers.trim_matches(['[', ']']);
        let lost = [
            key.clone(),
            key.replace('\n', ""),
            key.replace('\n', " "),
            key.replace('\n', "\\n"),
            format!("{key}{chain}").replace('\n', ""),
            key.replace("-----END", "--END"),
            key.replacen('\n', "é\n", 2),
            key.replace("PRIVATE KEY", "CERTIFICATE"),
        ];
        for text in &lost {
            for (chain, key) in [(text, &key), (&chain, text)] {
                let Err(error) = HotCertificate::from_pem(chain.as_bytes(), key.as_bytes()) else {
                    continue;
                };
                let mut texts = format!("{error} {error:?}");
                let mut below = std::error::Error::source(&error);
                while let Some(error) = below {
                    texts = format!("{texts} {error} {error:?}");
                    below = error.source();
                }
                assert!(
                    !texts.contains(&secret[..8]) && !texts.contains(numbers),
                    "{texts}"
                );
            }
        }
    }
}
