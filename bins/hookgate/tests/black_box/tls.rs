//! TLS as scanners judge it, and certificates that are replaced under load.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use hookgate_testkit::https::{Answer, Client, Full, Http, Request};
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::data;
use crate::support::{HOOKGATE, Server};
use crate::support::{node, publisher};

/// Senders that connect all the time.
const SENDERS: usize = 4;
/// Number of certificates in a row, and of handshakes to wait for between them.
const CHANGES: u32 = 20;
const HANDSHAKES_BETWEEN: u32 = 20;
/// Maximum number of polls for an expected event, with the pause between two: half a minute in all.
const LOOKS: u32 = 1_500;
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread")]
async fn both_listeners_have_the_intermediate_profile() {
    let server = Server::start();
    let ca = Path::new(server.ready["ca"].as_str().unwrap());
    for url in [server.ready["gate"].as_str().unwrap(), server.console()] {
        let authority = url.strip_prefix("https://").unwrap();
        complies(&scan(ca, "intermediate", authority), true);
        // Proof that the scan can fail: the server speaks TLS 1.2.
        complies(&scan(ca, "modern", authority), false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_3_alone_is_the_modern_profile() {
    let node = Node::start("[tls]\nmin = \"1.3\"\n");
    for address in [node.gate, node.console] {
        let authority = format!("localhost:{}", address.port());
        complies(&scan(&node.path("ca.pem"), "modern", &authority), true);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_under_load_without_a_failed_handshake() {
    let node = Node::start("");
    let (stop, handshakes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (client, address) = (node.client.clone(), node.gate);
            let (stop, handshakes) = (Arc::clone(&stop), Arc::clone(&handshakes));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    client.tls(address, Http::One).await.unwrap();
                    handshakes.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..CHANGES {
        let enough = handshakes.load(Ordering::Relaxed) + HANDSHAKES_BETWEEN;
        comes(async || handshakes.load(Ordering::Relaxed) >= enough).await;
        let fresh = node.issue(60);
        node.hang_up();
        comes(async || node.served().await == fresh).await;
    }
    stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await.expect("no handshake failed");
    }
    assert_eq!(
        node.readiness().await["certificates"],
        json!({"gate": "ok", "console": "ok"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_certificate_is_told_and_the_old_one_stays() {
    let node = Node::start("");
    let (chain, key) = (node.path("gate.pem"), node.path("gate.key"));
    let breakages: [(&str, &dyn Fn()); 4] = [
        ("has expired", &|| drop(node.issue(-1))),
        ("can't be used together", &|| {
            fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        }),
        ("without its END marker", &|| {
            let whole = fs::read_to_string(&chain).unwrap();
            fs::write(&chain, &whole[..whole.len() - 40]).unwrap();
        }),
        ("can't read", &|| fs::remove_file(&chain).unwrap()),
    ];
    for (what, break_it) in breakages {
        let good = node.served().await;
        break_it();
        node.hang_up();
        comes(async || node.log().contains(what)).await;
        assert_eq!(node.served().await, good, "{what}");
        let readiness = node.readiness().await;
        assert_eq!(
            readiness["status"], "ok",
            "{what}: no other node has a better one"
        );
        let failed = json!({"gate": "reload_failed", "console": "reload_failed"});
        assert_eq!(readiness["certificates"], failed, "{what}");
        let metrics = node.get("/metrics").await.body;
        let failed = "hookgate_certificate_reload_failed{listener=\"gate\"} 1\n";
        assert!(metrics.contains(failed), "{what}: {metrics}");
        assert!(node.doctor().contains("gate.certificate: "), "{what}");

        let fresh = node.issue(60);
        node.hang_up();
        comes(async || node.served().await == fresh).await;
        assert_eq!(node.readiness().await["certificates"]["gate"], "ok", "{what}");
        assert!(!node.doctor().contains("gate.certificate: "), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_needs_a_restart_is_named_at_sighup() {
    let node = Node::start("");
    fs::write(node.path("store.url"), "sqlite:elsewhere").unwrap();
    node.hang_up();
    comes(async || node.log().contains("restart to apply")).await;
    let log = node.log();
    assert!(log.contains(r#""setting":"store.url_file""#), "{log}");
    for same in [r#""setting":"--config""#, "store.sealing_key_file"] {
        assert!(!log.contains(same), "{log}");
    }
}

/// Scans a listener against one of Mozilla's profiles.
fn scan(ca: &Path, profile: &str, authority: &str) -> Output {
    let scanner = [env!("CARGO_MANIFEST_DIR"), "../../target/tools/sslyze/bin/sslyze"];
    Command::new(scanner.iter().collect::<PathBuf>())
        .arg("--certinfo_ca_file")
        .arg(ca)
        .args([&format!("--mozilla_config={profile}"), authority])
        .output()
        .expect("sslyze, which `cargo xtask test` installs")
}

fn complies(scan: &Output, expected: bool) {
    let said = String::from_utf8_lossy(&scan.stdout);
    let verdict = if expected {
        "OK - Compliant"
    } else {
        "FAILED - Not compliant"
    };
    assert!(
        said.contains(verdict) && scan.status.success() == expected,
        "{said}"
    );
}

/// Waits until a condition is true.
async fn comes(is_so: impl AsyncFn() -> bool) {
    for _ in 0..LOOKS {
        if is_so().await {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    panic!("it did not come");
}

/// A node with its own CA, which issues any number of certificates.
struct Node {
    process: Child,
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
    gate: SocketAddr,
    console: SocketAddr,
    client: Client,
}

impl Node {
    /// Starts it with these additional settings.
    fn start(settings: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        ca.distinguished_name.push(DnType::CommonName, "test CA");
        let pem = ca.self_signed(&key).unwrap().pem();
        fs::write(directory.path().join("ca.pem"), &pem).unwrap();
        let issuer = Issuer::new(ca, key);
        issue(directory.path(), &issuer, 60);
        node::configure(directory.path(), "sqlite:data");
        let config = directory.path().join(node::CONFIG);
        let text = fs::read_to_string(&config).unwrap() + settings;
        fs::write(&config, text).unwrap();
        let log = fs::File::create(directory.path().join("log")).unwrap();
        let process = node::serve(
            directory.path(),
            "info",
            Stdio::from(log),
            &publisher::environment(),
        );
        let [gate, console] = node::addresses(directory.path());
        Self {
            process,
            issuer,
            gate,
            console,
            client: Client::trusting(pem.as_bytes()).unwrap(),
            directory,
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Replaces the node's certificate by one that expires in `days`. Returns its bytes.
    fn issue(&self, days: i64) -> Vec<u8> {
        issue(self.directory.path(), &self.issuer, days)
    }

    fn hang_up(&self) {
        let process = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-HUP", &process])
                .status()
                .unwrap()
                .success()
        );
    }

    /// The certificate that a new handshake gets.
    async fn served(&self) -> Vec<u8> {
        let stream = self.client.tls(self.gate, Http::Two).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(format!("https://localhost:{}{path}", self.console.port()));
        let request = request.body(Full::default()).unwrap();
        self.client.send(Http::One, request).await.unwrap()
    }

    async fn readiness(&self) -> Value {
        let answer = self.get("/readyz").await;
        assert_eq!(answer.status, 200);
        data(&answer)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    fn doctor(&self) -> String {
        let output = Command::new(HOOKGATE)
            .args(["doctor", "--config"])
            .arg(self.path(node::CONFIG))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn issue(directory: &Path, issuer: &Issuer<'static, KeyPair>, days: i64) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let mut leaf = CertificateParams::new(names).unwrap();
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let day = |from_now: i64| {
        let day = Timestamp::now() + (from_now * 24).hours();
        let date = jiff::tz::TimeZone::UTC.to_datetime(day).date();
        rcgen::date_time_ymd(
            date.year().into(),
            date.month().unsigned_abs(),
            date.day().unsigned_abs(),
        )
    };
    (leaf.not_before, leaf.not_after) = (day(-10), day(days));
    let leaf = leaf.signed_by(&key, issuer).unwrap();
    fs::write(directory.join("gate.pem"), leaf.pem()).unwrap();
    fs::write(directory.join("gate.key"), key.serialize_pem()).unwrap();
    leaf.der().to_vec()
}
