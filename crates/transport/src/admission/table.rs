//! The open connections of a listener by who holds them, and the choice of those that are closed for others. One look at
//! all of them closes several, so a flood costs few looks; no request ever touches this.
//!
//! Those that rest come first, then those on which the head of a request comes in, then those whose requests all wait for their
//! bodies: these as if they rested if their source holds much, else last of all and one by one. A connection with a request
//! whose body is there is never closed.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnetwork::IpNetwork;
use tokio::time::Instant;

use super::Refusal;
use super::prefixes::{LEVELS, part, prefixes};
use crate::connection_activity::{Activity, ConnectionActivity};

/// A listener is nearly full when this many quarters of its connections are taken.
const NEARLY_FULL_QUARTERS: u64 = 3;

/// The part of its connections of which a source may have handshakes in flight, as a divisor: they cost the most, and
/// nobody needs many at once.
const HANDSHAKE_PART: u32 = 2;

/// A handshake that has lasted for less than this goes on: its sender may be far away.
const STALLED: Duration = Duration::from_secs(1);

/// A connection that answered a request within this time is in use: its next one may be on its way. Where it must make
/// room, no other goes with it.
const IN_USE: Duration = Duration::from_secs(1);

/// The part of what it may hold up to which a source holds little, as a divisor.
const LITTLE_PART: u32 = 16;

/// The last connections, as a part of all of them and a divisor: for sources that hold none. So a load balancer that asks how
/// the server is has its answer, whatever others hold.
const RESERVED_PART: u32 = 16;

/// The part of the connections that is closed at once, as a divisor: the next look at all of them is so many later.
const BATCH_PART: u32 = 64;

/// Connections by source. There are never more entries than connections.
#[derive(Debug)]
pub(super) struct Table {
    limit: u32,
    next_id: u64,
    entries: HashMap<u64, Entry>,
    held: HashMap<IpNetwork, PrefixUse>,
}

/// One connection. It has no source while a trusted proxy speaks for itself, or has not said for whom.
#[derive(Debug)]
struct Entry {
    source: Option<IpAddr>,
    is_handshaking: bool,
    activity: Arc<ConnectionActivity>,
}

/// What a prefix holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PrefixUse {
    connections: u32,
    handshakes: u32,
}

