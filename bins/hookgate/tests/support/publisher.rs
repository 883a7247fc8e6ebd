//! A publisher of an address list over HTTPS, with its CA.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

/// Serves one file over TLS, with its hash as `ETag`; `/elsewhere` redirects to it. It prints its port.
const SERVER: &str = r#"
import hashlib, http.server, ssl, sys
folder = sys.argv[1]
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/elsewhere":
            self.send_response(302); self.send_header("Location", "/list"); self.send_header("Content-Length", "0"); self.end_headers()
            return
        body = open(folder + "/list", "rb").read()
        tag = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
        with open(folder + "/asked", "a") as asked: asked.write((self.headers.get("If-None-Match") or "-") + "\n")
        if self.headers.get("If-None-Match") == tag:
            self.send_response(304); self.send_header("ETag", tag); self.end_headers()
            return
        self.send_response(200); self.send_header("ETag", tag); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/../publisher.pem", folder + "/../publisher.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// The CA and the certificate of all publishers of a test run.
static CA: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = TempDir::new().unwrap();
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.distinguished_name
        .push(rcgen::DnType::CommonName, "publishers' CA");
    let certificate = ca.self_signed(&ca_key).unwrap();
    fs::write(directory.path().join("ca.pem"), certificate.pem()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &rcgen::Issuer::new(ca, ca_key)).unwrap();
    fs::write(directory.path().join("publisher.pem"), leaf.pem()).unwrap();
    fs::write(directory.path().join("publisher.key"), key.serialize_pem()).unwrap();
    directory
});

/// Variables that let a server read the lists of publishers: these are on this machine, and use a CA of their own.
pub(crate) fn environment() -> [(&'static str, PathBuf); 2] {
    [
        ("HOOKGATE_ADDRESSES_CA", CA.path().join("ca.pem")),
        ("HOOKGATE_ADDRESSES_PRIVATE_TARGETS", "127.0.0.1, ::1".into()),
    ]
}

/// A running publisher.
pub(crate) struct Publisher {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Publisher {
    /// Publishes this list.
    pub(crate) fn start(list: &str) -> Self {
        let folder = tempfile::Builder::new().tempdir_in(CA.path()).unwrap().keep();
        fs::write(folder.join("list"), list).unwrap();
        let mut process = Command::new("python3")
            .args(["-c", SERVER])
            .arg(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = std::io::BufReader::new(process.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        Self {
            process,
            folder,
            port: line.trim().parse().unwrap(),
        }
    }

    /// Publishes another list.
    pub(crate) fn publish(&self, list: &str) {
        fs::write(self.folder.join("list"), list).unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// The `If-None-Match` of each request, `-` if there was none.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.folder.join("asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
