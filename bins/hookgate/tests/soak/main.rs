//! A server under a steady, mixed load for a long time: its resources stay constant, and every answer is the expected one.
//!
//! Five seconds show that the test works; `cargo xtask endurance` makes it twenty minutes, which is long enough to prove
//! that memory does not grow.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod load;
mod meter;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the black-box tests use all of it")]
mod support;

use std::sync::Arc;
use std::time::Duration;

use load::Load;
use meter::Sampler;
use support::Server;

/// The store of these tests.
const STORE: support::Store = support::Store::Embedded;

/// Duration of a short run, and of a long one for each step of the scale.
const SHORT: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_mins(2);
/// Interval between two samples of the process.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Number of requests before a long run takes samples, half of them accepted: after these, the largest cache, which is the
/// writer's page cache, is full.
const WARM_UP: usize = 360_000;
/// Maximum growth of resident memory per hour after that: memory that the allocator retains varies by some MiB. A leak of 40
/// bytes per request exceeds it, at 400 requests a second.
const MAX_MIB_AN_HOUR: f64 = 32.0;
/// Tolerance for descriptors of current connections.
const DESCRIPTORS_APART: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_steady_load_leaves_no_trace() {
    let scale: u32 = std::env::var("HOOKGATE_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap());
    let length = if scale == 1 { SHORT } else { LONG * scale };
    let server = Arc::new(Server::start());
    let load = Load::begin(&server);
    load.warm_up(if scale == 1 { 0 } else { WARM_UP }).await;
    let mut meter = Sampler::of(server.pid());
    let looks = length.as_secs() / LOOK_EVERY.as_secs();
    for _ in 0..looks {
        tokio::time::sleep(LOOK_EVERY).await;
        meter.look(LOOK_EVERY);
    }
    let sum = load.end().await;
    let trend = meter.second_half();
    println!("soak.seconds {}", length.as_secs());
    println!("soak.requests {}", sum.answered);
    println!("soak.resident_mib {:.1}", trend.resident_mib);
    println!("soak.mib_an_hour {:.2}", trend.mib_an_hour);
    println!("soak.descriptors {:?}", trend.descriptors);
    assert_eq!(sum.unexpected, Vec::<String>::new());
    assert!(
        sum.answered as u64 > looks * 10,
        "the load was real: {}",
        sum.answered
    );
    if scale > 1 {
        assert!(trend.mib_an_hour < MAX_MIB_AN_HOUR, "memory grows: {trend:?}");
        if let Some((least, most)) = trend.descriptors {
            assert!(
                most - least <= DESCRIPTORS_APART,
                "descriptors are lost: {trend:?}"
            );
        }
    }
}
