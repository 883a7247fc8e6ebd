//! Nodes on one database, each with its own connection to it, which a test can cut.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use hookgate_testkit::fault_proxy::FaultProxy;
use hookgate_testkit::https::{Answer, Bytes, Client, Full, Http, Outcome, Request};
use hookgate_testkit::postgres::{Postgres, url_at};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::node;
use crate::support::{HOOKGATE, run_as_is};

/// The database that the nodes share.
const DATABASE: &str = "hookgate";

/// Some nodes on one database.
pub(crate) struct Site {
    pub(crate) nodes: Vec<Node>,
    pub(crate) client: Client,
    /// Token of the admin API.
    token: String,
    _scratch: TempDir,
}

/// One of them.
pub(crate) struct Node {
    pub(crate) directory: PathBuf,
    pub(crate) gate: SocketAddr,
    console: SocketAddr,
    /// Proxy between the node and the database.
    pub(crate) way: FaultProxy,
    environment: Environment,
    process: Mutex<Child>,
}

/// Environment variables of a process.
pub(crate) type Environment = Vec<(&'static str, PathBuf)>;

impl Site {
    /// Starts this number of nodes on a fresh database of this server.
    pub(crate) async fn start(postgres: &Postgres, nodes: usize) -> Self {
        Self::start_in(postgres, vec![Environment::new(); nodes]).await
    }

    /// Starts a node in each of these environments.
    pub(crate) async fn start_in(postgres: &Postgres, environments: Vec<Environment>) -> Self {
        postgres
            .sql("postgres", &format!("CREATE DATABASE {DATABASE} OWNER hookgate"))
            .unwrap();
        let scratch = TempDir::new().unwrap();
        let mut started: Vec<Node> = Vec::new();
        for (number, environment) in environments.into_iter().enumerate() {
            let directory = scratch.path().join(format!("node{number}"));
            let way = FaultProxy::start(postgres.address()).await.unwrap();
            let url = url_at(way.address(), DATABASE);
            match started.first() {
                None => node::lay_out(&directory, &url),
                Some(first) => lay_out_beside(&directory, &first.directory, &url),
            }
            started.push(Node::start(directory, way, environment));
        }
        let first = &started[0].directory;
        let config = first.join(node::CONFIG);
        let words = [
            "--json", "token", "create", "tests", "--role", "admin", "--config",
        ]
        .map(OsStr::new);
        let made = run_as_is(&[&words[..], &[config.as_os_str()]].concat(), "");
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        Self {
            client: Client::trusting(&std::fs::read(first.join("ca.pem")).unwrap()).unwrap(),
            token: made["token"].as_str().unwrap().to_owned(),
            nodes: started,
            _scratch: scratch,
        }
    }

    /// Calls the admin API of a node.
    pub(crate) async fn call(
        &self,
        node: usize,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Outcome<Answer> {
        let console = self.nodes[node].console;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://localhost:{}{path}", console.port()))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Bytes::new, |json| Bytes::from(json.to_string()));
        let mut connection = self.client.connect(console, Http::One).await?;
        connection.send(request.body(Full::from(body))?).await
    }

    /// Creates a webhook; returns its handle, and the path of its URL.
    pub(crate) async fn create(&self, node: usize, name: &str) -> Outcome<(String, String)> {
        let body = serde_json::json!({"name": name});
        let answer = self
            .call(node, "POST", "/api/v1/webhooks", Some(body), &[])
            .await?;
        if answer.status != 201 {
            return Err(format!("{answer:?}").into());
        }
        let made: Value = serde_json::from_str(&answer.body)?;
        let handle = made["data"]["handle"].as_str().ok_or("no handle")?;
        Ok((handle.to_owned(), path_of(&made["data"]["url"])?))
    }

    /// Runs SQL on the database.
    pub(crate) fn sql(postgres: &Postgres, statement: &str) -> String {
        postgres.sql(DATABASE, statement).unwrap()
    }
}

/// The path of a webhook URL: every node serves it.
pub(crate) fn path_of(url: &Value) -> Outcome<String> {
    let url = url.as_str().ok_or("no URL")?;
    Ok(url[url.find("/webhooks/").ok_or("no webhook URL")?..].to_owned())
}

impl Node {
    fn start(directory: PathBuf, way: FaultProxy, environment: Environment) -> Self {
        let [gate, console] = node::addresses(&directory);
        let process = node::serve(&directory, "error", Stdio::null(), &environment);
        Self {
            directory,
            gate,
            console,
            way,
            environment,
            process: Mutex::new(process),
        }
    }

    /// Kills the node with SIGKILL.
    pub(crate) fn kill(&self) {
        self.signal("-KILL");
        self.wait();
    }

    /// Starts it again.
    pub(crate) fn start_again(&self) {
        let process = node::serve(&self.directory, "error", Stdio::null(), &self.environment);
        *self.process.lock().unwrap() = process;
    }

    /// Sends it this signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.pid().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// The process ID of the node.
    pub(crate) fn pid(&self) -> u32 {
        self.process.lock().unwrap().id()
    }

    /// Waits until the node has ended; returns its exit code.
    pub(crate) fn wait(&self) -> Option<i32> {
        self.process.lock().unwrap().wait().unwrap().code()
    }

    /// `true` if the process has not ended by itself.
    pub(crate) fn is_running(&self) -> bool {
        self.process.lock().unwrap().try_wait().unwrap().is_none()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut process = self.process.lock().unwrap();
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// Creates the directory of another node: same database, same certificate, same key.
fn lay_out_beside(directory: &Path, other: &Path, url: &str) {
    std::fs::create_dir_all(directory).unwrap();
    for file in ["ca.pem", "gate.pem", "gate.key", "sealing.key"] {
        std::fs::copy(other.join(file), directory.join(file)).unwrap();
    }
    node::configure(directory, url);
    let checked = Command::new(HOOKGATE)
        .args(["config", "check", "--config"])
        .arg(directory.join(node::CONFIG))
        .output();
    assert!(checked.unwrap().status.success());
}
