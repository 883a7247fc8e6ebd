//! Disk errors: at every single call of a delivery, one after the other, and at random calls under load.

use std::fs::File;

use hookgate_testkit::https::Answer;
use tokio::time::{Duration, Instant, sleep};

use crate::load::Load;
use crate::resources::is_sound;
use crate::scale;
use crate::shim::{Shim, disk};
use crate::support::{Server, sql};
use crate::target::{Target, is_unavailable};

/// Payloads of one page and of many.
const BALLASTS: [usize; 2] = [0, 100_000];
/// Duration of disk failures under load, at scale one.
const STORM: Duration = Duration::from_secs(4);
/// Maximum number of calls between two failures.
const MOST_CALLS: i64 = 97;
const SENDERS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_of_the_disk_fails_nothing_is_acknowledged_and_lost() {
    let shim = Shim::compile("disk");
    let scratch = tempfile::tempdir().unwrap();
    let (data, log) = (scratch.path().join("data"), scratch.path().join("log"));
    let mut server = Server::start_by(
        &mut shim.hookgate(),
        &data,
        "error",
        File::create(&log).unwrap().into(),
    );
    let mut acknowledged = Vec::new();
    for ballast in BALLASTS {
        let target = Target {
            ballast,
            ..Target::demo(&server)
        };
        for call in 1.. {
            let title = format!("{ballast}-{call}");
            shim.set(disk::FAIL_IN, call);
            let answer = target.deliver(0, &title).await.unwrap();
            let has_failed = shim.get(disk::FAIL_IN) == 0;
            shim.set(disk::FAIL_IN, 0);
            if is_acknowledged(&answer) {
                acknowledged.push(title);
            }
            let next = format!("after {ballast}-{call}");
            assert!(
                is_acknowledged(&target.deliver(0, &next).await.unwrap()),
                "{call}"
            );
            acknowledged.push(next);
            if !has_failed {
                println!(
                    "a payload of {ballast} bytes: {} calls, each failed once",
                    call - 1
                );
                break;
            }
        }
    }
    let stored = sql(&data, "SELECT title FROM incidents");
    for title in &acknowledged {
        assert_eq!(
            stored.lines().filter(|stored| stored == title).count(),
            1,
            "{title}"
        );
    }
    is_sound(&mut server, &log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_again_and_again_under_load_loses_nothing() {
    let shim = Shim::compile("disk");
    let scratch = tempfile::tempdir().unwrap();
    let (data, log) = (scratch.path().join("data"), scratch.path().join("log"));
    let mut server = Server::start_by(
        &mut shim.hookgate(),
        &data,
        "error",
        File::create(&log).unwrap().into(),
    );
    let target = Target {
        ballast: BALLASTS[1],
        ..Target::demo(&server)
    };
    let load = Load::start(&target, "t", SENDERS);
    let began = Instant::now();
    let mut failures = 0;
    while began.elapsed() < STORM * u32::try_from(scale()).unwrap() {
        if shim.get(disk::FAIL_IN) == 0 {
            failures += 1;
            shim.set(disk::FAIL_IN, 1 + failures * 31 % MOST_CALLS);
        }
        sleep(Duration::from_millis(1)).await;
    }
    shim.set(disk::FAIL_IN, 0);
    let well = target.well_again().await;
    load.acknowledges(20).await;
    let sent = load.end().await;
    sent.is_kept(&sql(&data, "SELECT title FROM incidents"));
    assert!(sent.put_off > 0, "the disk failed");
    sent.answered_all();
    is_sound(&mut server, &log);
    let calls = shim.get(disk::CALLS);
    println!("{calls} calls of the disk, {failures} failed: {sent}; well again after {well:?}");
}

/// `true` if a delivery was accepted. Otherwise the answer must be 503.
fn is_acknowledged(answer: &Answer) -> bool {
    let is_taken = answer.status == 201;
    if !is_taken {
        assert_eq!(answer.status, 503, "{answer:?}");
        is_unavailable(answer);
    }
    is_taken
}
