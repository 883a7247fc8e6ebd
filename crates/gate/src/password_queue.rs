//! Whose turn it is to have a password hashed, which is slow on purpose. Strangers wait in one queue and those whom the gate
//! knows in another, and the two take turns; so a flood of sign-ins holds up neither the other queue nor, in its own, those
//! who have not failed lately.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookgate_domain::{Password, PasswordHash};
use tokio::sync::oneshot;

use crate::sources::{CustomerNetwork, customer_networks};
use crate::{Gate, PasswordsError};

/// Passwords that are hashed at the same time: with the memory that one of them takes, 38 MiB.
pub const PASSWORDS_AT_ONCE: usize = 2;
/// Passwords that wait, of strangers and of others each: some two seconds of work, and next to no memory.
const PLACES: usize = 128;
/// Places of one source: a few for an IPv4 address or a /64, behind which there may be an office, and more for the /56 and the
/// /48 around it, which may be several. Whoever holds them fails in them, and comes behind all who have failed less.
const OF_A_SOURCE: [usize; 3] = [4, 8, 16];
/// Places of one name at an IPv4 address or a /64: nobody signs in twice at once.
const OF_A_PAIR: usize = 1;
/// Places of one member or token: programs set up several members at once.
const OF_A_MEMBER: usize = 8;
/// When to come back if there is no place.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Whose password it is.
#[derive(Clone, Debug)]
pub(crate) enum Asker {
    /// Somebody who is not known.
    Stranger {
        /// From which address.
        source: IpAddr,
        /// Which name is tried, in lower case.
        name: String,
        /// How often the source has failed lately. Who has failed less comes first.
        failures: u32,
    },
    /// A member in a browser that the member has signed in with, or whoever else is known, by what tells them apart.
    Known(String),
}

impl<S> Gate<S> {
    /// Hashes a new password when it is the asker's turn.
    pub(crate) async fn hash_password(
        &self,
        asker: Asker,
        password: Password,
    ) -> Result<PasswordHash, PasswordsError> {
        let _turn = self.password_queue.turn(asker).await?;
        self.ports.passwords.hash(password).await
    }
}

/// The queue.
#[derive(Default)]
pub(crate) struct PasswordQueue(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    running: usize,
    /// How many have come.
    came: u64,
    strangers: BTreeMap<Place, Waiter>,
    known: BTreeMap<Place, Waiter>,
    /// Whether it was a stranger's turn last.
    stranger_was_last: bool,
}

/// The order of a queue: who failed less, then who came first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    failures: u32,
    number: u64,
}

struct Waiter {
    of: Vec<Owner>,
    turn: oneshot::Sender<Turn>,
}

/// Whoever holds a place.
#[derive(Clone, PartialEq, Eq)]
enum Owner {
    Network(CustomerNetwork),
    Pair(CustomerNetwork, String),
    Member(String),
}

impl PasswordQueue {
    /// Waits for a turn, which ends when it is dropped. Who leaves before gives the place up.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`] if there is no place, or somebody with fewer failures takes it.
    pub(crate) async fn turn(&self, asker: Asker) -> Result<Turn, PasswordsError> {
        let busy = PasswordsError::Busy {
            retry_after: RETRY_AFTER,
        };
        let (turn, comes) = oneshot::channel();
        let place = self.0.lock().join(&asker, turn).ok_or(busy)?;
        let _waiting = Waiting(&self.0, place);
        Shared::go_on(&self.0);
        comes.await.map_err(|_| busy)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the turns that are free to those who come next.
    fn go_on(shared: &Arc<Self>) {
        loop {
            let next = shared.lock().next();
            let Some(turn) = next else { return };
            // Who has left meanwhile gives it back here, and that goes on by itself.
            let _ = turn.send(Turn(Arc::clone(shared)));
        }
    }
}

impl Asker {
    /// Under whose names it waits, with how many places each may hold.
    fn owners(&self) -> Vec<(Owner, usize)> {
        match self {
            Self::Stranger { source, name, .. } => {
                let networks = customer_networks(*source).zip(OF_A_SOURCE);
                let pair = customer_networks(*source)
                    .take(1)
                    .map(|network| (Owner::Pair(network, name.clone()), OF_A_PAIR));
                networks
                    .map(|(network, most)| (Owner::Network(network), most))
                    .chain(pair)
                    .collect()
            }
            Self::Known(who) => vec![(Owner::Member(who.clone()), OF_A_MEMBER)],
        }
    }
}

impl State {
    fn join(&mut self, asker: &Asker, turn: oneshot::Sender<Turn>) -> Option<Place> {
        let owners = asker.owners();
        let (failures, queue) = match asker {
            Asker::Stranger { failures, .. } => (*failures, &mut self.strangers),
            Asker::Known(_) => (0, &mut self.known),
        };
        let is_full = owners.iter().any(|(owner, most)| {
            let has = queue.values().filter(|waiter| waiter.of.contains(owner)).count();
            has >= *most
        });
        if is_full {
            return None;
        }
        if queue.len() >= PLACES {
            let last = queue.last_entry()?;
            if last.key().failures <= failures {
                return None;
            }
            last.remove();
        }
        self.came += 1;
        let place = Place {
            failures,
            number: self.came,
        };
        let of = owners.into_iter().map(|(owner, _)| owner).collect();
        queue.insert(place, Waiter { of, turn });
        Some(place)
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

/// A place in a queue. It is given up when this is dropped, if the turn has not come.
struct Waiting<'a>(&'a Shared, Place);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        let left = state.strangers.remove(&self.1);
        let left = left.or_else(|| state.known.remove(&self.1));
        drop(state);
        drop(left);
    }
}

