//! The open connections of a listener by source prefix, and the choice of those that are evicted. One scan of all
//! connections evicts several, so a flood costs few scans. Requests never touch this table.
//!
//! Idle connections are evicted first, then those on which the head of a request is arriving, then those whose requests
//! all wait for their bodies. The latter two rank like idle ones if their source holds much; otherwise they are evicted
//! last and one by one. A connection with a request whose body has arrived is never evicted.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnetwork::IpNetwork;
use tokio::time::Instant;

use super::prefixes::{LEVELS, part, prefixes};
use super::refusal::Refusal;
use crate::connection_activity::{Activity, ConnectionActivity};

/// A listener is nearly full when this many quarters of its connections are taken.
const NEARLY_FULL_QUARTERS: u64 = 3;

/// Divisor: a source may have this part of its connections in handshakes. Handshakes cost the most, and nobody needs
/// many at once.
const HANDSHAKE_PART: u32 = 2;

/// Time for a handshake before it counts as stalled: its sender may be far away.
const STALLED: Duration = Duration::from_secs(1);

/// Time since the last sign of life within which a connection is in use: its next request may be in flight. If it must
/// be evicted, no other connection is evicted with it.
const IN_USE: Duration = Duration::from_secs(1);

/// Divisor: a source that has less than this part of its share holds little.
const LITTLE_PART: u32 = 16;

/// Divisor: this part of all connections is reserved for sources without a request in progress. So a load balancer that checks
/// the server's health gets an answer, whatever other sources hold.
const RESERVED_PART: u32 = 16;

/// A source with this many connections gets none of the reserved ones. One without a request is allowed: it may be the
/// source's last probe, whose end has not arrived yet.
const MAX_BEFORE_RESERVED: u32 = 2;

/// Divisor: this part of the connections is evicted at once. The next scan follows only after as many new connections.
const BATCH_PART: u32 = 64;

/// The open connections and their numbers by prefix. There are never more entries than connections.
#[derive(Debug)]
pub(super) struct Table {
    limit: u32,
    next_id: u64,
    entries: HashMap<u64, Entry>,
    held: HashMap<IpNetwork, PrefixUse>,
}

/// One connection. It has no source if it is a trusted proxy's own, or as long as its PROXY header has not arrived.
#[derive(Debug)]
struct Entry {
    source: Option<IpAddr>,
    is_handshaking: bool,
    activity: Arc<ConnectionActivity>,
}

/// The number of connections and handshakes of a prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PrefixUse {
    connections: u32,
    handshakes: u32,
}

/// The order of eviction, greatest first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// A trusted proxy's connections come last, because they carry the requests of many senders.
    has_source: bool,
    /// `true` if the connection is idle or its source holds much.
    goes_first: bool,
    /// The greatest weight of the source's prefixes.
    heaviest: u64,
    /// The weights of the prefixes, shortest prefix first, so that within a prefix its heaviest part comes first.
    weights: [u64; LEVELS],
    progress: Reverse<Progress>,
    /// `true` if no request has arrived on the connection: closing it costs no sender anything.
    is_unused: bool,
    rested: Duration,
    /// Breaks ties, so that the choice is deterministic.
    id: Reverse<u64>,
}

/// Progress of a connection, in the order of eviction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    /// No request for a second or longer.
    Idle,
    /// All its requests wait for their bodies.
    Waiting,
    /// Younger than a second and without a request: its client connects again.
    New,
    /// A request was answered less than a second ago, or its head is arriving: one may be lost.
    InUse,
}

