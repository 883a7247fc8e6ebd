use super::*;
use crate::pulse::{Answering, IDLE_TIMEOUT};

const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn pulse() -> Arc<Pulse> {
    Arc::new(Pulse::start(IDLE_TIMEOUT))
}

#[tokio::test(start_paused = true)]
async fn a_listener_says_that_it_is_full_while_new_connections_wait_and_a_little_longer() {
    let admission = Admission::new("gate", 1);
    let busy = pulse();
    let first = admission.admit(Some(SOURCE), &busy).await.expect("a place");
    let request = Answering::start(&busy);
    let other = [192, 0, 2, 1].into();
    let waiting = tokio::spawn({
        let admission = Arc::clone(&admission);
        async move { admission.admit(Some(other), &pulse()).await.is_some() }
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
    let resting = pulse();
    let _first = admission.admit(Some(SOURCE), &resting).await.expect("a place");
    let left = io::Error::from_raw_os_error(103);
    assert!(!admission.accept_failed(&left), "a peer that left is no lack");
    assert!(admission.accept_failed(&io::Error::from_raw_os_error(NO_DESCRIPTOR[1])));
    assert_eq!(admission.gauges().evicted, 1);
    resting.evicted().await;
    tokio::time::sleep(FULL_AFTER).await;
    assert_eq!(admission.fullness(), Fullness::Full);
    admission.accept_succeeded();
    tokio::time::sleep(FULL_FOR).await;
    assert_eq!(admission.fullness(), Fullness::Ok);
}
