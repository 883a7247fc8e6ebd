//! A full listener: the choice of evicted connections, and the reported fullness.

use super::fullness::{FULL_AFTER, FULL_FOR};
use super::*;
use crate::connection_activity::{Answering, IDLE_TIMEOUT};

const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn activity() -> Arc<ConnectionActivity> {
    Arc::new(ConnectionActivity::start(IDLE_TIMEOUT))
}

#[tokio::test(start_paused = true)]
async fn a_listener_says_that_it_is_full_while_new_connections_wait_and_a_little_longer() {
    let admission = Admission::new("gate", 1);
    let busy = activity();
    let first = admission.admit(Some(SOURCE), &busy).await.expect("a place");
    let request = Answering::start(&busy);
    let other = [192, 0, 2, 1].into();
    let waiting = tokio::spawn({
        let admission = Arc::clone(&admission);
        async move { admission.admit(Some(other), &activity()).await.is_some() }
    });
    tokio::time::sleep(FULL_AFTER / 2).await;
    assert_ne!(admission.fullness(), Fullness::Full, "others wait that long");
    tokio::time::sleep(FULL_AFTER).await;
    assert_eq!(admission.fullness(), Fullness::Full);
    drop(request);
    busy.evicted().await;
    drop(first);
    assert!(waiting.await.expect("no panic"));
    assert_eq!(
        admission.fullness(),
        Fullness::Full,
        "it may happen again at once"
    );
    tokio::time::sleep(FULL_FOR).await;
    assert_ne!(admission.fullness(), Fullness::Full);
    let gauges = admission.gauges();
    assert_eq!((gauges.open, gauges.limit, gauges.evicted), (0, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn without_descriptors_connections_that_rest_make_room() {
    let admission = Admission::new("gate", 100);
    let resting = activity();
    let _first = admission.admit(Some(SOURCE), &resting).await.expect("a place");
    let left = io::Error::from_raw_os_error(103);
    assert!(!admission.accept_failed(&left), "a peer that left is no lack");
    assert!(admission.accept_failed(&io::Error::from_raw_os_error(NO_DESCRIPTOR)));
    assert_eq!(admission.gauges().evicted, 1);
    resting.evicted().await;
    tokio::time::sleep(FULL_AFTER).await;
    assert_eq!(admission.fullness(), Fullness::Full);
    admission.accept_succeeded();
    tokio::time::sleep(FULL_FOR).await;
    assert_eq!(admission.fullness(), Fullness::Ok);
}

#[tokio::test(start_paused = true)]
async fn without_descriptors_one_batch_closes_before_the_next_is_told() {
    let admission = Admission::new("gate", 100);
    let mut held = Vec::new();
    for host in 0..10 {
        let source = Some([192, 0, 2, host].into());
        held.push(admission.admit(source, &activity()).await.expect("a place"));
    }
    let saturation = io::Error::from_raw_os_error(NO_DESCRIPTOR);
    for _ in 0..20 {
        assert!(admission.accept_failed(&saturation), "one is closing");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(admission.gauges().evicted, 1, "it has its time to say goodbye");
    tokio::time::sleep(CLOSING_TIME).await;
    assert!(admission.accept_failed(&saturation));
    assert_eq!(admission.gauges().evicted, 2);
    tokio::time::sleep(CLOSING_TIME).await;
    for of_the_system in [23, 12] {
        let error = io::Error::from_raw_os_error(of_the_system);
        assert!(!admission.accept_failed(&error), "{error}");
    }
    assert_eq!(
        admission.gauges().evicted,
        2,
        "others may have what the system lacks"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_behind_a_proxy_gets_no_more_than_one_without() {
    let admission = Admission::new("gate", 64);
    let (mut held, mut busy) = (Vec::new(), Vec::new());
    let clients = ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"]
        .map(|text| text.parse().expect("an address"));
    let mut refused = None;
    for turn in 0..60 {
        let (activity, client) = (activity(), clients[turn % clients.len()]);
        let admitted = admission.admit(None, &activity).await.expect("a place");
        if !admitted.assign_client(client) {
            refused = Some(client);
            break;
        }
        admitted.mark_established();
        busy.push(Answering::start(&activity));
        held.push(admitted);
    }
    assert!(refused.is_some(), "who holds much gets none of the last quarter");
    assert_eq!(held.len(), 48);
    let admitted = admission.admit(None, &activity()).await.expect("a place");
    assert!(
        admitted.assign_client([10, 1, 2, 3].into()),
        "who holds little is served"
    );
    let gauges = admission.gauges();
    assert_eq!(gauges.refused.first(), Some(&("source", 1)));
}

#[tokio::test(start_paused = true)]
async fn a_listener_whose_last_places_are_left_for_others_says_that_it_is_full_as_long_as_it_is() {
    let admission = Admission::new("console", 64);
    let (mut held, mut busy) = (Vec::new(), Vec::new());
    let mut refused = None;
    for number in 0..128_u8 {
        let source = IpAddr::from([10, number / 2, 0, 1]);
        let activity = activity();
        match admission.admit(Some(source), &activity).await {
            Some(admitted) => held.push(admitted),
            None => refused = Some(source),
        }
        busy.push(Answering::start(&activity));
        if held.len() == 60 {
            break;
        }
    }
    assert!(refused.is_some(), "of the last quarter each source gets one");
    let another = Some([10, 0, 0, 1].into());
    assert!(admission.admit(another, &activity()).await.is_none());
    assert_eq!(
        admission.fullness(),
        Fullness::NearlyFull,
        "others wait that long"
    );
    tokio::time::sleep(FULL_AFTER).await;
    assert_eq!(admission.fullness(), Fullness::Full);
    let probe = admission.admit(Some([203, 0, 113, 7].into()), &activity()).await;
    assert!(probe.is_some() && admission.fullness() == Fullness::Full);
    held.truncate(50);
    assert_eq!(
        admission.fullness(),
        Fullness::NearlyFull,
        "nobody is turned away any more"
    );
}
