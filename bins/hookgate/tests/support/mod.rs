//! A running `hookgate dev` in its own directory, and helpers of the tests.

pub(crate) mod node;
pub(crate) mod program;
pub(crate) mod publisher;
pub(crate) mod visitor;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use hookgate_testkit::https::{Answer, Bytes, Client, Full, Http, Request};
use hookgate_testkit::postgres::Postgres;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

/// The store of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// SQLite, in the directory of the server.
    Embedded,
    /// A database of its own on a PostgreSQL server.
    Postgres,
}

/// Maximum time to wait for an expected event. It is never nearly reached, so a busy machine makes no difference.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Interval of looking whether it has happened.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The binary under test.
pub(crate) const HOOKGATE: &str = env!("CARGO_BIN_EXE_hookgate");

/// A running server. It is killed with SIGKILL when dropped.
pub(crate) struct Server {
    child: Child,
    directory: PathBuf,
    pub(crate) ready: Value,
    pub(crate) client: Client,
    /// Removed with the server.
    scratch: Option<TempDir>,
}

impl Server {
    /// Starts a server in a fresh directory.
    pub(crate) fn start() -> Self {
        let scratch = TempDir::new().unwrap();
        let mut server = Self::start_in(&scratch.path().join("data"), "warn", Stdio::inherit());
        server.scratch = Some(scratch);
        server
    }

    /// Starts a server in this directory, with this log level and log output: `hookgate dev` on its embedded store, or a
    /// node on its own database.
    pub(crate) fn start_in(directory: &Path, level: &str, log: Stdio) -> Self {
        match crate::STORE {
            Store::Embedded => Self::start_dev(directory, level, log),
            Store::Postgres => Self::start_node(directory, level, log),
        }
    }

    /// Starts a node like `hookgate dev`: with a demo webhook, and with the data that it would print.
    fn start_node(directory: &Path, level: &str, log: Stdio) -> Self {
        let is_first = !directory.join(node::CONFIG).exists();
        if is_first {
            node::lay_out(directory, &Postgres::shared().database().unwrap());
        }
        let child = node::serve(directory, level, log, &publisher::environment());
        let [gate, console] = node::addresses(directory);
        let ca = directory.join("ca.pem");
        let mut server = Self {
            child,
            directory: directory.to_owned(),
            ready: Value::Null,
            client: Client::trusting(&std::fs::read(&ca).unwrap()).unwrap(),
            scratch: None,
        };
        let webhook = if is_first {
            server.json(&["webhook", "create", "demo"])
        } else {
            Value::Null
        };
        server.ready = serde_json::json!({
            "gate": format!("https://localhost:{}", gate.port()),
            "console": format!("https://localhost:{}", console.port()),
            "ca": ca,
            "sign_in": server.json(&["sign-in-link"])["sign_in"],
            "webhook": webhook,
        });
        server
    }

    fn start_dev(directory: &Path, level: &str, log: Stdio) -> Self {
        Self::start_by(&mut Command::new(HOOKGATE), directory, level, log)
    }

