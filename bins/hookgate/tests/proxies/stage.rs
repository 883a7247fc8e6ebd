//! A gate, a proxy in front of it configured as documented, and clients: each on a host of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::network::{Host, Network};

const HOOKGATE: &str = env!("CARGO_BIN_EXE_hookgate");
/// The name in URLs and certificates.
const NAME: &str = "hooks.example.org";
/// Maximum number of polls for an expected event, with the pause between two: 20 seconds in all.
const LOOKS: u32 = 400;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// All running processes.
pub(crate) struct Stage {
    network: Network,
    directory: TempDir,
    gate: Option<Child>,
    proxy: Option<Child>,
    pub(crate) url: String,
}

/// The answer to a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Stage {
    /// A gate with these lines in its section of the configuration.
    pub(crate) fn set(gate: &str) -> Self {
        Self::with_set(gate, None)
    }

    /// The same with an address set that exists before the gate starts.
    pub(crate) fn with_set(gate: &str, set: Option<(&str, &str)>) -> Self {
        let mut stage = Self {
            network: Network::build(),
            directory: TempDir::new().unwrap(),
            gate: None,
            proxy: None,
            url: String::new(),
        };
        stage.make_certificate();
        let config = format!(
            "public_url = \"https://{NAME}\"\n[store]\nurl = \"sqlite:data\"\n[log]\nlevel = \"warn\"\n\
             [console]\nlisten = \"127.0.0.1:8444\"\n\
             [gate]\nlisten = \"[::]:8443\"\nplain_listen = \"[::]:8080\"\ncertificate = \"hooks.crt\"\nkey = \"hooks.key\"\n{gate}\n"
        );
        fs::write(stage.file("hookgate.toml"), config).unwrap();
        if let Some((name, network)) = set {
            stage.hookgate(&["migrate"]);
            stage.hookgate(&["addresses", "create", name, "--network", network]);
        }
        let gate = stage
            .network
            .on(Host::Gate, HOOKGATE)
            .args(["serve", "--config"])
            .arg(stage.file("hookgate.toml"))
            .spawn()
            .unwrap();
        stage.gate = Some(gate);
        stage.wait_for(Host::Gate, 8443);
        let webhook = stage.hookgate(&["webhook", "create", "demo"]);
        webhook["url"].as_str().unwrap().clone_into(&mut stage.url);
        stage
    }

    /// Starts a proxy by a sample of the documentation, with the paths and names of this stage.
    pub(crate) fn proxy(&mut self, program: &str, sample: &str, change: impl Fn(String) -> String) {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/samples/proxies");
        let text = fs::read_to_string(samples.join(sample)).unwrap();
        let pem = self.file("hooks.pem").display().to_string();
        let key = self.file("hooks.key").display().to_string();
        let ca = self.file("ca.pem").display().to_string();
        let mut text = change(text);
        for place in ["/etc/nginx", "/etc/haproxy", "/etc/caddy"] {
            text = text.replace(&format!("{place}/hooks.pem"), &pem);
            text = text.replace(&format!("{place}/hooks.key"), &key);
        }
        text = text.replace("/etc/ssl/certs/ca-certificates.crt", &ca);
        text = text.replace("/var/log/nginx/error.log", "stderr");
        let file = self.file(sample);
        fs::write(&file, text).unwrap();
        let mut command = self.network.on(Host::Proxy, program);
        match program {
            "nginx" => {
                let pid = self.file("nginx.pid");
                let globals = format!("daemon off; error_log stderr; pid {};", pid.display());
                command.arg("-c").arg(&file).args(["-g", &globals])
            }
            "haproxy" => command.arg("-db").arg("-f").arg(&file),
            "caddy" => command
                .env("HOME", self.directory.path())
                .args(["run", "--adapter", "caddyfile", "--config"])
                .arg(&file),
            other => panic!("{other}"),
        };
        let log = fs::File::create(self.file("proxy.log")).unwrap();
        self.proxy = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        self.wait_for(Host::Proxy, 443);
    }

    /// A delivery by a client to the proxy, from one of its addresses, with additional headers.
    pub(crate) fn send(&self, from: &str, headers: &[&str]) -> Answer {
        let to = if from.contains(':') {
            "[2001:db8:1::1]"
        } else {
            "203.0.113.1"
        };
        self.curl(from, &format!("{NAME}:443:{to}"), &self.url, headers)
    }

    /// Stops the gate, so that the proxy has an error to log.
    pub(crate) fn stop_gate(&mut self) {
        stop(&mut self.gate.take().unwrap());
    }

    /// Stops the proxy and returns its log.
    pub(crate) fn proxy_log(&mut self) -> String {
        stop(&mut self.proxy.take().unwrap());
        fs::read_to_string(self.file("proxy.log")).unwrap()
    }

    /// A delivery directly to the gate, without the proxy.
    pub(crate) fn send_direct(&self, from: &str, headers: &[&str], more: &[&str]) -> Answer {
        let to = if from.contains(':') {
            "[2001:db8:2::3]"
        } else {
            "198.51.100.3"
        };
        let url = self.url.replace(NAME, &format!("{NAME}:8443"));
        let headers: Vec<_> = headers.to_vec();
        self.curl_with(from, &format!("{NAME}:8443:{to}"), &url, &headers, more)
    }

    /// The newest record, as soon as there are `records` of them.
    pub(crate) fn newest(&self, records: usize) -> Value {
        for _ in 0..LOOKS {
            let items = self.hookgate(&["deliveries", "list"])["items"]
                .as_array()
                .unwrap()
                .clone();
            if items.len() >= records {
                let id = items[0]["id"].as_str().unwrap();
                return self.hookgate(&["deliveries", "show", id]);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        panic!("not {records} records")
    }

    /// Runs an administrator's command.
    pub(crate) fn hookgate(&self, arguments: &[&str]) -> Value {
        let output = Command::new(HOOKGATE)
            .args(arguments)
            .args(["--json", "--config"])
            .arg(self.file("hookgate.toml"))
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn curl(&self, from: &str, resolve: &str, url: &str, headers: &[&str]) -> Answer {
        self.curl_with(from, resolve, url, headers, &[])
    }

    fn curl_with(&self, from: &str, resolve: &str, url: &str, headers: &[&str], more: &[&str]) -> Answer {
        let mut command = self.network.on(Host::Client, "curl");
        command.args([
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--interface",
            from,
        ]);
        command
            .args(["--resolve", resolve, "--cacert"])
            .arg(self.file("ca.pem"));
        command.args([
            "--write-out",
            "\n%{http_code}",
            "--header",
            "content-type: application/json",
        ]);
        for header in headers {
            command.args(["--header", header]);
        }
        let output = command
            .args(["--data", r#"{"title":"Disk full"}"#])
            .args(more)
            .arg(url)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        let (body, status) = text.rsplit_once('\n').unwrap_or_else(|| panic!("{error}"));
        Answer {
            status: status.parse().unwrap(),
            body: format!("{body}{error}"),
        }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn make_certificate(&self) {
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        ca.distinguished_name.push(rcgen::DnType::CommonName, "test CA");
        fs::write(self.file("ca.pem"), ca.self_signed(&ca_key).unwrap().pem()).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = rcgen::CertificateParams::new([NAME.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &rcgen::Issuer::new(ca, ca_key)).unwrap();
        let (chain, key) = (leaf.pem(), key.serialize_pem());
        fs::write(self.file("hooks.crt"), &chain).unwrap();
        fs::write(self.file("hooks.key"), &key).unwrap();
        // HAProxy wants both in one file; the others take it too.
        fs::write(self.file("hooks.pem"), chain + &key).unwrap();
    }

    fn wait_for(&self, host: Host, port: u16) {
        let filter = format!("sport = :{port}");
        for _ in 0..LOOKS {
            let listening = self
                .network
                .on(host, "ss")
                .args(["-Hltn", &filter])
                .output()
                .unwrap();
            if !listening.stdout.is_empty() {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let log = fs::read_to_string(self.file("proxy.log")).unwrap_or_default();
        panic!("nobody listens on {port} of {host:?}: {log}")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in [&mut self.proxy, &mut self.gate].into_iter().flatten() {
            stop(child);
        }
    }
}

/// SIGTERM instead of SIGKILL, so that nginx ends its workers too.
fn stop(child: &mut Child) {
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let _ = child.wait();
}
