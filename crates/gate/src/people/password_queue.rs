//! The queue of passwords to hash, which is slow on purpose. Strangers wait in one queue and known callers in another,
//! and the two queues alternate. So a flood of sign-ins delays neither the other queue nor, in its own queue, sources
//! without recent failures.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookgate_domain::networks::{CustomerNetwork, customer_networks};
use hookgate_people::{Password, PasswordHash};
use tokio::sync::oneshot;

use crate::{Gate, PasswordsError};

/// Passwords that are hashed at the same time: with the memory that one of them takes, 38 MiB.
pub const PASSWORDS_AT_ONCE: usize = 2;
/// Maximum number of waiting passwords of each queue: some two seconds of work, and little memory.
const MAX_WAITING: usize = 128;
/// Maximum bytes that large requests of one queue hold while they wait. A form that was typed before signing in has
/// some kilobytes.
const MAX_WAITING_BYTES: usize = 2 * 1024 * 1024;
/// Size up to which a waiting request counts for nothing: a name and a path. Together these stay under half a MiB.
const SMALL_BYTES: usize = 4 * 1024;
/// Maximum number of waiting passwords of one source: a few for an IPv4 address or a /64, behind which there may be an
/// office, and more for the /56 and the /48 around it, which may be several customers. A source that fails in all its
/// places comes behind all that have failed less.
const PLACES_OF_SOURCE: [usize; 3] = [4, 8, 16];
/// Maximum number of waiting passwords of one name at an IPv4 address or a /64: nobody signs in twice at once.
const PLACES_OF_PAIR: usize = 1;
/// Maximum number of waiting passwords of one member or token: programs set up several members at once.
const PLACES_OF_MEMBER: usize = 8;
/// `Retry-After` if a queue is full.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The caller that wants a password hashed.
#[derive(Clone, Debug)]
pub(crate) enum PasswordCaller {
    /// An unknown caller.
    Stranger {
        /// Source address.
        source: IpAddr,
        /// The name that is tried, in lower case.
        name: String,
        /// Number of recent failures of the source. The source with fewer failures comes first.
        failures: u32,
    },
    /// A member in a known browser, or another known caller, by an ID.
    Known(String),
}

impl<S> Gate<S> {
    /// Hashes a new password when the caller has a turn.
    pub(crate) async fn hash_password(
        &self,
        caller: PasswordCaller,
        password: Password,
    ) -> Result<PasswordHash, PasswordsError> {
        let _turn = self.password_queue.turn(caller, 0).await?;
        self.ports.passwords.hash(password).await
    }
}

/// The queues of strangers and of known callers.
#[derive(Default)]
pub(crate) struct PasswordQueue(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    running: usize,
    /// Number of callers so far.
    arrivals: u64,
    strangers: BTreeMap<QueuePosition, Waiter>,
    known: BTreeMap<QueuePosition, Waiter>,
    /// `true` if the last turn was a stranger's.
    stranger_was_last: bool,
}

/// The order of a queue: by failures, then by arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct QueuePosition {
    failures: u32,
    number: u64,
}

struct Waiter {
    of: Vec<Owner>,
    /// Bytes held until the turn comes; 0 for a small request.
    bytes: usize,
    turn: oneshot::Sender<Turn>,
}

/// The owner of a place.
#[derive(Clone, PartialEq, Eq)]
enum Owner {
    Network(CustomerNetwork),
    Pair(CustomerNetwork, String),
    Member(String),
}

