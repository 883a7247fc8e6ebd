//! An HTTPS client for tests, over HTTP/1.1 or HTTP/2. It trusts one CA and returns the whole answer.

mod endless;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

pub use bytes::Bytes;
pub use http_body_util::Full;
pub use hyper::Request;
pub use hyper::header::HeaderName;
pub use tokio_rustls::client::TlsStream;

/// The result of a step of a test; an error ends the test.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// `true` if the server did not process an unanswered request, so that it may be sent again: the connection had ended
/// before, or the server sent HTTP/2 GOAWAY.
#[must_use]
pub fn was_not_heard(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    let Some(error) = error.downcast_ref::<hyper::Error>() else {
        return false;
    };
    let source = error
        .source()
        .and_then(|source| source.downcast_ref::<h2::Error>());
    error.is_canceled()
        || error.is_closed()
        || source.is_some_and(|error| error.is_go_away() && error.is_remote())
}

/// The HTTP version of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.1.
    One,
    /// HTTP/2.
    Two,
}

impl Http {
    /// Both versions.
    pub const BOTH: [Self; 2] = [Self::One, Self::Two];

    const fn alpn(self) -> &'static [u8] {
        match self {
            Self::One => b"http/1.1",
            Self::Two => b"h2",
        }
    }
}

/// A client that trusts one CA.
#[derive(Clone)]
pub struct Client {
    roots: Arc<RootCertStore>,
}

/// An open connection.
pub enum Connection {
    /// Over HTTP/1.1.
    One(http1::SendRequest<Full<Bytes>>),
    /// Over HTTP/2.
    Two(http2::SendRequest<Full<Bytes>>),
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// All header fields.
    pub headers: HeaderMap,
    /// The body, as text.
    pub body: String,
}

impl Client {
    /// A client that trusts the CA in this PEM text.
    ///
    /// # Errors
    /// If the text holds no certificate.
    pub fn trusting(ca: &[u8]) -> Outcome<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca)?)?;
        Ok(Self {
            roots: Arc::new(roots),
        })
    }

    /// Opens a TLS connection to `localhost` at this address, without HTTP.
    ///
    /// # Errors
    /// If the server can't be reached or is not trusted.
    pub async fn tls(&self, address: SocketAddr, http: Http) -> Outcome<TlsStream<TcpStream>> {
        self.tls_over(TcpStream::connect(address).await?, http).await
    }

    /// Opens TLS to `localhost` on this TCP connection, which may have another source address than usual.
    ///
    /// # Errors
    /// If the server closes the connection or is not trusted.
    pub async fn tls_over(&self, stream: TcpStream, http: Http) -> Outcome<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        config.alpn_protocols = vec![http.alpn().to_vec()];
        stream.set_nodelay(true)?;
        Ok(TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("localhost")?, stream)
            .await?)
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// If the server can't be reached, is not trusted, or does not speak that version.
    pub async fn connect(&self, address: SocketAddr, http: Http) -> Outcome<Connection> {
        self.connect_over(TcpStream::connect(address).await?, http).await
    }

    /// Opens a connection on this TCP connection.
    ///
    /// # Errors
    /// If the server closes it, is not trusted, or does not speak that version.
    pub async fn connect_over(&self, stream: TcpStream, http: Http) -> Outcome<Connection> {
        let stream = TokioIo::new(self.tls_over(stream, http).await?);
        Ok(match http {
            Http::One => {
                let (sender, connection) = http1::handshake(stream).await?;
                tokio::spawn(connection);
                Connection::One(sender)
            }
            Http::Two => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
                tokio::spawn(connection);
                Connection::Two(sender)
            }
        })
    }

    /// Sends one request on a new connection, to the port in its URI: `https://localhost:PORT`.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn send(&self, http: Http, request: Request<Full<Bytes>>) -> Outcome<Answer> {
        let port = request.uri().port_u16().ok_or("the URI has no port")?;
        self.connect(SocketAddr::from(([127, 0, 0, 1], port)), http)
            .await?
            .send(request)
            .await
    }
}

impl Client {
    /// Sends one request over HTTP/1.1 from this source address, for instance any that begins with 127.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn send_from(&self, source: Ipv4Addr, request: Request<Full<Bytes>>) -> Outcome<Answer> {
        let port = request.uri().port_u16().ok_or("the URI has no port")?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((source, 0)))?;
        let stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
        let stream = TokioIo::new(self.tls_over(stream, Http::One).await?);
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        Connection::One(sender).send(request).await
    }

    /// Sends one request over HTTP/1.1 and closes after the head of the answer, for answers that never end.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn head(&self, request: Request<Full<Bytes>>) -> Outcome<Answer> {
        let port = request.uri().port_u16().ok_or("the URI has no port")?;
        let stream = TokioIo::new(
            self.tls(SocketAddr::from(([127, 0, 0, 1], port)), Http::One)
                .await?,
        );
        let (mut sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        let (head, _) = sender.send_request(in_origin_form(request)?).await?.into_parts();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: String::new(),
        })
    }
}

impl Connection {
    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Outcome<Answer> {
        Answer::read(self.respond(request).await?).await
    }

    /// Sends a request and waits for the head of the answer. The caller reads the body piece by piece.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn begin(&mut self, request: Request<Full<Bytes>>) -> Outcome<Unread> {
        let (head, body) = self.respond(request).await?.into_parts();
        Ok(Unread {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    async fn respond(&mut self, request: Request<Full<Bytes>>) -> Outcome<Response<Incoming>> {
        Ok(match self {
            Self::One(sender) => {
                sender.ready().await?;
                sender.send_request(in_origin_form(request)?).await?
            }
            Self::Two(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        })
    }
}

/// An answer whose body has not been read yet.
#[derive(Debug)]
pub struct Unread {
    /// The status.
    pub status: StatusCode,
    /// All header fields.
    pub headers: HeaderMap,
    body: Incoming,
}

impl Unread {
    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// If the body ends too early.
    pub async fn piece(&mut self) -> Outcome<Option<Bytes>> {
        let Some(frame) = self.body.frame().await else {
            return Ok(None);
        };
        Ok(Some(frame?.into_data().unwrap_or_default()))
    }
}

impl Answer {
    /// A header field as text; empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    async fn read(response: Response<Incoming>) -> Outcome<Self> {
        let (head, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
        Ok(Self {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

/// The request with path and `Host` header, which HTTP/1 needs; HTTP/2 takes both from the URI.
fn in_origin_form(mut request: Request<Full<Bytes>>) -> Outcome<Request<Full<Bytes>>> {
    let uri = request.uri().clone();
    if let Some(authority) = uri.authority() {
        if !request.headers().contains_key("host") {
            request.headers_mut().insert("host", authority.as_str().parse()?);
        }
        *request.uri_mut() = uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
    }
    Ok(request)
}
