//! A running `hookgate dev` in a directory of its own, and what tests do with it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use hookgate_testkit::https::{Answer, Bytes, Client, Full, Http, Request};
use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const HOOKGATE: &str = env!("CARGO_BIN_EXE_hookgate");

/// A running server. It is killed when dropped, as hard as can be.
pub(crate) struct Server {
    child: Child,
    directory: PathBuf,
    pub(crate) ready: Value,
    pub(crate) client: Client,
    /// Removed with the server.
    scratch: Option<TempDir>,
}

impl Server {
    /// Starts `hookgate dev` in a fresh directory.
    pub(crate) fn start() -> Self {
        let scratch = TempDir::new().unwrap();
        let mut server = Self::start_in(&scratch.path().join("data"), "warn", Stdio::inherit());
        server.scratch = Some(scratch);
        server
    }

    /// Starts `hookgate dev` in this directory, with this log level and place for the log.
    pub(crate) fn start_in(directory: &Path, level: &str, log: Stdio) -> Self {
        let mut child = Command::new(HOOKGATE)
            .args(["dev", "--json", "--gate", "127.0.0.1:0", "--data"])
            .arg(directory)
            .env("HOOKGATE_LOG_LEVEL", level)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}"));
        let ca = std::fs::read(ready["ca"].as_str().unwrap()).unwrap();
        let client = Client::trusting(&ca).unwrap();
        Self {
            child,
            directory: directory.to_owned(),
            ready,
            client,
            scratch: None,
        }
    }

    /// The data directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the gate listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let port = self.ready["gate"].as_str().unwrap().rsplit(':').next().unwrap();
        SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
    }

    /// What the console's addresses start with.
    pub(crate) fn console(&self) -> &str {
        self.ready["console"].as_str().unwrap()
    }

    /// The URL of the demo webhook.
    pub(crate) fn demo_url(&self) -> String {
        self.ready["webhook"]["url"].as_str().unwrap().to_owned()
    }

    /// Ends the server with this signal and waits for its exit code.
    pub(crate) fn signal(&mut self, signal: &str) -> Option<i32> {
        let killed = Command::new("kill")
            .arg(signal)
            .arg(self.pid().to_string())
            .status()
            .unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code()
    }

    /// Runs a command on the server's data and gives its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = run(&self.directory, arguments, "");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Creates a webhook and gives its URL.
    pub(crate) fn create(&self, name: &str, arguments: &[&str]) -> String {
        let created = self.json(&[&["webhook", "create", name], arguments].concat());
        created["url"].as_str().unwrap().to_owned()
    }

    /// POSTs JSON text.
    pub(crate) async fn post(&self, http: Http, url: &str, body: &str) -> Answer {
        self.send(http, post(url, body)).await
    }

    /// Sends a request.
    pub(crate) async fn send(&self, http: Http, request: Request<Full<Bytes>>) -> Answer {
        self.client.send(http, request).await.unwrap()
    }

    /// The deliveries that are on the record once `enough` says so; refusals are written soon after their answer.
    pub(crate) async fn deliveries(&self, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        for _ in 0..100 {
            let items = self.json(&["deliveries", "list", "--limit", "200"])["items"]
                .as_array()
                .unwrap()
                .clone();
            if enough(&items) {
                return items;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("not on the record: {:?}", self.json(&["deliveries", "list"]));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A POST of JSON text.
pub(crate) fn post(url: &str, body: &str) -> Request<Full<Bytes>> {
    Request::post(url)
        .header("content-type", "application/json")
        .header("user-agent", "black-box/1")
        .body(Full::from(body.to_owned()))
        .unwrap()
}

/// Runs `hookgate ARGUMENTS --json --data DIRECTORY` with this standard input.
pub(crate) fn run(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let data = [OsStr::new("--json"), OsStr::new("--data"), directory.as_os_str()];
    run_as_is(
        &[&arguments.iter().map(OsStr::new).collect::<Vec<_>>()[..], &data].concat(),
        input,
    )
}

/// Runs `hookgate` with just these arguments.
pub(crate) fn run_as_is(arguments: &[&OsStr], input: &str) -> Output {
    let mut child = Command::new(HOOKGATE)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Runs SQL on a database file and gives what it prints.
pub(crate) fn sql(directory: &Path, statement: &str) -> String {
    let output = Command::new("sqlite3")
        .arg(directory.join("hookgate.db"))
        .arg(statement)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Sends raw bytes over plain TCP and reads until the other side closes.
pub(crate) fn plain_tcp(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The refusal code in an answer, after a check of what every failure must have.
pub(crate) fn code(answer: &Answer) -> String {
    assert!(answer.header("x-request-id").starts_with("req_"), "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("server"), "");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["success"], false);
    assert!(body["error"]["message"].is_string());
    body["error"]["code"].as_str().unwrap().to_owned()
}
