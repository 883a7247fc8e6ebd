//! Tests of the queue of passwords.

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::*;

/// Duration of hashing a password.
const HASH_TIME: Duration = Duration::from_millis(32);

fn source(network: u32) -> IpAddr {
    IpAddr::from((0x0A00_0000 + network).to_be_bytes())
}

fn stranger(source: IpAddr, failures: u32) -> PasswordCaller {
    PasswordCaller::Stranger {
        source,
        name: "ada".to_owned(),
        failures,
    }
}

async fn work(queue: Arc<PasswordQueue>, caller: PasswordCaller) -> bool {
    let turn = queue.turn(caller, 0).await;
    sleep(HASH_TIME).await;
    turn.is_ok()
}

#[tokio::test(start_paused = true)]
async fn during_a_flood_from_everywhere_whoever_has_not_failed_gets_a_turn() {
    let queue = Arc::new(PasswordQueue::default());
    let mut flood = JoinSet::new();
    for thread in 0..1_000 {
        let queue = Arc::clone(&queue);
        flood.spawn(async move {
            for attempt in 0_u32.. {
                let caller = stranger(source(thread + attempt / 20 * 1_000), 1 + attempt % 20);
                if !work(Arc::clone(&queue), caller).await {
                    sleep(Duration::from_millis(10)).await;
                }
            }
        });
    }
    sleep(Duration::from_secs(10)).await;
    for caller in [
        stranger(source(0x0010_0000), 1),
        PasswordCaller::Known("ada".to_owned()),
    ] {
        let start = Instant::now();
        while !work(Arc::clone(&queue), caller.clone()).await {
            sleep(Duration::from_secs(1)).await;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{caller:?}");
    }
    flood.shutdown().await;
    let alone = timeout(HASH_TIME * 2, work(queue, stranger(source(1), 20)));
    assert_eq!(alone.await, Ok(true), "those who left took no turn along");
}

#[tokio::test(start_paused = true)]
async fn a_customer_waits_in_few_places() {
    let places = |sources: Vec<PasswordCaller>| async {
        let queue = Arc::new(PasswordQueue::default());
        let mut waiting = JoinSet::new();
        for caller in sources {
            waiting.spawn(work(Arc::clone(&queue), caller));
        }
        let answers = waiting.join_all().await;
        answers.into_iter().filter(|is_in| *is_in).count() - PASSWORDS_AT_ONCE
    };
    let of = |names: u32, form: fn(u32) -> String| {
        let caller = |n| PasswordCaller::Stranger {
            source: form(n).parse().unwrap(),
            name: format!("name {}", n % names),
            failures: 1,
        };
        (0..100).map(caller).collect()
    };
    assert_eq!(places(of(100, |_| "192.0.2.1".to_owned())).await, 4);
    assert_eq!(places(of(100, |n| format!("2001:db8::{n:x}"))).await, 4);
    assert_eq!(places(of(100, |n| format!("2001:db8:0:{n:x}::1"))).await, 8);
    assert_eq!(
        places(of(100, |n| format!("2001:db8:0:{:x}::1", n * 256))).await,
        16
    );
    for names in [1, 3] {
        let one_each = usize::try_from(names).unwrap();
        assert_eq!(places(of(names, |_| "192.0.2.1".to_owned())).await, one_each);
        assert_eq!(places(of(names, |n| format!("2001:db8::{n:x}"))).await, one_each);
    }
    let member = |_| PasswordCaller::Known("ada".to_owned());
    assert_eq!(places((0..100).map(member).collect()).await, PLACES_OF_MEMBER);
    let everybody = (0..1_000).map(|n| stranger(source(n), 1)).collect();
    assert_eq!(places(everybody).await, MAX_WAITING);
}

#[tokio::test(start_paused = true)]
async fn who_failed_less_takes_the_last_place_and_strangers_are_not_starved() {
    let queue = Arc::new(PasswordQueue::default());
    let mut held = Vec::new();
    for _ in 0..PASSWORDS_AT_ONCE {
        held.push(
            queue
                .turn(PasswordCaller::Known("root".to_owned()), 0)
                .await
                .unwrap(),
        );
    }
    let mut waiting = JoinSet::new();
    for network in 0..u32::try_from(MAX_WAITING).unwrap() {
        waiting.spawn(work(Arc::clone(&queue), stranger(source(network), 3)));
    }
    for member in 0..MAX_WAITING {
        waiting.spawn(work(
            Arc::clone(&queue),
            PasswordCaller::Known(format!("{member}")),
        ));
    }
    sleep(HASH_TIME).await;
    assert!(!work(Arc::clone(&queue), stranger(source(9_999), 3)).await);
    let fresh = tokio::spawn(work(Arc::clone(&queue), stranger(source(9_999), 1)));
    sleep(HASH_TIME).await;
    held.clear();
    assert_eq!(timeout(HASH_TIME * 4, fresh).await.unwrap().ok(), Some(true));
    let answers = waiting.join_all().await;
    assert_eq!(answers.iter().filter(|is_in| !**is_in).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_bounded_in_bytes_and_who_failed_less_takes_them() {
    const FORM: usize = MAX_WAITING_BYTES / 32;
    let queue = Arc::new(PasswordQueue::default());
    let mut held = Vec::new();
    for _ in 0..PASSWORDS_AT_ONCE {
        held.push(
            queue
                .turn(PasswordCaller::Known("root".to_owned()), 0)
                .await
                .unwrap(),
        );
    }
    let mut waiting = JoinSet::new();
    let mut join = async |network: u32, failures: u32, bytes: usize| {
        let caller = stranger(source(network), failures);
        let queue = Arc::clone(&queue);
        waiting.spawn(async move { queue.turn(caller, bytes).await.is_ok() });
        sleep(HASH_TIME).await;
    };
    let has = |places: usize, why: &str| {
        let state = queue.0.lock();
        let bytes: usize = state.strangers.values().map(|waiter| waiter.bytes).sum();
        assert_eq!(
            (state.strangers.len(), bytes),
            (places, MAX_WAITING_BYTES),
            "{why}"
        );
    };
    for network in 0..100 {
        join(network, 2, FORM).await;
    }
    has(32, "of all that came");
    join(200, 2, SMALL_BYTES).await;
    has(33, "a small one has room");
    join(201, 1, FORM).await;
    has(33, "it took that of another");
    let first = queue.0.lock().strangers.keys().next().copied();
    assert!(first.is_some_and(|place| place.failures == 1));
}
