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
mod tests;
