//! The memory budget, full and half full.

use super::*;

const LARGE: usize = 1024 * 1024;

fn source(number: usize) -> IpAddr {
    let number = u32::try_from(number).unwrap();
    IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number))
}

/// Reserves memory for complete bodies of this size until the budget is exhausted, for this webhook and this many
/// sources.
fn fill<'a>(
    budget: &'a MemoryBudget,
    quota: &Arc<WebhookQuota>,
    size: usize,
    sources: usize,
) -> Vec<Reservation<'a>> {
    let body = |number: usize| {
        let held = Reservation::empty(budget, Arc::clone(quota), source(number % sources));
        (held.take(size) && held.finish_waiting()).then_some(held)
    };
    (0..TOTAL_BYTES).map_while(body).collect()
}

fn is_evicted(held: &Reservation<'_>) -> bool {
    held.entry.get().is_some_and(|entry| entry.is_evicted())
}

/// Requests of this source that wait for a body.
fn wait<'a>(
    budget: &'a MemoryBudget,
    quota: &Arc<WebhookQuota>,
    source: IpAddr,
    count: usize,
) -> Vec<Reservation<'a>> {
    let waiting = |_| {
        let held = Reservation::empty(budget, Arc::clone(quota), source);
        assert!(held.begin(0), "the older ones make room");
        held
    };
    (0..count).map(waiting).collect()
}

#[test]
fn one_webhook_takes_an_eighth_and_gives_it_back() {
    let (budget, quota) = (MemoryBudget::default(), Arc::default());
    let held = fill(&budget, &quota, LARGE, 64);
    assert_eq!(held.len(), WEBHOOK_BYTES / LARGE);
    assert_eq!(
        fill(&budget, &Arc::default(), LARGE, 64).len(),
        WEBHOOK_BYTES / LARGE
    );
    drop(held);
    assert_eq!(fill(&budget, &quota, LARGE, 64).len(), WEBHOOK_BYTES / LARGE);
    assert_eq!(budget.bytes.load(Ordering::Relaxed), 0);
    assert_eq!(quota.bytes.load(Ordering::Relaxed), 0);
    assert!(budget.lock().is_empty());
}

#[test]
fn one_source_takes_a_quarter_of_a_webhook() {
    let (budget, quota) = (MemoryBudget::default(), Arc::default());
    let own = fill(&budget, &quota, LARGE, 1);
    assert_eq!(own.len(), SOURCE_BYTES / LARGE);
    let other = Reservation::empty(&budget, Arc::clone(&quota), source(1));
    assert!(other.take(LARGE), "another one has its own part");
    let network = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, last, 0, 0, 0, 1]);
    let customer: Vec<_> = (0..64)
        .map(|last| Reservation::empty(&budget, Arc::clone(&quota), network(last)))
        .take_while(|held| held.take(LARGE) && held.finish_waiting())
        .collect();
    assert!(customer.len() <= SOURCE_BYTES / LARGE, "a /48 is one source");
}

#[test]
fn small_bodies_pass_when_large_ones_have_filled_their_part() {
    let budget = MemoryBudget::default();
    let large: Vec<_> = (0..8)
        .flat_map(|_| fill(&budget, &Arc::default(), LARGE, 64))
        .collect();
    assert_eq!(large.len(), (TOTAL_BYTES - RESERVED_FOR_SMALL) / LARGE);
    let small: Vec<_> = (0..8)
        .flat_map(|_| fill(&budget, &Arc::default(), SMALL_BYTES, 64))
        .collect();
    assert_eq!(small.len(), RESERVED_FOR_SMALL / SMALL_BYTES);
}

#[test]
fn a_delivery_without_a_body_takes_room_too_and_only_once() {
    let (budget, quota) = (MemoryBudget::default(), Arc::default());
    let held = Reservation::empty(&budget, Arc::clone(&quota), source(0));
    assert!(held.begin(1) && held.begin(1));
    assert_eq!(budget.bytes.load(Ordering::Relaxed), REQUEST_BYTES + 1);
}

#[test]
fn what_comes_in_pieces_is_added_up() {
    let budget = MemoryBudget::default();
    let held = Reservation::empty(&budget, Arc::default(), source(0));
    let pieces = (0..WEBHOOK_BYTES).take_while(|_| held.take(LARGE)).count();
    assert!(pieces <= SOURCE_BYTES / LARGE);
}

#[test]
fn requests_without_a_body_make_room_for_others_oldest_and_loudest_first() {
    let (budget, quota) = (MemoryBudget::default(), Arc::default());
    let strangers: Vec<_> = (1..=8)
        .map(|number| wait(&budget, &quota, source(number), 2_000))
        .collect();
    let patient = wait(&budget, &quota, source(0), 1);
    for _ in 0..3_000 {
        let sender = Reservation::empty(&budget, Arc::clone(&quota), source(0));
        assert!(sender.begin(500) && sender.take(SMALL_BYTES) && sender.finish_waiting());
    }
    let more = wait(&budget, &quota, source(9), 2_000);
    assert!(!is_evicted(&patient[0]), "those who hold most are cut first");
    assert!(more.iter().any(|held| !is_evicted(held)));
    assert!(quota.bytes.load(Ordering::Relaxed) <= WEBHOOK_BYTES);
    for held in strangers.iter().chain([&more]) {
        let last = held.last().map(is_evicted);
        assert_eq!(last, Some(false), "the newest of each source stays");
    }
    drop((strangers, patient, more));
    assert_eq!(budget.bytes.load(Ordering::Relaxed), 0);
    assert!(budget.lock().is_empty());
}

#[test]
fn requests_without_a_body_at_many_webhooks_make_room_for_another() {
    let budget = MemoryBudget::default();
    let shares: Vec<Arc<WebhookQuota>> = (0..16).map(|_| Arc::default()).collect();
    let strangers: Vec<_> = shares
        .iter()
        .flat_map(|quota| (1..=4).map(|number| wait(&budget, quota, source(number), 2_000)))
        .collect();
    let quota = Arc::default();
    let sender = Reservation::empty(&budget, Arc::clone(&quota), source(0));
    assert!(sender.begin(500) && sender.take(SMALL_BYTES) && sender.finish_waiting());
    drop(strangers);
}

#[test]
fn who_has_to_make_room_is_woken() {
    let (budget, quota) = (MemoryBudget::default(), Arc::default());
    let waiting = wait(&budget, &quota, source(1), SOURCE_BYTES / REQUEST_BYTES);
    let oldest = waiting.iter().find(|held| held.entry.get().is_some()).unwrap();
    let flag = Arc::new(Flag::default());
    let waker = std::task::Waker::from(Arc::clone(&flag));
    let context = Context::from_waker(&waker);
    assert!(oldest.poll_evicted(&context).is_pending());
    let _newer = wait(&budget, &quota, source(1), 1);
    assert!(flag.0.load(Ordering::Relaxed) > 0);
    assert!(oldest.poll_evicted(&context).is_ready());
    assert!(!oldest.finish_waiting());
}

#[derive(Default)]
struct Flag(AtomicUsize);

impl std::task::Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
