//! The choice of evicted connections, on a clock that stands still unless a test moves it.

use proptest::prelude::*;

use super::*;
use crate::connection_activity::{Answering, AwaitingBody, IDLE_TIMEOUT};

/// A table, and the activity of its connections.
struct TestTable {
    table: Table,
    activities: Vec<(u64, Arc<ConnectionActivity>)>,
    busy: Vec<Answering>,
    free: usize,
}

impl TestTable {
    fn new(limit: u32) -> Self {
        Self {
            table: Table::new(limit),
            activities: Vec::new(),
            busy: Vec::new(),
            free: usize::MAX,
        }
    }

    /// Adds a connection of this source as a listener does, with its handshake done.
    fn open(&mut self, source: &str) -> Result<u64, Refusal> {
        let id = self.begin(source)?;
        self.table.establish(id);
        Ok(id)
    }

    /// Adds a connection of this source that is in its handshake.
    fn begin(&mut self, source: &str) -> Result<u64, Refusal> {
        let source = Some(source.parse().expect("an address"));
        self.table.make_room(source, self.free)?;
        let activity = Arc::new(ConnectionActivity::start(IDLE_TIMEOUT));
        let id = self.table.insert(source, Arc::clone(&activity));
        self.activities.push((id, activity));
        Ok(id)
    }

    /// Starts a request on every connection.
    fn all_busy(&mut self) {
        let activities = self.activities.iter();
        self.busy = activities
            .map(|(_, activity)| Answering::start(activity))
            .collect();
    }

    fn holds(&self, id: u64) -> bool {
        self.table.entries.contains_key(&id)
    }

