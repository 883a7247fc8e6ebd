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

use bytes::Bytes;
use hookgate_domain::Networks;
use hookgate_domain::leaks::may_hold_secret;
use hookgate_gate::Published;
use hookgate_pem::{PemFault, PemKind, check_pem};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, ETAG, HOST, HeaderValue, IF_NONE_MATCH, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Most bytes of a document. The largest known one, of AWS, has some 2 MiB.
pub const MAX_DOCUMENT: usize = 4 * 1024 * 1024;
/// Timeout of the whole request. A list can be read again later.
const TIMEOUT: Duration = Duration::from_secs(30);
const HTTPS_PORT: u16 = 443;

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
    #[error("the URL must be https:// with a host, and without user or fragment")]
    Url,
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
    pub async fn get(&self, url: &str, etag: Option<&str>) -> Published {
        let got = timeout(TIMEOUT, self.try_get(url, etag)).await;
        match got.unwrap_or(Err(FetchError::TooSlow)) {
            Ok(published) => published,
            Err(error) => Published::Failed(error.to_string()),
        }
    }

    async fn try_get(&self, url: &str, etag: Option<&str>) -> Result<Published, FetchError> {
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
                    let name = ServerName::try_from(target.host().to_owned()).map_err(|_| FetchError::Url)?;
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

/// Checks a URL for a published list.
///
/// # Errors
///
/// A sentence that says what is wrong with the URL.
pub fn check_list_url(url: &str) -> Result<(), String> {
    if may_hold_secret(url.as_bytes()) {
        return Err("the URL looks like one of a webhook, or holds another secret".to_owned());
    }
    Target::parse(url).map(drop).map_err(|error| error.to_string())
}

/// The parts of a document's URL.
struct Target {
    /// The host as in the URL, with an IPv6 address in brackets.
    name: String,
    port: u16,
    path: String,
    authority: String,
}

impl Target {
    fn parse(url: &str) -> Result<Self, FetchError> {
        let uri: Uri = url.parse().map_err(|_| FetchError::Url)?;
        let authority = uri.authority().ok_or(FetchError::Url)?;
        let sound = uri.scheme_str() == Some("https")
            && !authority.as_str().contains('@')
            && !authority.host().is_empty()
            && (authority.port_u16().is_some() || authority.as_str() == authority.host())
            && !url.contains(['#', ' '])
            && url.len() <= 1_000;
        if !sound {
            return Err(FetchError::Url);
        }
        Ok(Self {
            name: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(HTTPS_PORT),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            authority: authority.as_str().to_owned(),
        })
    }

    /// The host without brackets, for the resolver and the certificate check.
    fn host(&self) -> &str {
        let inner = self
            .name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        inner.unwrap_or(&self.name)
    }

    fn request(&self, etag: Option<&str>) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.path.parse().unwrap_or_default();
        let headers = request.headers_mut();
        if let Ok(host) = HeaderValue::try_from(&self.authority) {
            headers.insert(HOST, host);
        }
        let agent = concat!("hookgate/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/json, text/plain;q=0.9, */*;q=0.1"),
        );
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(etag) = etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        request
    }
}

async fn read(answer: Response<Incoming>) -> Result<Published, FetchError> {
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED => return Ok(Published::Unchanged),
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
    Ok(Published::Document { bytes, etag })
}

/// `true` if an address is public (by the IANA registries of special-purpose addresses). IPv6 addresses that embed IPv4
/// ones are not, because they may lead anywhere.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            let special = first == 0
                || first >= 224
                || (first == 100 && second & 0xc0 == 64)
                || (first == 192 && second == 0 && matches!(third, 0 | 2))
                || (first == 192 && second == 88 && third == 99)
                || (first == 198 && matches!(second, 18 | 19))
                || (first == 198 && second == 51 && third == 100)
                || (first == 203 && second == 0 && third == 113);
            !(special || address.is_private() || address.is_loopback() || address.is_link_local())
        }
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            // 2000::/3 without 2001::/23 (protocols, Teredo), 2001:db8::/32, 2002::/16 (6to4) and 3fff::/20.
            first & 0xe000 == 0x2000
                && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
                && first != 0x2002
                && !(first == 0x3fff && second < 0x1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_called() {
        for public in [
            "8.8.8.8",
            "1.1.1.1",
            "192.0.3.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
        for special in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::10.0.0.1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(special.parse().expect("an address")), "{special}");
        }
    }

    #[test]
    fn a_url_is_https_and_names_a_host() {
        for fine in [
            "https://a.example/ranges.json?x=1",
            "https://a.example:8443",
            "https://[2606::1]/x",
        ] {
            assert!(check_list_url(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "http://a.example/",
            "https://",
            "https://user@a.example/",
            "a.example",
            "file:///etc/passwd",
            "https://a b/",
            "https://a.example:99999/",
            "https://a.example:/",
            "https://a/#x",
            "",
        ] {
            assert!(check_list_url(wrong).is_err(), "{wrong}");
        }
    }
}