impl Table {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            next_id: 0,
            entries: HashMap::new(),
            held: HashMap::new(),
        }
    }

    /// Adds a connection that is about to do its handshake.
    pub(super) fn insert(&mut self, source: Option<IpAddr>, activity: Arc<ConnectionActivity>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let entry = Entry {
            source,
            is_handshaking: true,
            activity,
        };
        self.count(&entry, true);
        self.entries.insert(id, entry);
        id
    }

    /// Removes a connection. An evicted one has been removed already.
    pub(super) fn remove(&mut self, id: u64) {
        if let Some(entry) = self.entries.remove(&id) {
            self.count(&entry, false);
        }
    }

    /// Assigns a proxy's connection to this source, and makes room as for a new one. If the source is refused, the
    /// connection is removed.
    pub(super) fn assign(&mut self, id: u64, source: IpAddr, free: usize) -> Result<usize, Refusal> {
        // Evicted meanwhile: nothing must be evicted for it.
        let Some(mut entry) = self.entries.remove(&id) else {
            return Ok(0);
        };
        self.count(&entry, false);
        // The connection itself has a permit already.
        let made = self.make_room(Some(source), free + 1)?;
        entry.source = Some(source);
        self.count(&entry, true);
        self.entries.insert(id, entry);
        Ok(made)
    }

    /// Marks the handshake of a connection as done.
    pub(super) fn establish(&mut self, id: u64) {
        if let Some(mut entry) = self.entries.remove(&id) {
            self.count(&entry, false);
            entry.is_handshaking = false;
            self.count(&entry, true);
            self.entries.insert(id, entry);
        }
    }

    /// Makes room for one more connection of this source, within the shares of its prefixes and within the whole
    /// listener, of which `free` places are free. Returns the number of evicted connections.
    pub(super) fn make_room(&mut self, source: Option<IpAddr>, free: usize) -> Result<usize, Refusal> {
        let mut closed = match source {
            Some(source) => self.make_room_within(source)?,
            None => 0,
        };
        if self.is_nearly_full() {
            let closing = self.evict_any(false);
            if source.is_some_and(|source| !self.may_take(source, free, closing)) {
                return Err(Refusal::Source);
            }
            closed += closing;
        }
        Ok(closed)
    }

    /// Makes room for one more connection within the shares of the source's prefixes.
    fn make_room_within(&mut self, source: IpAddr) -> Result<usize, Refusal> {
        let mut closed = 0;
        for prefix in prefixes(source) {
            let held = self.held(prefix);
            let share = self.share(prefix);
            let handshakes = share.div_ceil(HANDSHAKE_PART);
            if held.handshakes >= handshakes {
                let now = Instant::now();
                let is_stalled = |entry: &Entry| {
                    entry.is_handshaking
                        && entry.is_in(prefix)
                        && now.duration_since(entry.activity.last_active()) >= STALLED
                };
                closed += at_least_one(
                    self.evict(batch(handshakes), false, is_stalled),
                    Refusal::Handshakes,
                )?;
            }
            if self.held(prefix).connections >= share {
                let evicted = self.evict(batch(share), false, |entry| entry.is_in(prefix));
                closed += at_least_one(evicted, Refusal::Source)?;
            }
        }
        Ok(closed)
    }

    /// Evicts some connections of the sources that hold most. Returns their number.
    ///
    /// `spares_used` leaves out those in use: as long as others that were evicted still close, their places are to
    /// come.
    pub(super) fn evict_any(&mut self, spares_used: bool) -> usize {
        self.evict(batch(self.limit), spares_used, |_| true)
    }

    /// `true` if one more connection would be in the last quarter.
    pub(super) fn is_nearly_full(&self) -> bool {
        let taken = self.entries.len() as u64 + 1;
        taken * 4 > u64::from(self.limit) * NEARLY_FULL_QUARTERS
    }

    /// `true` if only the reserved places are free, which are for sources without a request in progress.
    pub(super) const fn is_reserved(&self, free: usize) -> bool {
        let reserved = (self.limit / RESERVED_PART) as usize;
        reserved > 0 && free <= reserved
    }

    /// Number of connections that were not evicted.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The prefix that holds the largest part of its share, and its number of connections.
    pub(super) fn heaviest(&self) -> Option<(IpNetwork, u32)> {
        let held = self.held.iter();
        held.max_by_key(|(prefix, held)| (weight(**prefix, **held), prefix.prefix()))
            .map(|(prefix, held)| (*prefix, held.connections))
    }

    /// Evicts at most `most` of the connections that can be evicted and that `may_go` allows, and at most half of one
    /// source. Returns their number.
    fn evict(&mut self, most: usize, spares_used: bool, may_go: impl Fn(&Entry) -> bool) -> usize {
        let now = Instant::now();
        let candidates = self.entries.iter().filter(|(_, entry)| may_go(entry));
        let ranks = candidates.filter_map(|(id, entry)| self.rank(*id, entry, now));
        let ranks = ranks.filter(|rank| !spares_used || rank.progress != Reverse(Progress::InUse));
        let mut ranks: Vec<Rank> = ranks.collect();
        ranks.sort_unstable_by(|one, other| other.cmp(one));
        let mut taken: HashMap<IpNetwork, u32> = HashMap::new();
        let mut chosen = Vec::new();
        for rank in ranks {
            let Reverse(id) = rank.id;
            if !chosen.is_empty() && rank.goes_alone() {
                break;
            }
            let source = self.entries.get(&id).and_then(|entry| entry.source);
            if let Some(prefix) = source.and_then(|source| prefixes(source).next()) {
                let taken = taken.entry(prefix).or_default();
                if *taken >= self.held(prefix).connections.div_ceil(2) {
                    continue;
                }
                *taken += 1;
            }
            chosen.push(id);
            if chosen.len() == most {
                break;
            }
        }
        for id in &chosen {
            if let Some(entry) = self.entries.remove(id) {
                self.count(&entry, false);
                entry.activity.evict();
            }
        }
        chosen.len()
    }

    /// The rank of a connection. `None` if it can't be evicted.
    fn rank(&self, id: u64, entry: &Entry, now: Instant) -> Option<Rank> {
        let rested = now.duration_since(entry.activity.last_active());
        let is_unused = !entry.activity.has_served();
        let activity = entry.activity.activity();
        let progress = match activity {
            Activity::Answering => return None,
            Activity::Idle if rested >= IN_USE => Progress::Idle,
            Activity::Idle if is_unused => Progress::New,
            Activity::AwaitingBodies => Progress::Waiting,
            _ => Progress::InUse,
        };
        let mut weights = [0; LEVELS];
        let prefixes = entry.source.into_iter().flat_map(prefixes);
        for (weight_of, prefix) in weights.iter_mut().rev().zip(prefixes) {
            *weight_of = weight(prefix, self.held(prefix));
        }
        let holds_much = || entry.source.is_some_and(|source| !self.holds_little(source));
        Some(Rank {
            has_source: entry.source.is_some(),
            goes_first: (activity == Activity::Idle && progress != Progress::New) || holds_much(),
            heaviest: weights.into_iter().fold(0, u64::max),
            weights,
            progress: Reverse(progress),
            is_unused,
            rested,
            id: Reverse(id),
        })
    }

    /// `true` if a source gets a connection when `closing` others were evicted. Evicted connections take time to close,
    /// and a source that would wait for that gets no reserved place.
    fn may_take(&self, source: IpAddr, free: usize, closing: usize) -> bool {
        if self.is_reserved(free) {
            self.may_take_reserved(source)
        } else {
            closing > 0 || self.holds_little(source)
        }
    }

    fn holds_little(&self, source: IpAddr) -> bool {
        prefixes(source).all(|prefix| self.held(prefix).connections < self.little(prefix))
    }

    /// `true` if a source gets a reserved connection: it holds few, and no request of its own is in progress.
    fn may_take_reserved(&self, source: IpAddr) -> bool {
        let Some(own) = prefixes(source).next() else {
            return true;
        };
        let limit = |prefix| self.little(prefix).max(MAX_BEFORE_RESERVED);
        let has_request = |entry: &Entry| entry.is_in(own) && entry.activity.activity() != Activity::Idle;
        self.held(own).connections < MAX_BEFORE_RESERVED
            && prefixes(source).all(|prefix| self.held(prefix).connections < limit(prefix))
            && !self.entries.values().any(has_request)
    }

    /// A prefix with fewer connections holds little.
    fn little(&self, prefix: IpNetwork) -> u32 {
        self.share(prefix).div_ceil(LITTLE_PART)
    }

    fn share(&self, prefix: IpNetwork) -> u32 {
        self.limit.div_ceil(part(prefix))
    }

    /// The connections of a prefix: none if it has no entry.
    fn held(&self, prefix: IpNetwork) -> PrefixUse {
        self.held.get(&prefix).copied().unwrap_or_default()
    }

    /// Adds a connection to the counts of its prefixes, or subtracts it.
    fn count(&mut self, entry: &Entry, is_there: bool) {
        let handshakes = u32::from(entry.is_handshaking);
        for prefix in entry.source.into_iter().flat_map(prefixes) {
            let held = self.held.entry(prefix).or_default();
            if is_there {
                held.connections += 1;
                held.handshakes += handshakes;
            } else {
                held.connections = held.connections.saturating_sub(1);
                held.handshakes = held.handshakes.saturating_sub(handshakes);
            }
            if *held == PrefixUse::default() {
                self.held.remove(&prefix);
            }
        }
    }
}

impl Rank {
    /// `true` if no other connection may be evicted together with this one: it is in use, or it has a request arriving
    /// and its source holds little.
    fn goes_alone(&self) -> bool {
        let Reverse(progress) = self.progress;
        !self.goes_first || progress == Progress::InUse
    }
}

impl Entry {
    fn is_in(&self, prefix: IpNetwork) -> bool {
        self.source
            .is_some_and(|source| prefix.contains(source.to_canonical()))
    }
}

/// The part of its share that a prefix holds, as a number that compares between prefixes of all lengths.
fn weight(prefix: IpNetwork, held: PrefixUse) -> u64 {
    u64::from(held.connections) * u64::from(part(prefix))
}

fn batch(of: u32) -> usize {
    (of / BATCH_PART).max(1) as usize
}

const fn at_least_one(closed: usize, otherwise: Refusal) -> Result<usize, Refusal> {
    if closed == 0 { Err(otherwise) } else { Ok(closed) }
}

#[cfg(test)]
mod tests;