/// A turn.
pub(crate) struct Turn(Arc<Shared>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        Shared::go_on(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;
    use tokio::time::{Instant, sleep, timeout};

    use super::*;

    /// What a password takes.
    const WORK: Duration = Duration::from_millis(32);

    fn source(network: u32) -> IpAddr {
        IpAddr::from((0x0A00_0000 + network).to_be_bytes())
    }

    fn stranger(source: IpAddr, failures: u32) -> Asker {
        Asker::Stranger {
            source,
            name: "ada".to_owned(),
            failures,
        }
    }

    async fn work(queue: Arc<PasswordQueue>, asker: Asker) -> bool {
        let turn = queue.turn(asker).await;
        sleep(WORK).await;
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
                    let asker = stranger(source(thread + attempt / 20 * 1_000), 1 + attempt % 20);
                    if !work(Arc::clone(&queue), asker).await {
                        sleep(Duration::from_millis(10)).await;
                    }
                }
            });
        }
        sleep(Duration::from_secs(10)).await;
        for asker in [stranger(source(0x0010_0000), 1), Asker::Known("ada".to_owned())] {
            let start = Instant::now();
            while !work(Arc::clone(&queue), asker.clone()).await {
                sleep(Duration::from_secs(1)).await;
            }
            assert!(start.elapsed() < Duration::from_secs(5), "{asker:?}");
        }
        flood.shutdown().await;
        let alone = timeout(WORK * 2, work(queue, stranger(source(1), 20)));
        assert_eq!(alone.await, Ok(true), "those who left took no turn along");
    }

    #[tokio::test(start_paused = true)]
    async fn a_customer_waits_in_few_places() {
        let places = |sources: Vec<Asker>| async {
            let queue = Arc::new(PasswordQueue::default());
            let mut waiting = JoinSet::new();
            for asker in sources {
                waiting.spawn(work(Arc::clone(&queue), asker));
            }
            let answers = waiting.join_all().await;
            answers.into_iter().filter(|is_in| *is_in).count() - PASSWORDS_AT_ONCE
        };
        let of = |names: u32, form: fn(u32) -> String| {
            let asker = |n| Asker::Stranger {
                source: form(n).parse().unwrap(),
                name: format!("name {}", n % names),
                failures: 1,
            };
            (0..100).map(asker).collect()
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
        let member = |_| Asker::Known("ada".to_owned());
        assert_eq!(places((0..100).map(member).collect()).await, OF_A_MEMBER);
        let everybody = (0..1_000).map(|n| stranger(source(n), 1)).collect();
        assert_eq!(places(everybody).await, PLACES);
    }

    #[tokio::test(start_paused = true)]
    async fn who_failed_less_takes_the_last_place_and_strangers_are_not_starved() {
        let queue = Arc::new(PasswordQueue::default());
        let mut held = Vec::new();
        for _ in 0..PASSWORDS_AT_ONCE {
            held.push(queue.turn(Asker::Known("root".to_owned())).await.unwrap());
        }
        let mut waiting = JoinSet::new();
        for network in 0..u32::try_from(PLACES).unwrap() {
            waiting.spawn(work(Arc::clone(&queue), stranger(source(network), 3)));
        }
        for member in 0..PLACES {
            waiting.spawn(work(Arc::clone(&queue), Asker::Known(format!("{member}"))));
        }
        sleep(WORK).await;
        assert!(!work(Arc::clone(&queue), stranger(source(9_999), 3)).await);
        let fresh = tokio::spawn(work(Arc::clone(&queue), stranger(source(9_999), 1)));
        sleep(WORK).await;
        held.clear();
        assert_eq!(timeout(WORK * 4, fresh).await.unwrap().ok(), Some(true));
        let answers = waiting.join_all().await;
        assert_eq!(answers.iter().filter(|is_in| !**is_in).count(), 1);
    }
}
