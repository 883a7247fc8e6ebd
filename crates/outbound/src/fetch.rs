//! Reads published lists of addresses: HTTPS only, verified, from public addresses, bounded in time and size. Apart
//! from its database, the server connects to nothing else.
//!
//! A name is resolved once, and all of its addresses must be allowed. The connection goes to one of exactly these
//! addresses, so that the name can't lead elsewhere after the check (DNS rebinding). Redirects are not followed.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::Networks;
use hookgate_domain::leaks::may_hold_secret;
use hookgate_domain::networks::is_public;
use hookgate_gate::DownloadedList;
use hookgate_pem::{PemFault, PemKind, check_pem};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::ETAG;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::target::{Target, UrlError};

/// Most bytes of a document. The largest known one, of AWS, has some 2 MiB.
pub const MAX_DOCUMENT: usize = 4 * 1024 * 1024;
/// Timeout of the whole request. A list can be read again later.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client that reads published lists.
pub struct Fetcher {
    tls: TlsConnector,
    /// Private addresses that are allowed nevertheless, such as an internal mirror.
    private: Networks,
}

/// Errors of setting up a [`Fetcher`].
#[derive(Debug, Error)]
pub enum FetcherError {
    /// The PEM text of the additional CAs is invalid.
    #[error("the CA file {0}")]
    Certificates(PemFault),
    /// A block of the additional CAs holds no certificate.
    #[error("a CERTIFICATE block of the CA file holds no certificate")]
    NotACertificate,
    /// No CA is trusted, so no certificate would be.
    #[error("this machine trusts no CA: install its certificates")]
    NoCa,
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

/// Errors of reading one list.
#[derive(Debug, Error)]
enum FetchError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(
        "{0} resolves to {1}, which is not on the internet (addresses.private_targets allows exceptions)"
    )]
    NotPublic(String, IpAddr),
    #[error("{0} has no address")]
    NoAddress(String),
    #[error("could not reach {0}: DNS lookup failed")]
    Lookup(String),
    #[error("could not reach {0}: {1}")]
    Connect(String, io::Error),
    #[error("it did not answer within {} seconds", TIMEOUT.as_secs())]
    TooSlow,
    #[error("it is larger than {} MiB", MAX_DOCUMENT / 1024 / 1024)]
    TooLarge,
    #[error("it answers {0}; redirects are not followed")]
    Status(StatusCode),
    #[error("{0}")]
    Http(#[from] hyper::Error),
}

impl Fetcher {
    /// Trusts the CAs of this machine and `own_cas`, in PEM. Connects only to public addresses and to `private`.
    ///
    /// # Errors
    ///
    /// [`FetcherError`] if no list could be read with these settings.
    pub fn new(own_cas: Option<&[u8]>, private: Networks) -> Result<Self, FetcherError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(pem) = own_cas {
            let pem = check_pem(pem, PemKind::Certificates).map_err(FetcherError::Certificates)?;
            let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
                .collect::<Result<_, _>>()
                .map_err(|_| FetcherError::Certificates(PemFault::NotBase64))?;
            let (added, ignored) = roots.add_parsable_certificates(certificates);
            if added == 0 || ignored > 0 {
                return Err(FetcherError::NotACertificate);
            }
        }
        if roots.is_empty() {
            return Err(FetcherError::NoCa);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: Arc::new(config).into(),
            private,
        })
    }

    /// Fetches the document at `url`. With an `etag`, the server may answer that the document has not changed.
    pub async fn get(&self, url: &str, etag: Option<&str>) -> DownloadedList {
        let got = timeout(TIMEOUT, self.try_get(url, etag)).await;
        match got.unwrap_or(Err(FetchError::TooSlow)) {
            Ok(published) => published,
            Err(error) => DownloadedList::Failed(error.to_string()),
        }
    }

    async fn try_get(&self, url: &str, etag: Option<&str>) -> Result<DownloadedList, FetchError> {
        let target = Target::parse(url)?;
        let stream = self.connect(&target).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driving = tokio::spawn(connection);
        let answer = sender.send_request(target.request(etag)).await?;
        let published = read(answer).await;
        driving.abort();
        published
    }

    async fn connect(
        &self,
        target: &Target,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, FetchError> {
        let addresses: Vec<SocketAddr> = lookup_host((target.host(), target.port))
            .await
            .map_err(|_| FetchError::Lookup(target.name.clone()))?
            .collect();
        if let Some(hidden) = addresses
            .iter()
            .map(SocketAddr::ip)
            .find(|address| !self.may_call(*address))
        {
            return Err(FetchError::NotPublic(target.name.clone(), hidden));
        }
        let mut last = FetchError::NoAddress(target.name.clone());
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    let name = ServerName::try_from(target.host().to_owned()).map_err(|_| UrlError)?;
                    return self
                        .tls
                        .connect(name, stream)
                        .await
                        .map_err(|error| FetchError::Connect(target.name.clone(), error));
                }
                Err(error) => last = FetchError::Connect(target.name.clone(), error),
            }
        }
        Err(last)
    }

    fn may_call(&self, address: IpAddr) -> bool {
        is_public(address) || self.private.holds(address)
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").finish_non_exhaustive()
    }
}

async fn read(answer: Response<Incoming>) -> Result<DownloadedList, FetchError> {
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED => return Ok(DownloadedList::Unchanged),
        other => return Err(FetchError::Status(other)),
    }
    let etag = answer
        .headers()
        .get(ETAG)
        .and_then(|etag| etag.to_str().ok())
        .filter(|etag| !may_hold_secret(etag.as_bytes()))
        .map(str::to_owned);
    let (mut body, mut bytes) = (answer.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else {
            continue;
        };
        if piece.len() > MAX_DOCUMENT - bytes.len() {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(DownloadedList::Document { bytes, etag })
}
