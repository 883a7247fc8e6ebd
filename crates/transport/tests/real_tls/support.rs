//! A running listener with a certificate of its own, and two clients.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookgate_domain::{RefusalCode, RequestId, Timestamp};
use hookgate_transport::tls::{HotCertificate, MinTls, server_config};
use hookgate_transport::{
    Body, CancellationToken, Exchange, Listener, PlainHttp, Proxies, Reply, ReplyBody, RequestIds, Service,
    reply,
};
use hyper::{Request, StatusCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const LIMIT: usize = 64 * 1024;

/// Duration of an answer to `/slow`.
const SLOW: Duration = Duration::from_millis(600);

/// Maximum time to wait for an expected event: half of the time after which idle connections are closed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Answers 201 with the body's length, unless the path says otherwise.
pub(crate) struct Telltale {
    ids: RequestIds,
    /// Number of requests for `/held` that have begun.
    held: watch::Sender<usize>,
    /// Requests for `/held` are answered after its cancellation.
    released: CancellationToken,
    pub(crate) plain: Mutex<Vec<(String, Vec<u8>, IpAddr)>>,
}

impl Service for Telltale {
    fn request_id(&self) -> RequestId {
        self.ids.next(Timestamp::from_micros(0))
    }

    async fn answer(&self, request: Request<Body>, _exchange: &Exchange) -> Reply {
        match request.uri().path() {
            "/unread" => return reply::refusal(RefusalCode::WebhookNotFound),
            "/panic" => panic!("on purpose"),
            "/slow" => sleep(SLOW).await,
            "/held" => {
                self.held.send_modify(|held| *held += 1);
                self.released.cancelled().await;
            }
            "/whole" => return streamed(true),
            "/broken" => return streamed(false),
            _ => {}
        }
        match request.into_body().read(LIMIT).await {
            Ok(body) => reply::success(StatusCode::CREATED, &body.len()),
            Err(fault) => reply::refusal(fault.code()),
        }
    }

    async fn plain_http(&self, seen: PlainHttp<'_>, exchange: &Exchange) {
        let target = seen.target.unwrap_or_default().to_owned();
        let seen = (target, seen.user_agent.to_vec(), exchange.connection.peer);
        self.plain.lock().expect("no panic").push(seen);
    }
}

/// An answer with a streamed body. It breaks off unless `is_whole`.
fn streamed(is_whole: bool) -> Reply {
    let (pieces, body) = ReplyBody::stream();
    tokio::spawn(async move {
        for piece in ["a piece\n", "another\n"] {
            assert!(pieces.send(piece.into()).await);
            // The wait lets each piece be sent before the body breaks off.
            sleep(Duration::from_millis(200)).await;
        }
        if is_whole {
            pieces.finish().await;
        }
    });
    Reply::new(body)
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: Arc<HotCertificate>,
    pub(crate) service: Arc<Telltale>,
    shutdown: CancellationToken,
    done: JoinHandle<()>,
    chain: String,
}

impl Server {
    pub(crate) async fn start(max_connections: u32) -> Self {
        Self::start_as(|listener| listener.max_connections(max_connections)).await
    }

    /// A listener that trusts these proxies.
    pub(crate) async fn start_behind(proxies: Arc<Proxies>) -> Self {
        Self::start_as(|listener| listener.behind(proxies, false)).await
    }

    async fn start_as(set: impl FnOnce(Listener) -> Listener) -> Self {
        let (chain, key) = certificate();
        let certificate = HotCertificate::from_pem(chain.as_bytes(), key.as_bytes()).expect("a pair");
        let certificate = Arc::new(certificate);
        let tls = server_config(Arc::clone(&certificate), MinTls::default()).expect("settings");
        let listener = Listener::bind(any_port(), tls).await.expect("a free port");
        Self::run(set(listener), certificate, chain)
    }

    /// A port that only refuses plain HTTP. Its certificate is never used.
    pub(crate) async fn start_plain() -> Self {
        let (chain, key) = certificate();
        let certificate = HotCertificate::from_pem(chain.as_bytes(), key.as_bytes()).expect("a pair");
        let listener = Listener::bind_plain(any_port()).await.expect("a free port");
        Self::run(listener, Arc::new(certificate), chain)
    }

    fn run(listener: Listener, certificate: Arc<HotCertificate>, chain: String) -> Self {
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let service = Arc::new(Telltale {
            ids: RequestIds::new([9; 6]),
            held: watch::Sender::default(),
            released: CancellationToken::new(),
            plain: Mutex::default(),
        });
        let done = tokio::spawn(listener.serve(Arc::clone(&service), shutdown.clone()));
        Self {
            address,
            certificate,
            service,
            shutdown,
            done,
            chain,
        }
    }

    /// Starts the shutdown.
    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Waits until the listener has returned.
    pub(crate) async fn ended(&mut self) {
        let ended = timeout(PATIENCE, &mut self.done).await;
        ended.expect("it returns").expect("no panic");
    }

    /// Waits until this number of requests for `/held` have begun.
    pub(crate) async fn holds(&self, requests: usize) {
        let mut held = self.service.held.subscribe();
        let begun = timeout(PATIENCE, held.wait_for(|held| *held >= requests)).await;
        begun.expect("they begin").expect("the service is there");
    }

    /// Lets the requests for `/held` be answered.
    pub(crate) fn release(&self) {
        self.service.released.cancel();
    }

    /// Status, HTTP version and body of a request made by curl, as `201 2 {…}`. With `http:` before the path, the
    /// request is sent without TLS.
    pub(crate) async fn curl(&self, path: &str, arguments: &[&str]) -> String {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "hookgate-{}-{}",
            std::process::id(),
            FILES.fetch_add(1, Ordering::Relaxed)
        );
        let roots: PathBuf = std::env::temp_dir().join(name);
        std::fs::write(&roots, &self.chain).expect("a writable folder for temporary files");
        let mut command = Command::new("curl");
        command
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "60",
                "--write-out",
                "\n%{http_code} %{http_version}",
            ])
            .arg("--cacert")
            .arg(&roots)
            .args(arguments)
            .arg(match path.strip_prefix("http:") {
                Some(path) => format!("http://localhost:{}{path}", self.address.port()),
                None => format!("https://localhost:{}{path}", self.address.port()),
            })
            .args([
                "--resolve",
                &format!("localhost:{}:127.0.0.1", self.address.port()),
            ]);
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("no panic")
            .expect("curl");
        let _ = std::fs::remove_file(roots);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let errors = String::from_utf8_lossy(&output.stderr);
        let (body, status) = text.rsplit_once('\n').unwrap_or_default();
        format!("{status} {body}{errors}")
    }

    /// A TLS connection that trusts the certificate in `chain`, or the server's first one.
    pub(crate) async fn connect(&self, alpn: Option<&[u8]>) -> TlsStream<TcpStream> {
        self.try_connect(alpn, &self.chain).await.expect("a handshake")
    }

    /// A TLS connection to the server with its first certificate, or the error.
    pub(crate) async fn try_connect_anew(&self) -> std::io::Result<TlsStream<TcpStream>> {
        self.try_connect(None, &self.chain).await
    }

    /// The same with this protocol.
    pub(crate) async fn try_connect_as(&self, alpn: Option<&[u8]>) -> std::io::Result<TlsStream<TcpStream>> {
        self.try_connect(alpn, &self.chain).await
    }

    pub(crate) async fn try_connect(
        &self,
        alpn: Option<&[u8]>,
        chain: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(chain.as_bytes()).expect("PEM"))
            .expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.into_iter().map(<[u8]>::to_vec).collect();
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

/// Chain and key of a fresh certificate for localhost.
pub(crate) fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
