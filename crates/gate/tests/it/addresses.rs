//! Refreshing published lists that change, by the gate over a store in memory.

use std::time::Duration;

use hookgate_domain::address_set::{AddressSet, AddressSetName, BASE_AGE, Provider, SetFilter, SetOrigin};
use hookgate_domain::{Networks, Timestamp};
use hookgate_gate::{DownloadedList, Gate, KEPT_VERSIONS};
use hookgate_testkit::{FixedClock, MemoryStore, samples};

use crate::gate_at;

const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);
const HOUR: Duration = Duration::from_hours(1);

struct Scene {
    gate: Gate<MemoryStore>,
    clock: FixedClock,
    name: AddressSetName,
}

/// A list of `count` /24 networks.
fn list(count: usize) -> String {
    let lines: Vec<_> = (0..count)
        .map(|number| format!("10.{}.{}.0/24", number / 256, number % 256))
        .collect();
    lines.join("\n")
}

impl Scene {
    /// A published list of a hundred networks.
    async fn new() -> Self {
        let (gate, clock) = gate_at(NOW);
        let name: AddressSetName = "list".parse().unwrap();
        let origin = SetOrigin::Published {
            provider: Provider::List,
            filter: SetFilter::default(),
            url: Some("https://lists.example.org/a".into()),
        };
        let networks = list(100);
        let networks = Networks::of(networks.lines().map(|line| line.parse().unwrap())).unwrap();
        gate.address_set_create(&samples::actor_context(), name.clone(), origin, networks, None)
            .await
            .unwrap();
        Self { gate, clock, name }
    }

    /// Refreshes the set from a list of `count` networks after this time, and returns it.
    async fn read(&self, after: Duration, count: usize) -> AddressSet {
        self.clock.set(self.gate.now().after(after));
        let published = DownloadedList::Document {
            bytes: list(count).into_bytes(),
            etag: None,
        };
        let taken = self
            .gate
            .address_set_refresh(&samples::actor_context(), &self.name, published)
            .await;
        taken.unwrap().set
    }
}

#[tokio::test]
async fn small_steps_that_come_to_much_wait() {
    let scene = Scene::new().await;
    assert_eq!(scene.read(HOUR, 149).await.pending, None);
    let grown = scene.read(HOUR, 200).await;
    assert_eq!((grown.pending, grown.networks), (Some(3), 149));
    let decided = scene
        .gate
        .address_set_decide(&samples::actor_context(), &scene.name, 3, true)
        .await;
    assert_eq!(decided.unwrap().networks, 200);
    assert_eq!(
        scene.read(HOUR, 290).await.pending,
        None,
        "held against what was approved"
    );
    assert!(scene.read(HOUR, 302).await.pending.is_some());
}

#[tokio::test]
async fn what_shrinks_little_by_little_waits() {
    let scene = Scene::new().await;
    assert_eq!(scene.read(HOUR, 60).await.pending, None);
    assert!(scene.read(HOUR, 40).await.pending.is_some());
}

#[tokio::test]
async fn a_month_later_what_counted_then_is_the_measure() {
    let scene = Scene::new().await;
    assert_eq!(scene.read(HOUR, 140).await.pending, None);
    assert_eq!(scene.read(BASE_AGE, 200).await.pending, None);
}

/// The base version still counts after more versions than are kept.
#[tokio::test]
async fn the_measure_is_not_forgotten() {
    let scene = Scene::new().await;
    for step in 1..=2 * usize::from(KEPT_VERSIONS) {
        assert_eq!(scene.read(HOUR, 100 + step).await.pending, None);
    }
    assert!(scene.read(HOUR, 160).await.pending.is_some());
}
