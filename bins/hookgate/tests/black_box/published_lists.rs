//! Publishers that are broken or taken over: two halves of the address space are refused like a `/0`, in lists, sets and
//! trusted proxies, and the size of a document controls neither the memory nor the waiting time of others.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use hookgate_testkit::https::{Client, Http};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::node;
use crate::support::program::Program;
use crate::support::publisher::Publisher;
use crate::support::{Server, post, run, run_as_is};

const ALERT: &str = r#"{"title":"t"}"#;
/// Maximum size of a document, in bytes.
const DOCUMENT: usize = 4 * 1024 * 1024;
/// Maximum growth of the process's memory by reading documents, in KiB.
const MOST_GROWTH: u64 = 64 * 1024;
/// Maximum time of a delivery meanwhile: 100 ms on an idle machine, more on one that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);

/// The whole address space, without a `/0`.
const EVERYBODY: [&str; 3] = [
    "0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1",
    "0.0.0.0/2 64.0.0.0/2 128.0.0.0/2 192.0.0.0/2",
    "2000::/4 3000::/4",
];

#[tokio::test(flavor = "multi_thread")]
async fn two_halves_are_everybody() {
    let server = Server::start();
    let publisher = Publisher::start("192.0.2.0/24\n198.51.100.7\n203.0.113.0/25\n");
    let url = publisher.url("/list");
    let import = |name, url: &str| {
        hookgate(
            server.directory(),
            &["addresses", "import", name, "--provider", "list", "--url", url],
        )
    };
    assert_eq!(import("vendor", &url).0, Some(0));
    let hook = server.create("hook", &["--allow", "@vendor"]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 403);

    // A list with the whole address space is refused, for a new set and for a known one.
    for everybody in EVERYBODY {
        publisher.publish(&format!("192.0.2.0/24\n{everybody}\n"));
        for (exit, sentence) in [
            import("everybody", &url),
            hookgate(server.directory(), &["addresses", "refresh", "vendor"]),
        ] {
            assert!(
                exit != Some(0) && sentence.contains("no publisher has so many addresses"),
                "{sentence}"
            );
        }
    }
    // What grows by more than half waits, and so does what loses more than half of its addresses.
    publisher.publish("192.0.2.0/24\n198.51.100.7\n203.0.113.0/25\n127.0.0.0/8\n");
    let grown = server.json(&["addresses", "refresh", "vendor"]);
    assert_eq!(
        (&grown["set"]["pending"], &grown["set"]["version"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 403);
    let (_, doctor) = hookgate(server.directory(), &["doctor"]);
    assert!(
        doctor.contains("@vendor") && doctor.contains("needs approval"),
        "{doctor}"
    );
    server.json(&["addresses", "approve", "vendor"]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 201);
    publisher.publish("192.0.2.0/24\n198.51.100.7\n203.0.113.0/25\n");
    let shrunk = server.json(&["addresses", "refresh", "vendor"]);
    assert_eq!(
        shrunk["set"]["pending"], 3,
        "one network of four, with nearly all addresses"
    );
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 201);

    // A set of one's own may be everybody, and everything that shows it says so.
    let halves = ["addresses", "create", "halves", "--network", "0.0.0.0/1"];
    server.json(&halves);
    let edited = server.json(&[
        "addresses",
        "edit",
        "halves",
        "--network",
        "0.0.0.0/1,128.0.0.0/2",
    ]);
    let warnings = edited["warnings"].to_string();
    assert!(
        warnings.contains("together allow 75 % of all IPv4 addresses"),
        "{warnings}"
    );
    server.create("wide", &["--allow", "128.0.0.0/1", "--allow", "@halves"]);
    let doctor = server.json(&["doctor"])["findings"].clone();
    let about = |subject: &str, words: &str| {
        let findings = doctor.as_array().unwrap().iter();
        let mut of = findings.filter(|finding| finding["subject"] == subject);
        assert!(
            of.any(|finding| finding["finding"].to_string().contains(words)),
            "{subject}: {doctor}"
        );
    };
    about("@halves", "allow 75 % of all IPv4");
    about("wide", "allow 100 % of all IPv4");
}

/// The exit code and the output of a command on the store of this directory.
fn hookgate(directory: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    told(&run(directory, arguments, ""))
}

fn told(output: &Output) -> (Option<i32>, String) {
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_that_are_everybody_are_not_trusted() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path();
    node::lay_out(directory, "sqlite:data");
    let file = directory.join(node::CONFIG);
    let text = fs::read_to_string(&file).unwrap();
    let hookgate = |arguments: &[&str]| {
        let place = [OsStr::new("--json"), OsStr::new("--config"), file.as_os_str()];
        let arguments: Vec<_> = arguments.iter().map(OsStr::new).chain(place).collect();
        told(&run_as_is(&arguments, ""))
    };
    let trust = |trusted: &str| {
        let key = "key = \"gate.key\"\n";
        let front = format!("{key}trusted_proxies = {trusted}\nforwarded = \"x-forwarded-for\"\n");
        fs::write(&file, text.replace(key, &front)).unwrap();
    };
    for everybody in [
        r#"["0.0.0.0/1", "128.0.0.0/1"]"#,
        r#"["loopback", "::/1", "8000::/1"]"#,
        r#"["0.0.0.0/0"]"#,
    ] {
        trust(everybody);
        let (exit, error) = hookgate(&["config", "check"]);
        assert!(
            exit == Some(2) && error.contains("would let strangers choose their address"),
            "{error}"
        );
    }
    trust(r#"["@front"]"#);
    let done = |arguments: &[&str]| {
        let (exit, said) = hookgate(arguments);
        assert_eq!(exit, Some(0), "{said}");
        said
    };
    done(&["migrate"]);
    done(&["addresses", "create", "front", "--network", "192.0.2.1"]);
    let made = done(&["webhook", "create", "hook", "--allow", "198.51.100.7"]);
    let made: Value = serde_json::from_str(made.lines().next().unwrap()).unwrap();
    let client = Client::trusting(&fs::read(directory.join("ca.pem")).unwrap()).unwrap();
    let deliver = async || {
        let mut request = post(made["url"].as_str().unwrap(), ALERT);
        let forwarded = "198.51.100.7".parse().unwrap();
        request.headers_mut().insert("x-forwarded-for", forwarded);
        client.send(Http::One, request).await.unwrap().status
    };
    let server = Running(node::serve(directory, "error", Stdio::inherit(), &[]));
    assert_eq!(deliver().await, 403);
    done(&["addresses", "edit", "front", "--network", "0.0.0.0/1,128.0.0.0/1"]);
    // The server looks at the set every ten seconds.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(deliver().await, 403, "nobody new is trusted");
    let (_, doctor) = hookgate(&["doctor"]);
    assert!(
        doctor.contains("gate.trusted_proxies") && doctor.contains("@front"),
        "{doctor}"
    );
    drop(server);
    let (exit, error) = hookgate(&["serve"]);
    assert!(
        exit == Some(2) && error.contains("would let strangers choose their address"),
        "{error}"
    );
}

/// A document of at most this size: `item` repeated between `start` and `end`.
fn document(start: &str, item: &str, end: &str) -> String {
    let count = (DOCUMENT - start.len() - end.len()) / item.len();
    format!("{start}{}{end}", item.repeat(count))
}

/// A memory figure of the process, in KiB.
fn memory(server: &Server, of: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(of)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Documents are read one after the other, and then six at once.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_documents_take_little_memory_and_hold_up_nobody() {
    let server = Server::start();
    let program = Program::new(&server, "admin");
    let url = server.demo_url();
    let documents = [
        ("list", document("", "1\n", "")),
        ("list", document("x", ",1", "")),
        ("list", document("[", "\"1\",", "\"1\"]")),
        ("list", document("", "# \n", "0.0.0.0/0")),
        ("github", document("{\"x\":[0", ",0", "],\"hooks\":[\"1\"]}")),
        ("grafana", document("{", "\"\":[],", "\"\":[]}")),
    ];
    let publishers: Vec<_> = documents
        .iter()
        .map(|(provider, document)| (*provider, Publisher::start(document)))
        .collect();
    let import = async |(provider, publisher): &(&str, Publisher)| {
        let url = publisher.url("/list");
        let body = json!({"name": "x", "provider": provider, "url": url});
        let answer = program.post("/api/v1/address-sets", body).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
    };
    // The first import initialises everything that is allocated only once.
    import(&publishers[0]).await;
    fs::write(format!("/proc/{}/clear_refs", server.pid()), "5").unwrap();
    let before = memory(&server, "VmHWM:");
    let deliver = async || {
        let mut slowest = Duration::ZERO;
        for _ in 0..60 {
            let began = Instant::now();
            assert_eq!(server.post(Http::One, &url, ALERT).await.status, 201);
            slowest = slowest.max(began.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        slowest
    };
    let import_all = async || {
        for publisher in &publishers {
            import(publisher).await;
        }
        let at_once = |index: usize| import(&publishers[index]);
        tokio::join!(
            at_once(0),
            at_once(1),
            at_once(2),
            at_once(3),
            at_once(4),
            at_once(5)
        );
    };
    let ((), slowest) = tokio::join!(import_all(), deliver());
    let growth = memory(&server, "VmHWM:").saturating_sub(before);
    assert!(growth < MOST_GROWTH, "{growth} KiB more");
    assert!(slowest < SOON, "a delivery took {slowest:?}");
}
