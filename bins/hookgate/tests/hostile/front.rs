//! A real proxy in front of a gate, on the same machine, configured by the samples of the documentation.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hookgate_testkit::ports;
use tempfile::TempDir;

use crate::support::Server;

/// Maximum number of polls until the proxy serves, with the pause between two: half a minute in all.
const LOOKS: u32 = 1_500;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running proxy.
pub(crate) struct FrontProxy {
    child: Child,
    address: SocketAddr,
    _scratch: TempDir,
}

impl FrontProxy {
    /// Starts `nginx` or `haproxy`, which terminates TLS with the gate's own certificate and opens TLS to the gate.
    pub(crate) fn start(program: &str, gate: &Server) -> Self {
        let scratch = TempDir::new().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], ports::reserve().unwrap()));
        let config = scratch.path().join(program);
        fs::write(&config, configuration(program, gate, address, scratch.path())).unwrap();
        let mut command = Command::new(program);
        match program {
            "nginx" => {
                let globals = format!("daemon off; error_log stderr crit; pid {}.pid;", config.display());
                command.arg("-c").arg(&config).args(["-g", &globals])
            }
            _ => command.args(["-db", "-q", "-f"]).arg(&config),
        };
        let mut front = Self {
            child: command.stdout(Stdio::null()).spawn().unwrap(),
            address,
            _scratch: scratch,
        };
        let mut looks = (0..LOOKS).map(|_| std::thread::sleep(LOOK_EVERY));
        let is_serving = looks.any(|()| TcpStream::connect(address).is_ok());
        assert!(
            is_serving,
            "{program} does not serve: {:?}",
            front.child.try_wait()
        );
        front
    }

    /// Address of the proxy.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for FrontProxy {
    fn drop(&mut self) {
        // SIGTERM instead of SIGKILL, so that nginx ends its workers too.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// The sample with the names and addresses of this test.
fn configuration(program: &str, gate: &Server, listen: SocketAddr, scratch: &Path) -> String {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/samples/proxies");
    let sample = match program {
        "nginx" => "nginx-re-encrypt.conf",
        _ => "haproxy-re-encrypt.cfg",
    };
    let [certificate, key] = ["gate.pem", "gate.key"].map(|file| gate.directory().join(file));
    let both = scratch.join("both.pem");
    let text = [&certificate, &key].map(|file| fs::read_to_string(file).unwrap());
    fs::write(&both, text.concat()).unwrap();
    let both = both.display().to_string();
    let changes = [
        ("/etc/nginx/hooks.pem", both.as_str()),
        ("/etc/nginx/hooks.key", &key.display().to_string()),
        ("/etc/haproxy/hooks.pem", &both),
        (
            "/etc/ssl/certs/ca-certificates.crt",
            gate.ready["ca"].as_str().unwrap(),
        ),
        ("10.0.0.3:8443", &gate.address().to_string()),
        ("hooks.example.org", "localhost"),
        ("listen 443 ssl http2", &format!("listen {listen} ssl")),
        ("listen [::]:443 ssl http2;", ""),
        (":::443 v4v6", &listen.to_string()),
        // Leftover bytes of a case on a connection would meet the next request, of any client.
        ("backend hookgate\n", "backend hookgate\n    http-reuse always\n"),
    ];
    let text = fs::read_to_string(samples.join(sample)).unwrap();
    changes
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}
