//! Lack of file descriptors or memory: nothing panics, no delivery that was answered 2xx is missing, and the server
//! recovers.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

use hookgate_testkit::https::{Connection, Http, Outcome, TlsStream};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::load::Load;
use crate::resources::{is_sound, limit};
use crate::support::{HOOKGATE, Server, comes, sql};
use crate::target::Target;

/// Number of free descriptors when the flood begins.
const LEFT: usize = 16;
/// Connections of the flood.
const FLOOD: usize = 64;
/// Time that one of them waits to be served.
const WAIT: Duration = Duration::from_secs(3);
const SENDERS: usize = 4;
/// Free memory in bytes when the large bodies arrive.
const MEMORY: u64 = 16 * 1024 * 1024;
/// The largest body of a webhook, and the maximum number of such bodies.
const LARGE: usize = 1024 * 1024;
const MOST: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_that_takes_every_file_descriptor_passes() {
    let scratch = tempfile::tempdir().unwrap();
    let (data, log) = (scratch.path().join("data"), scratch.path().join("log"));
    let mut server = Server::start_in(&data, "warn", File::create(&log).unwrap().into());
    let target = Target::demo(&server);
    let load = Load::start(&target, "t", SENDERS);
    load.acknowledges(20).await;
    let open = fs::read_dir(format!("/proc/{}/fd", server.pid()))
        .unwrap()
        .count();
    limit(server.pid(), &format!("--nofile={}:", open + LEFT));

    let mut flood = JoinSet::new();
    for _ in 0..FLOOD {
        let target = target.clone();
        flood.spawn(async move { timeout(WAIT, target.client.connect(target.gates[0], Http::One)).await });
    }
    let opened: Vec<Connection> = flood
        .join_all()
        .await
        .into_iter()
        .filter_map(|opened| opened.ok()?.ok())
        .collect();
    // Existing connections continue, and new ones are accepted.
    load.acknowledges(20).await;
    let well = target.well_again().await;
    let lines = fs::read_to_string(&log).unwrap();
    let lines = lines.matches("could not be accepted").count();
    assert_eq!(lines, 1, "once a minute");
    let found = opened.len();
    drop(opened);
    let sent = load.end().await;
    sent.is_kept(&sql(&data, "SELECT title FROM incidents"));
    sent.answered_all();
    is_sound(&mut server, &log);
    println!(
        "{found} of {FLOOD} connections found a descriptor: {sent}; well during the flood after {well:?}"
    );
}

/// Rust aborts a process that gets no memory. Its answered deliveries are on disk, and the next start finds them.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_gets_no_memory_ends_and_starts_sound() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let mut hookgate = Command::new(HOOKGATE);
    // Otherwise the allocator reserves a gigabyte at the start, before the limit is set.
    hookgate.env("MIMALLOC_ARENA_RESERVE", "1024");
    let mut server = Server::start_by(&mut hookgate, &data, "off", Stdio::null());
    let target = Target::demo(&server);
    // The memory quota of one webhook is too small for so many bodies.
    let large = ["a", "b", "c", "d"].map(|name| {
        let url = server.create(name, &["--max-body", &LARGE.to_string()]);
        url[url.find("/webhooks/").unwrap()..].to_owned()
    });
    let load = Load::start(&target, "t", SENDERS);
    load.acknowledges(20).await;
    limit(server.pid(), &format!("--as={}:", memory(server.pid()) + MEMORY));
    let mut bodies = Vec::new();
    for path in large.iter().cycle().take(MOST) {
        bodies.extend(begin_large(&target, path).await.ok());
        if has_ended(server.pid()) {
            break;
        }
    }
    // Its connections end before the process does.
    comes("it gets no memory and ends", async || has_ended(server.pid())).await;
    let sent = load.end().await;
    assert_eq!(server.signal("-CONT"), None, "it did not exit, it aborted");

    let log = scratch.path().join("log");
    let mut again = Server::start_in(&data, "error", File::create(&log).unwrap().into());
    let target = Target {
        gates: vec![again.address()],
        ..target
    };
    let well = target.well_again().await;
    sent.is_kept(&sql(&data, "SELECT title FROM incidents"));
    is_sound(&mut again, &log);
    let bodies = bodies.len();
    println!("no memory for {bodies} bodies of 1 MiB: {sent}; well {well:?} after the next start");
}

/// Sends a large body without its last byte.
async fn begin_large(target: &Target, path: &str) -> Outcome<TlsStream<TcpStream>> {
    let mut stream = timeout(WAIT, target.client.tls(target.gates[0], Http::One)).await??;
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {LARGE}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&vec![b'x'; LARGE - 1]).await?;
    Ok(stream)
}

/// `true` if a child process has ended and waits to be reaped.
fn has_ended(pid: u32) -> bool {
    status(pid, "State:") == "Z"
}

/// The address space of a process, in bytes.
fn memory(pid: u32) -> u64 {
    let kibibytes: u64 = status(pid, "VmSize:").parse().unwrap();
    kibibytes * 1024
}

/// A field of the process's status in `/proc`.
fn status(pid: u32, word: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(word)).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}
