//! Power loss under load, again and again: unsynced writes are lost, acknowledged deliveries are not.
//!
//! A shim keeps an image of the store: the synced writes, and some of the others, in any order and some of them in part. A
//! round ends by killing the server at any point and replacing the store with the image.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::sleep;

use crate::load::{Load, Sent};
use crate::scale;
use crate::shim::{Shim, disk};
use crate::support::{Server, sql};
use crate::target::Target;

/// Number of power losses, at scale one.
const ROUNDS: usize = 20;
const SENDERS: usize = 6;
/// Minimum number of acknowledged deliveries in each round before the power loss.
const EACH: usize = 40;
/// Size of a payload in bytes. The payloads of a few rounds fill the log, so that it is checkpointed into the database and
/// restarted.
const BALLAST: usize = 100_000;
/// The files of a store, without the shared memory of its readers.
const FILES: [&str; 2] = ["hookgate.db", "hookgate.db-wal"];

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_loses_no_acknowledged_delivery() {
    let house = House::build();
    let (mut sent, rounds) = (Vec::new(), ROUNDS * scale());
    for round in 0..rounds {
        sent.push(house.power_cut(round).await);
    }
    let titles = sql(&house.data(), "SELECT title FROM incidents");
    for sent in &sent {
        sent.is_kept(&titles);
    }
    assert_eq!(sql(&house.data(), "PRAGMA integrity_check").trim(), "ok");
    let acknowledged: usize = sent.iter().map(|sent| sent.acknowledged.len()).sum();
    let cut_off: usize = sent.iter().map(|sent| sent.cut_off.len()).sum();
    println!("power cut {rounds} times: {acknowledged} acknowledged, {cut_off} cut off, 0 lost");
}

/// Proof that the test works: a disk that only pretends to sync loses deliveries, and the test notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_lies_is_found_out() {
    let house = House::build();
    house.disk.set(disk::LIES, 1);
    let sent = house.power_cut(0).await;
    let titles = sql(&house.data(), "SELECT title FROM incidents");
    let lost = sent.lost(&titles).len();
    assert!(lost > 0, "nothing was lost on a disk that keeps nothing");
    let acknowledged = sent.acknowledged.len();
    println!("on a disk that lies: {acknowledged} acknowledged, {lost} lost, as they should be");
}

/// A store and its image.
struct House {
    scratch: TempDir,
    disk: Shim,
    /// The webhook, independent of the server's port.
    target: Target,
}

impl House {
    /// Creates a store with a webhook, synced to disk.
    fn build() -> Self {
        let scratch = TempDir::new().unwrap();
        let mut server = Server::start_in(&scratch.path().join("data"), "error", Stdio::inherit());
        let target = Target {
            ballast: BALLAST,
            ..Target::demo(&server)
        };
        assert_eq!(server.signal("-TERM"), Some(0));
        let house = Self {
            scratch,
            disk: Shim::compile("disk"),
            target,
        };
        fs::create_dir(house.image()).unwrap();
        copy(&house.data(), &house.image());
        house
    }

    fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    fn image(&self) -> PathBuf {
        self.scratch.path().join("image")
    }

    /// Runs the server under load until the power loss, and leaves the store in the state of the disk.
    async fn power_cut(&self, round: usize) -> Sent {
        let mut hookgate = self.disk.hookgate();
        hookgate.env("HOOKGATE_TEST_IMAGE", self.image());
        let mut server = Server::start_by(&mut hookgate, &self.data(), "error", Stdio::inherit());
        let target = Target {
            gates: vec![server.address()],
            ..self.target.clone()
        };
        let load = Load::start(&target, &format!("r{round}-"), SENDERS);
        load.acknowledges(EACH).await;
        sleep(Duration::from_micros(
            u64::try_from(round * 1_733 % 20_000).unwrap(),
        ))
        .await;
        server.signal("-KILL");
        let sent = load.end().await;
        copy(&self.image(), &self.data());
        sent
    }
}

/// Replaces one store with a copy of the other.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_file(to.join("hookgate.db-shm"));
    for file in FILES {
        let _ = fs::remove_file(to.join(file));
        if from.join(file).exists() {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
}