    fn held(&self, prefix: &str) -> u32 {
        self.table.held(prefix.parse().expect("a network")).connections
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_with_its_part_gets_one_more_for_the_one_that_rested_longest() {
    let mut place = TestTable::new(64);
    let mut ids = Vec::new();
    for _ in 0..16 {
        ids.push(place.open("2001:db8::1").expect("a part of it"));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    place.activities[0].1.touch();
    assert!(place.open("2001:db8::2").is_ok(), "the same /64");
    assert!(place.holds(ids[0]) && !place.holds(ids[1]));
    assert_eq!(place.held("2001:db8::/64"), 16);
}

#[tokio::test(start_paused = true)]
async fn connections_in_use_make_room_last_and_one_by_one() {
    let mut place = TestTable::new(640);
    for _ in 0..160 {
        place.open("192.0.2.1").expect("a part of it");
    }
    place.all_busy();
    place.busy.clear();
    tokio::time::sleep(IN_USE / 2).await;
    let source = [192, 0, 2, 1].into();
    assert_eq!(place.table.make_room_within(source), Ok(1));
    let unused = place.open("192.0.2.1").expect("room for one");
    assert_eq!(place.table.make_room_within(source), Ok(1));
    assert!(!place.holds(unused));
    tokio::time::sleep(IN_USE).await;
    assert!(place.table.evict_any(false) > 1, "now they rest");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_body_makes_room_before_what_is_new_and_that_before_what_is_in_use() {
    let mut place = TestTable::new(640);
    let ids: Vec<_> = (0..160)
        .map(|_| place.open("192.0.2.1").expect("a part of it"))
        .collect();
    place.all_busy();
    let waiting = Arc::clone(&place.activities[7].1);
    let slow = AwaitingBody::start(&waiting);
    tokio::time::sleep(2 * IN_USE).await;
    let busy = std::mem::take(&mut place.busy);
    // All but the one that waits for its body have answered just now.
    place.busy = busy
        .into_iter()
        .enumerate()
        .fold(Vec::new(), |mut kept, (at, answering)| {
            if at == 7 {
                kept.push(answering);
            }
            kept
        });
    let handshake = place.begin("192.0.2.1").expect("room for one");
    assert!(!place.holds(ids[7]), "it waited for two seconds");
    place.begin("192.0.2.1").expect("room for another");
    assert!(!place.holds(handshake), "no request of it can be lost");
    drop(slow);
}

#[tokio::test(start_paused = true)]
async fn the_networks_of_one_customer_share_a_part() {
    for (addresses, prefix, most) in [
        ("2001:db8:0:0:{}::1", "2001:db8::/64", 16),
        ("2001:db8:0:{}::1", "2001:db8::/56", 16),
        ("2001:db8:0:{}00::1", "2001:db8::/48", 16),
        ("192.0.2.{}", "192.0.2.0/24", 32),
    ] {
        let mut place = TestTable::new(64);
        for number in 1..48 {
            let address = addresses.replace("{}", &number.to_string());
            place.open(&address).expect("others of it rest");
        }
        assert_eq!(place.held(prefix), most, "{prefix}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_whose_requests_are_in_progress_gets_no_more_than_its_part() {
    let mut place = TestTable::new(64);
    for _ in 0..16 {
        place.open("192.0.2.1").expect("a part of it");
    }
    place.all_busy();
    assert_eq!(place.open("192.0.2.1"), Err(Refusal::Source));
    assert!(place.open("192.0.2.2").is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_holds_little_is_served_whatever_others_hold() {
    let mut place = TestTable::new(640);
    let quiet = place.open("198.51.100.1").expect("room");
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Sources: all of a /48, some neighbours, and one each from 200 distant networks.
    for number in 0..2_000_u32 {
        let [high, low] = [number / 250, number % 250];
        let _ = place.open(&format!("2001:db8:0:{low:x}::1"));
        let _ = place.open(&format!("127.0.0.{}", number % 4));
        if number % 10 == 0 {
            let _ = place.open(&format!("10.{high}.{low}.1"));
        }
    }
    assert!(place.table.len() > 640 * 3 / 4 - 20);
    assert!(place.holds(quiet), "the one that rested longest holds little");
    for newcomer in ["127.0.0.9", "2001:db8:0:ffff::1", "203.0.113.1"] {
        assert!(place.open(newcomer).is_ok(), "{newcomer}");
    }
    assert!(place.table.len() <= 640 * 3 / 4 + 1);
}

#[tokio::test(start_paused = true)]
async fn when_no_connection_rests_those_who_hold_much_get_no_more() {
    let mut place = TestTable::new(64);
    for source in ["192.0.2.1", "198.51.100.1", "203.0.113.1", "233.252.0.1"] {
        for _ in 0..12 {
            place.open(source).expect("a part of it");
        }
    }
    place.all_busy();
    assert_eq!(place.open("192.0.2.1"), Err(Refusal::Source));
    for number in 1..=16 {
        assert!(place.open(&format!("10.0.{number}.1")).is_ok(), "{number}");
        place.all_busy();
    }
}

#[tokio::test(start_paused = true)]
async fn handshakes_of_one_source_are_bounded_and_stalled_ones_make_room() {
    let mut place = TestTable::new(64);
    let first = place.begin("192.0.2.1").expect("the first");
    for _ in 1..8 {
        place.begin("192.0.2.1").expect("a handshake");
    }
    assert_eq!(place.begin("192.0.2.1"), Err(Refusal::Handshakes));
    assert!(place.begin("192.0.2.2").is_ok());
    tokio::time::sleep(STALLED).await;
    assert!(place.begin("192.0.2.1").is_ok());
    assert!(!place.holds(first));
}

#[tokio::test(start_paused = true)]
async fn a_trusted_proxy_makes_room_last() {
    let mut place = TestTable::new(8);
    let activity = || Arc::new(ConnectionActivity::start(IDLE_TIMEOUT));
    let proxies: Vec<_> = (0..5).map(|_| place.table.insert(None, activity())).collect();
    let client = place.table.insert(None, activity());
    assert_eq!(place.table.assign(client, [192, 0, 2, 1].into(), 1), Ok(0));
    assert_eq!(place.held("192.0.2.1/32"), 1);
    assert_eq!(place.table.make_room(None, 1), Ok(1));
    assert!(!place.holds(client) && proxies.iter().all(|id| place.holds(*id)));
    place.table.insert(None, activity());
    assert_eq!(place.table.make_room(None, 1), Ok(1));
    assert!(!place.holds(proxies[0]));
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_for_a_body_make_room_after_what_rests_and_what_is_answered_never_does() {
    let mut place = TestTable::new(64);
    for _ in 0..16 {
        place.open("192.0.2.1").expect("a part of it");
    }
    let activities: Vec<_> = place
        .activities
        .iter()
        .map(|(_, activity)| Arc::clone(activity))
        .collect();
    place.busy = activities[2..].iter().map(Answering::start).collect();
    let awaiting: Vec<_> = activities[4..]
        .iter()
        .map(|activity| AwaitingBody::start(activity))
        .collect();
    activities[1].set_receiving_head(true);
    tokio::time::sleep(Duration::from_secs(1)).await;
    // First idle connections, then those that wait for bodies; the oldest first.
    for gone in [0, 4, 5, 6] {
        let ids: Vec<_> = place.activities.iter().map(|(id, _)| *id).collect();
        place.open("192.0.2.1").expect("room");
        place.busy.extend(
            place
                .activities
                .last()
                .map(|(_, activity)| Answering::start(activity)),
        );
        assert!(!place.holds(ids[gone]), "{gone}");
        assert!(ids[2..4].iter().all(|id| place.holds(*id)));
    }
    drop(awaiting);
    place.busy.push(Answering::start(&activities[1]));
    assert_eq!(
        place.open("192.0.2.1"),
        Err(Refusal::Source),
        "they are worked on"
    );
}

/// A source with many connections that wait for bodies is evicted before sources that hold little and are idle, and
/// these before others that hold little and wait for bodies.
#[tokio::test(start_paused = true)]
async fn the_loudest_that_wait_for_bodies_make_room_first_and_the_quiet_ones_last() {
    let mut place = TestTable::new(640);
    let resting = place.open("198.51.100.1").expect("room");
    let waiting = place.open("203.0.113.1").expect("room");
    let mut activities = vec![Arc::clone(&place.activities[1].1)];
    for _ in 0..100 {
        place.open("192.0.2.1").expect("a part of it");
    }
    activities.extend(
        place.activities[2..]
            .iter()
            .map(|(_, activity)| Arc::clone(activity)),
    );
    let mut busy: Vec<_> = activities.iter().map(Answering::start).collect();
    let mut awaiting: Vec<_> = activities
        .iter()
        .map(|activity| AwaitingBody::start(activity))
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(place.table.evict_any(false) > 1);
    assert!(place.holds(resting) && place.holds(waiting));
    busy.truncate(1);
    awaiting.truncate(1);
    while place.held("192.0.2.1/32") > 0 {
        assert!(place.table.evict_any(false) > 0);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    assert!(place.holds(waiting), "what rests goes first");
    place.table.remove(resting);
    assert_eq!(place.table.evict_any(false), 1);
    assert!(!place.holds(waiting));
}

/// 21 connections of each of four sources, then one or two of each of many others, with a request in progress on all.
#[tokio::test(start_paused = true)]
async fn the_last_connections_are_for_sources_without_a_request() {
    let mut place = TestTable::new(112);
    let mut sources: Vec<String> = (0..84).map(|number| format!("10.{}.0.1", number % 4)).collect();
    sources.extend((0..28).map(|number| format!("10.100.{}.1", number / 2)));
    let (mut taken, mut refused) = (0, 0);
    for source in &sources {
        place.free = 112 - taken;
        match place.open(source) {
            Ok(_) => taken += 1,
            Err(_) => refused += 1,
        }
        place.all_busy();
    }
    assert!(refused > 0);
    assert!(taken < 112, "some of the last are left");
    place.free = 112 - taken;
    assert!(place.table.is_reserved(place.free));
    assert_eq!(place.open("10.100.0.1"), Err(Refusal::Source));
    for _ in 0..2 {
        place.free -= 1;
        assert!(
            place.open("203.0.113.7").is_ok(),
            "a load balancer asks how the server is, and again before the end of its first connection is known"
        );
    }
    place.all_busy();
    assert_eq!(place.open("203.0.113.7"), Err(Refusal::Source));
}

proptest! {
    /// The counts always match the open connections, and no bound is exceeded.
    #[test]
    fn counts_are_those_of_what_is_there(steps in prop::collection::vec((0_u8..4, 0_u8..40), 1..300)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let _in_runtime = runtime.enter();
        let mut place = TestTable::new(32);
        for (what, number) in steps {
            match what {
                0 => drop(place.open(&format!("192.0.2.{number}"))),
                1 => drop(place.open(&format!("2001:db8:0:{number:x}::1"))),
                2 => drop(place.begin(&format!("10.0.{}.1", number % 4))),
                _ => place.table.remove(number.into()),
            }
        }
        let mut counted: HashMap<IpNetwork, PrefixUse> = HashMap::new();
        for entry in place.table.entries.values() {
            for prefix in entry.source.into_iter().flat_map(prefixes) {
                let held = counted.entry(prefix).or_default();
                held.connections += 1;
                held.handshakes += u32::from(entry.is_handshaking);
            }
        }
        prop_assert_eq!(&counted, &place.table.held);
        for (prefix, held) in counted {
            prop_assert!(held.connections <= place.table.share(prefix), "{}", prefix);
        }
    }
}
