//! A stranger who knows one URL fills the store, with refused and with accepted deliveries. No delivery of another webhook
//! is removed.
//!
//! The history is pruned once a minute, so only the long form waits until the store is full and smaller again.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use hookgate_testkit::https::{Client, Http};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::crowds::stream_from;
use crate::stage::is_judged;
use crate::support::node;
use crate::support::{post, run_as_is};

const MIB: u64 = 1 << 20;
/// Number of deliveries and open incidents of the webhook that must not be affected.
const VICTIM: usize = 40;
/// Number of requests of each flood: 2.5 GB, of which the store keeps one, and a number that tells a limit on bytes from a
/// limit on records.
const FLOOD: [u32; 2] = [2_500, 60];
/// Number of addresses of a flood. Identical refusals of one address get ten records and are then counted.
const SOURCES: u32 = 50;
/// Maximum disk space of all refusals.
const MOST_REFUSED: u64 = 50 * MIB;
/// Maximum time of pruning: it starts once a minute, removes about a gigabyte, and returns the space gradually.
const MOST_PRUNING: Duration = Duration::from_mins(15);

/// A node with a database file of at most one GiB.
struct Full {
    child: Child,
    directory: TempDir,
    client: Client,
}

impl Full {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path();
        node::lay_out(path, &format!("sqlite:{}", path.join("data").display()));
        let one_gib = [("HOOKGATE_STORE_KEEP_GIB", PathBuf::from("1"))];
        let child = node::serve(path, "warn", Stdio::inherit(), &one_gib);
        let client = Client::trusting(&fs::read(path.join("ca.pem")).unwrap()).unwrap();
        Self {
            child,
            directory,
            client,
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let config = self.path().join(node::CONFIG);
        let mut all: Vec<_> = arguments.iter().map(OsStr::new).collect();
        all.extend([OsStr::new("--json"), OsStr::new("--config"), config.as_os_str()]);
        let output = run_as_is(&all, "");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn create(&self, name: &str, more: &[&str]) -> String {
        let created = self.json(&[&["webhook", "create", name], more].concat());
        created["url"].as_str().unwrap().to_owned()
    }

    async fn send(&self, url: &str, body: &str, times: u32) -> Vec<u16> {
        let address = node::addresses(self.path())[0];
        let (mut connections, mut statuses) = (HashMap::new(), Vec::new());
        for number in 0..times {
            let network = u8::try_from(number % SOURCES).unwrap();
            let mut connection = if let Some(connection) = connections.remove(&network) {
                connection
            } else {
                let stream = stream_from(network, address).await.unwrap();
                self.client.connect_over(stream, Http::One).await.unwrap()
            };
            let Ok(answer) = connection.send(post(url, body)).await else {
                // The server closed the connection, as it does if too much arrives too fast.
                continue;
            };
            connections.insert(network, connection);
            let status = answer.status.as_u16();
            statuses.push(status);
            if status >= 500 {
                // The server asks for a later retry, which an attacker respects too.
                sleep(Duration::from_millis(20)).await;
            }
        }
        statuses
    }

    /// Size of the database with its log, in bytes.
    fn bytes(&self) -> u64 {
        let data = self.path().join("data");
        let files = ["hookgate.db", "hookgate.db-wal"];
        files
            .iter()
            .filter_map(|name| fs::metadata(data.join(name)).ok())
            .map(|file| file.len())
            .sum()
    }

    /// Number of deliveries and open incidents of a webhook.
    fn holds(&self, webhook: &str) -> (usize, usize) {
        let count = |what: &str| {
            let list = self.json(&[what, "list", "--webhook", webhook, "--limit", "200"]);
            list["items"].as_array().unwrap().len()
        };
        (count("deliveries"), count("incidents"))
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_takes_nothing_from_another_webhook() {
    let full = Full::start();
    let victim = full.create("victim", &[]);
    let signed = full.create(
        "signed",
        &["--signature", "standard-webhooks", "--max-body", "1048576"],
    );
    let open = full.create("open", &["--max-body", "1048576"]);
    for number in 0..VICTIM {
        let body = json!({"title": "disk full", "dedup_key": number.to_string()}).to_string();
        assert_eq!(full.send(&victim, &body, 1).await, [201]);
    }
    assert_eq!(full.holds("victim"), (VICTIM, VICTIM));
    let before = full.bytes();
    let flood = if is_judged() { FLOOD[0] } else { FLOOD[1] };
    let large = "x".repeat(usize::try_from(MIB - 100).unwrap());
    let junk = format!(r#"{{"text":"{large}"}}"#);
    for url in [&signed, &open] {
        let statuses = full.send(url, &junk, flood).await;
        assert!(statuses.iter().all(|status| *status >= 400), "all are refused");
    }
    let grown = full.bytes().saturating_sub(before);
    assert!(grown < MOST_REFUSED, "{} MiB through refusals", grown / MIB);
    let alert = format!(r#"{{"title":"t","text":"{large}"}}"#);
    let accepted = full.send(&open, &alert, flood).await;
    let accepted = accepted.iter().filter(|status| **status == 201).count();
    println!(
        "refusals took {} MiB; {accepted} large deliveries were accepted",
        grown / MIB
    );
    let end = Instant::now() + MOST_PRUNING;
    while is_judged() && full.bytes() > 1_100 * MIB {
        assert!(Instant::now() < end, "{} MiB are left", full.bytes() / MIB);
        sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(full.holds("victim"), (VICTIM, VICTIM));
}