/// The order in which connections make room: the greatest first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// A trusted proxy's connections come last: they carry the requests of many.
    has_source: bool,
    /// Nothing has begun to come in on it, or its source holds much.
    goes_first: bool,
    /// The greatest weight of its prefixes.
    heaviest: u64,
    /// The weights from the outside in, so that within a prefix its heaviest part comes first.
    weights: [u64; LEVELS],
    activity: Reverse<Activity>,
    /// One that was never used is missed by nobody.
    is_unused: bool,
    rested: Duration,
    /// Without a tie, the same connections are always chosen.
    id: Reverse<u64>,
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

    /// Takes a connection out. One that was chosen to make room is out already.
    pub(super) fn remove(&mut self, id: u64) {
        if let Some(entry) = self.entries.remove(&id) {
            self.count(&entry, false);
        }
    }

    /// The connection of a proxy is this source's, for which room is made as for a new one. Who gets none has none: the
    /// connection is out then.
    pub(super) fn assign(&mut self, id: u64, source: IpAddr, free: usize) -> Result<usize, Refusal> {
        // Out meanwhile: it makes room neither for itself nor for what it takes already.
        let Some(mut entry) = self.entries.remove(&id) else {
            return Ok(0);
        };
        self.count(&entry, false);
        // Its own place is taken already.
        let made = self.make_room(Some(source), free + 1)?;
        entry.source = Some(source);
        self.count(&entry, true);
        self.entries.insert(id, entry);
        Ok(made)
    }

    /// The handshake is done.
    pub(super) fn establish(&mut self, id: u64) {
        if let Some(mut entry) = self.entries.remove(&id) {
            self.count(&entry, false);
            entry.is_handshaking = false;
            self.count(&entry, true);
            self.entries.insert(id, entry);
        }
    }

    /// Makes room for one more of this source: within what its prefixes may hold, and within the whole, of which so many are
    /// free. Returns how many connections were told to close.
    pub(super) fn make_room(&mut self, source: Option<IpAddr>, free: usize) -> Result<usize, Refusal> {
        let mut closed = match source {
            Some(source) => self.make_room_within(source)?,
            None => 0,
        };
        if self.is_nearly_full() {
            let closing = self.evict_any();
            if source.is_some_and(|source| !self.may_take(source, free, closing)) {
                return Err(Refusal::Source);
            }
            closed += closing;
        }
        Ok(closed)
    }

    /// Makes room for one more within what the prefixes of this source may hold.
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
                        && now.duration_since(entry.activity.last_sign()) >= STALLED
                };
                closed += at_least_one(self.evict(batch(handshakes), is_stalled), Refusal::Handshakes)?;
            }
            if self.held(prefix).connections >= share {
                let evicted = self.evict(batch(share), |entry| entry.is_in(prefix));
                closed += at_least_one(evicted, Refusal::Source)?;
            }
        }
        Ok(closed)
    }

    /// Tells some connections of whoever holds most to close, and returns how many.
    pub(super) fn evict_any(&mut self) -> usize {
        self.evict(batch(self.limit), |_| true)
    }

    /// Whether one more connection would take the last quarter.
    pub(super) fn is_nearly_full(&self) -> bool {
        let taken = self.entries.len() as u64 + 1;
        taken * 4 > u64::from(self.limit) * NEARLY_FULL_QUARTERS
    }

    /// Whether no more than the last ones are free, which are for sources that hold none.
    pub(super) const fn is_reserved(&self, free: usize) -> bool {
        let reserved = (self.limit / RESERVED_PART) as usize;
        reserved > 0 && free <= reserved
    }

    /// Connections that were not told to close.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The prefix that holds most by what it may hold, and how many.
    pub(super) fn heaviest(&self) -> Option<(IpNetwork, u32)> {
        let held = self.held.iter();
        held.max_by_key(|(prefix, held)| (weight(**prefix, **held), prefix.prefix()))
            .map(|(prefix, held)| (*prefix, held.connections))
    }

    /// Chooses among the connections that may make room and `may_go`, and tells them. Of a source it takes half at most.
    fn evict(&mut self, most: usize, may_go: impl Fn(&Entry) -> bool) -> usize {
        let now = Instant::now();
        let candidates = self.entries.iter().filter(|(_, entry)| may_go(entry));
        let ranks = candidates.filter_map(|(id, entry)| self.rank(*id, entry, now));
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

    /// `None` if it makes no room.
    fn rank(&self, id: u64, entry: &Entry, now: Instant) -> Option<Rank> {
        let rested = now.duration_since(entry.activity.last_sign());
        let activity = match entry.activity.activity() {
            Activity::Answering => return None,
            // What a peer says first is on its way, as a head is.
            Activity::Resting if entry.is_handshaking && rested < STALLED => Activity::ReceivingHead,
            activity => activity,
        };
        let mut weights = [0; LEVELS];
        let prefixes = entry.source.into_iter().flat_map(prefixes);
        for (weight_of, prefix) in weights.iter_mut().rev().zip(prefixes) {
            *weight_of = weight(prefix, self.held(prefix));
        }
        let holds_much = || entry.source.is_some_and(|source| !self.holds_little(source));
        Some(Rank {
            has_source: entry.source.is_some(),
            goes_first: activity == Activity::Resting || holds_much(),
            heaviest: weights.into_iter().max().unwrap_or_default(),
            weights,
            activity: Reverse(activity),
            is_unused: !entry.activity.has_served(),
            rested,
            id: Reverse(id),
        })
    }

    /// Whether a source gets a connection when so many are closing for it. They take their time, and the last ones are not
    /// for those who wait for that.
    fn may_take(&self, source: IpAddr, free: usize, closing: usize) -> bool {
        let holds_none = || {
            let own = prefixes(source).next();
            own.is_none_or(|own| self.held(own).connections == 0)
        };
        if self.is_reserved(free) {
            self.holds_little(source) && holds_none()
        } else {
            closing > 0 || self.holds_little(source)
        }
    }

    fn holds_little(&self, source: IpAddr) -> bool {
        prefixes(source)
            .all(|prefix| self.held(prefix).connections < self.share(prefix).div_ceil(LITTLE_PART))
    }

    fn share(&self, prefix: IpNetwork) -> u32 {
        self.limit.div_ceil(part(prefix))
    }

    fn held(&self, prefix: IpNetwork) -> PrefixUse {
        self.held.get(&prefix).copied().unwrap_or_default()
    }

    /// Counts a connection for all of its prefixes, or no longer.
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
    /// Whether no other connection makes room together with this one: it is in use, or a request comes in of a source that
    /// holds little.
    fn goes_alone(&self) -> bool {
        let Reverse(activity) = self.activity;
        let is_idle = activity == Activity::Resting && self.is_unused;
        !self.goes_first || (!is_idle && self.rested < IN_USE)
    }
}

impl Entry {
    fn is_in(&self, prefix: IpNetwork) -> bool {
        self.source
            .is_some_and(|source| prefix.contains(source.to_canonical()))
    }
}

/// How much of what it may hold a prefix holds, so that prefixes of all lengths compare.
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