impl PasswordQueue {
    /// Waits for a turn, which ends when it is dropped. The caller holds this many bytes meanwhile. A caller that is
    /// dropped before its turn gives its place up.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`] if the queue is full, or if a caller with fewer failures takes the place.
    pub(crate) async fn turn(&self, caller: PasswordCaller, bytes: usize) -> Result<Turn, PasswordsError> {
        let busy = PasswordsError::Busy {
            retry_after: RETRY_AFTER,
        };
        let (turn, received) = oneshot::channel();
        let position = self.0.lock().join(&caller, bytes, turn).ok_or(busy)?;
        let _waiting = QueueTicket(&self.0, position);
        Shared::give_turns(&self.0);
        received.await.map_err(|_| busy)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the free turns to the next callers.
    fn give_turns(shared: &Arc<Self>) {
        loop {
            let next = shared.lock().next();
            let Some(turn) = next else { return };
            // If the receiver is gone, the turn is dropped here, which passes it on.
            let _ = turn.send(Turn(Arc::clone(shared)));
        }
    }
}

impl PasswordCaller {
    /// The owners under which the caller waits, with the maximum number of waiting passwords of each.
    fn owners(&self) -> Vec<(Owner, usize)> {
        match self {
            Self::Stranger { source, name, .. } => {
                let networks = customer_networks(*source).zip(PLACES_OF_SOURCE);
                let pair = customer_networks(*source)
                    .take(1)
                    .map(|network| (Owner::Pair(network, name.clone()), PLACES_OF_PAIR));
                networks
                    .map(|(network, most)| (Owner::Network(network), most))
                    .chain(pair)
                    .collect()
            }
            Self::Known(who) => vec![(Owner::Member(who.clone()), PLACES_OF_MEMBER)],
        }
    }
}

impl State {
    fn join(
        &mut self,
        caller: &PasswordCaller,
        bytes: usize,
        turn: oneshot::Sender<Turn>,
    ) -> Option<QueuePosition> {
        let owners = caller.owners();
        let (failures, queue) = match caller {
            PasswordCaller::Stranger { failures, .. } => (*failures, &mut self.strangers),
            PasswordCaller::Known(_) => (0, &mut self.known),
        };
        let is_full = owners.iter().any(|(owner, most)| {
            let has = queue.values().filter(|waiter| waiter.of.contains(owner)).count();
            has >= *most
        });
        let bytes = if bytes > SMALL_BYTES { bytes } else { 0 };
        if is_full || !have_room(queue, failures, bytes) {
            return None;
        }
        if queue.len() >= MAX_WAITING {
            let last = queue.last_entry()?;
            if last.key().failures <= failures {
                return None;
            }
            last.remove();
        }
        self.arrivals += 1;
        let position = QueuePosition {
            failures,
            number: self.arrivals,
        };
        let of = owners.into_iter().map(|(owner, _)| owner).collect();
        queue.insert(position, Waiter { of, bytes, turn });
        Some(position)
    }

    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        if self.running >= PASSWORDS_AT_ONCE {
            return None;
        }
        let takes_stranger = self.known.is_empty() || (!self.stranger_was_last && !self.strangers.is_empty());
        let queue = if takes_stranger {
            &mut self.strangers
        } else {
            &mut self.known
        };
        let (_, waiter) = queue.pop_first()?;
        self.stranger_was_last = takes_stranger;
        self.running += 1;
        Some(waiter.turn)
    }
}

/// Checks that this many bytes may wait. Callers with more failures that hold large requests are removed to make room,
/// the last first.
fn have_room(queue: &mut BTreeMap<QueuePosition, Waiter>, failures: u32, bytes: usize) -> bool {
    let held: usize = queue.values().map(|waiter| waiter.bytes).sum();
    let over = (held + bytes).saturating_sub(MAX_WAITING_BYTES);
    let holding = queue.iter().rev().filter(|(_, waiter)| waiter.bytes > 0);
    let (mut freed, mut leaving) = (0, Vec::new());
    for (place, waiter) in holding.take_while(|(place, _)| place.failures > failures) {
        if freed >= over {
            break;
        }
        freed += waiter.bytes;
        leaving.push(*place);
    }
    if freed < over {
        return false;
    }
    queue.retain(|place, _| !leaving.contains(place));
    true
}

/// A place in a queue. It is given up when this is dropped before the turn has come.
struct QueueTicket<'a>(&'a Shared, QueuePosition);

impl Drop for QueueTicket<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        let left = state.strangers.remove(&self.1);
        let left = left.or_else(|| state.known.remove(&self.1));
        drop(state);
        drop(left);
    }
}

/// A turn to hash a password. The next caller gets it when this is dropped.
pub(crate) struct Turn(Arc<Shared>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        Shared::give_turns(&self.0);
    }
}

#[cfg(test)]
mod tests {
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
}
