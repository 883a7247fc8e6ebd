//! Hookgate in a production form: `serve` with a configuration of its own, on SQLite or on PostgreSQL.

use std::ffi::OsString;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::server::{Server, binary};
use super::tree::{Process, SERVERS, pinned};
use xtask::process::Outcome;

/// Pause between two attempts to connect to a server.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Allowlist of a webhook that accepts the load generator; the second network makes it a real list.
const ALLOWED: &str = "127.0.0.1, 192.0.2.0/24";
/// Allowlist of a webhook that refuses the load generator.
pub(crate) const ELSEWHERE: &str = "192.0.2.0/24";

/// A configuration of Hookgate on disk.
#[derive(Debug)]
pub(crate) struct Site {
    file: PathBuf,
    /// Address of the gate, listening or not.
    pub(crate) address: SocketAddr,
    /// Address of the console, listening or not.
    pub(crate) console: SocketAddr,
}

impl Site {
    /// A configuration with free addresses, defaults, and these lines in the section `store`.
    pub(crate) fn new(directory: &Path, certificates: &Path, store: &str) -> Outcome<Self> {
        Self::at([free_address()?, free_address()?], directory, certificates, store)
    }

    /// The same addresses with other lines in the section `store`.
    pub(crate) fn instead(&self, directory: &Path, certificates: &Path, store: &str) -> Outcome<Self> {
        Self::at([self.address, self.console], directory, certificates, store)
    }

    fn at(
        [address, console]: [SocketAddr; 2],
        directory: &Path,
        certificates: &Path,
        store: &str,
    ) -> Outcome<Self> {
        fs::create_dir_all(directory)?;
        let at = |name: &str| certificates.join(name).display().to_string();
        let text = format!(
            "public_url = \"https://localhost:{}\"\n[store]\n{store}\nsealing_key_file = \"{}\"\n\
             [gate]\nlisten = \"{address}\"\ncertificate = \"{}\"\nkey = \"{}\"\n[console]\nlisten = \"{console}\"\n",
            address.port(),
            at("sealing.key"),
            at("gate.pem"),
            at("gate.key"),
        );
        let file = directory.join("hookgate.toml");
        fs::write(&file, text)?;
        Ok(Self {
            file,
            address,
            console,
        })
    }

    /// A configuration on the embedded store in this directory.
    pub(crate) fn on_sqlite(directory: &Path, certificates: &Path) -> Outcome<Self> {
        Self::new(directory, certificates, &sqlite_in(directory))
    }

    /// The command that serves it: the program and its arguments.
    pub(crate) fn serving(&self) -> [PathBuf; 4] {
        [binary(), "serve".into(), "--config".into(), self.file.clone()]
    }

    /// Starts it on the core of servers, by another program if there is one, and waits until the gate listens.
    pub(crate) fn serve(&self, starter: &[OsString]) -> Outcome<Process> {
        let mut command = pinned(SERVERS);
        command
            .args(starter)
            .args(self.serving())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut process = Process::start(&mut command)?;
        wait_for(self.address, &mut process)?;
        Ok(process)
    }

    /// Runs a command on this configuration and returns its JSON.
    pub(crate) fn command(&self, arguments: &[&str]) -> Outcome<Value> {
        let output = Command::new(binary())
            .args(arguments)
            .args(["--json", "--config"])
            .arg(&self.file)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Creates a webhook that accepts the load generator; returns its path.
    pub(crate) fn webhook(&self) -> Outcome<String> {
        self.webhook_for(ALLOWED)
    }

    /// Creates a webhook with this allowlist; returns its path.
    pub(crate) fn webhook_for(&self, allow: &str) -> Outcome<String> {
        Ok(self.create(allow)?.0)
    }

    /// Creates and revokes a webhook; returns its path.
    pub(crate) fn revoked_webhook(&self) -> Outcome<String> {
        let (path, handle) = self.create(ALLOWED)?;
        self.command(&["webhook", "revoke", &handle, "--yes"])?;
        Ok(path)
    }

    /// Creates a webhook; returns its path and handle.
    fn create(&self, allow: &str) -> Outcome<(String, String)> {
        let made = self.command(&["webhook", "create", "bench", "--allow", allow])?;
        let text = |name: &str| made[name].as_str().ok_or("no webhook was created");
        let (url, handle) = (text("url")?, text("handle")?);
        let path = &url[url.find("/webhooks/").ok_or("no webhook URL")?..];
        Ok((path.to_owned(), handle.to_owned()))
    }
}

/// The configuration line of the embedded store in this directory.
pub(crate) fn sqlite_in(directory: &Path) -> String {
    format!("url = \"sqlite:{}\"", directory.display())
}

/// A directory with a certificate for `localhost` and its key, made by `hookgate dev`.
pub(crate) fn certificates(scratch: &Path) -> Outcome<PathBuf> {
    let directory = scratch.join("certificate");
    if !directory.join("gate.pem").exists() {
        drop(Server::dev(&directory)?);
    }
    Ok(directory.canonicalize()?)
}

/// An address on which nothing listens.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until the process listens there, and fails if it ends before.
pub(crate) fn wait_for(address: SocketAddr, process: &mut Process) -> Outcome<()> {
    while TcpStream::connect(address).is_err() {
        process.is_there()?;
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