    /// Starts `hookgate dev` in this directory with this command, which executes the binary.
    pub(crate) fn start_by(command: &mut Command, directory: &Path, level: &str, log: Stdio) -> Self {
        let mut child = command
            .args(["dev", "--json", "--gate", "127.0.0.1:0", "--data"])
            .arg(directory)
            .env("HOOKGATE_LOG_LEVEL", level)
            .envs(publisher::environment())
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

    /// Address of the gate.
    pub(crate) fn address(&self) -> SocketAddr {
        let port = self.ready["gate"].as_str().unwrap().rsplit(':').next().unwrap();
        SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
    }

    /// Base of the console's URLs.
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

    /// Crashes the server. Returns `true` if that left a core dump.
    pub(crate) fn dumps_core(&mut self) -> bool {
        dumps_core(&mut self.child)
    }

    /// Runs a command on the server's data and returns its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = run(&self.directory, arguments, "");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Creates a webhook and returns its URL.
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

    /// The recorded deliveries, as soon as `enough` accepts them; refusals are written shortly after their answer.
    pub(crate) async fn deliveries(&self, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let list = self.json(&["deliveries", "list", "--limit", "200"]);
            let items = list["items"].as_array().unwrap();
            if enough(items) {
                return items.clone();
            }
            assert!(begun.elapsed() < PATIENCE, "not on the record: {list}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a condition holds.
pub(crate) async fn comes(what: &str, is_so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "it did not come: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
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

/// The signature header of the Standard Webhooks scheme.
pub(crate) fn sign(secret: &str, id: &str, timestamp: i64, body: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let tag = ring::hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

/// Runs `hookgate ARGUMENTS --json` on the store of this directory, with this standard input.
pub(crate) fn run(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let place = place(directory);
    let place = [OsStr::new("--json"), place[0].as_ref(), place[1].as_ref()];
    run_as_is(
        &[&arguments.iter().map(OsStr::new).collect::<Vec<_>>()[..], &place].concat(),
        input,
    )
}

/// The arguments that name the store of this directory.
pub(crate) fn place(directory: &Path) -> [OsString; 2] {
    match crate::STORE {
        Store::Embedded => ["--data".into(), directory.into()],
        Store::Postgres => ["--config".into(), directory.join(node::CONFIG).into()],
    }
}

/// Runs `hookgate` with exactly these arguments.
pub(crate) fn run_as_is(arguments: &[&OsStr], input: &str) -> Output {
    let mut child = Command::new(HOOKGATE)
        .args(arguments)
        .envs(publisher::environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Runs SQL on the store of this directory and returns the output.
pub(crate) fn sql(directory: &Path, statement: &str) -> String {
    if crate::STORE == Store::Postgres {
        return node::sql(directory, statement);
    }
    let output = Command::new("sqlite3")
        // The server writes too, and the shell gives up at once by default.
        .args(["-cmd", ".timeout 30000"])
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

/// A dump of the store of this directory, as text.
pub(crate) fn dump(directory: &Path) -> String {
    match crate::STORE {
        Store::Embedded => sql(directory, ".dump"),
        Store::Postgres => node::dump(directory),
    }
}

/// Blocks all other writers to the store of this directory until it is dropped.
pub(crate) struct Hold(Child);

impl Hold {
    /// Begins to block.
    pub(crate) fn begin(directory: &Path) -> Self {
        let (mut program, statements) = match crate::STORE {
            Store::Embedded => {
                let mut program = Command::new("sqlite3");
                program.arg("-bail").arg(directory.join("hookgate.db"));
                (
                    program,
                    "PRAGMA busy_timeout=30000;\nBEGIN IMMEDIATE;\nSELECT 'locked';\n",
                )
            }
            Store::Postgres => (
                node::session(directory),
                "BEGIN;\nLOCK TABLE counters;\nSELECT 'locked';\n",
            ),
        };
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.as_mut().unwrap();
        input.write_all(statements.as_bytes()).unwrap();
        let mut output = BufReader::new(child.stdout.as_mut().unwrap());
        let mut line = String::new();
        while !line.contains("locked") {
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "no lock");
        }
        Self(child)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// Lifts the limit on core dumps of a process.
pub(crate) fn let_dump_core(pid: u32) {
    let lifted = Command::new("prlimit")
        .args(["--core=unlimited:unlimited", "--pid", &pid.to_string()])
        .status()
        .unwrap();
    assert!(lifted.success());
}

/// Crashes a process. Returns `true` if that left a core dump.
pub(crate) fn dumps_core(child: &mut Child) -> bool {
    let aborted = Command::new("kill")
        .args(["-ABRT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(aborted.success());
    child.wait().unwrap().core_dumped()
}

/// Reads the answer to the head of a request with `Expect: 100-continue`: the server waits for the body now.
pub(crate) async fn wants_the_body(stream: &mut (impl AsyncRead + Unpin)) {
    const GO_ON: &[u8; 25] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut answer = [0; GO_ON.len()];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, GO_ON, "{}", String::from_utf8_lossy(&answer));
}

/// Sends raw bytes over plain TCP and reads until the other side closes.
pub(crate) fn plain_tcp(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The refusal code of an answer, after a check of the parts that every failure has.
pub(crate) fn code(answer: &Answer) -> String {
    assert!(answer.header("x-request-id").starts_with("req_"), "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("server"), "");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["success"], false);
    assert!(body["error"]["message"].is_string());
    body["error"]["code"].as_str().unwrap().to_owned()
}
