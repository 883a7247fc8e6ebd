//! Coalesces identical refusals. Once a record exists for (webhook, minute, source prefix, code), further
//! refusals only raise a count in memory, and the writer gets them as one: a flood costs neither the
//! preparation of a record nor a wake-up of the writer for each.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hookgate_domain::networks::source_prefix;
use hookgate_domain::{RefusalCode, Timestamp, WebhookHandle};
use hookgate_gate::{RefusalKey, RefusedDelivery};

use crate::usage::observation::minute_start;

/// Maximum number of kinds that are counted here. Refusals of further kinds go to the writer one by one.
const MAX_KINDS: usize = 1_024;

/// The counts of refusals that wait for the writer.
#[derive(Default)]
pub(crate) struct RefusalCoalescer(Mutex<State>);

#[derive(Default)]
struct State {
    /// The minute of the kinds that have a record.
    minute: i64,
    kinds: HashMap<RefusalKind, PendingCount>,
    /// `true` if counts wait for the writer.
    is_waited_for: bool,
}

/// Properties that refusals on one record share, at least. The source is its prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
struct RefusalKind {
    webhook: WebhookHandle,
    minute: i64,
    source: IpAddr,
    code: RefusalCode,
    postponed: bool,
}

struct PendingCount {
    /// `true` if a record exists for more of them.
    is_folded: bool,
    /// Number of refusals that wait for the writer.
    times: i64,
    last_at: Timestamp,
    /// The last address of the source.
    source: IpAddr,
}

/// Result of counting a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// No record exists for it.
    No,
    /// It is the first that waits for the writer.
    First,
    /// It waits with others.
    Another,
}

impl RefusalCoalescer {
    /// Counts a refusal if a record of identical ones exists.
    pub(crate) fn count(&self, refusal: &RefusalKey) -> Counted {
        let kind = RefusalKind::of(refusal);
        let mut state = self.lock();
        let Some(pending) = state.kinds.get_mut(&kind).filter(|pending| pending.is_folded) else {
            return Counted::No;
        };
        if pending.times == 0 || refusal.received_at >= pending.last_at {
            (pending.last_at, pending.source) = (refusal.received_at, refusal.source);
        }
        pending.times += 1;
        if std::mem::replace(&mut state.is_waited_for, true) {
            Counted::Another
        } else {
            Counted::First
        }
    }

    /// Counts refusals like this one from now on, until its minute is over.
    pub(crate) fn fold(&self, refusal: &RefusalKey) {
        let kind = RefusalKind::of(refusal);
        let mut state = self.lock();
        if state.minute != kind.minute {
            state.minute = kind.minute;
            state.unfold();
        }
        if state.kinds.len() < MAX_KINDS {
            let pending = state.kinds.entry(kind).or_insert(PendingCount {
                is_folded: true,
                times: 0,
                last_at: refusal.received_at,
                source: refusal.source,
            });
            pending.is_folded = true;
        }
    }

    /// Forgets all records, because they may not exist. Counts still wait.
    pub(crate) fn forget(&self) {
        self.lock().unfold();
    }

    /// Takes the counts that wait, as refusals with their numbers.
    pub(crate) fn take(&self) -> Vec<(RefusedDelivery, i64)> {
        let mut taken = Vec::new();
        let mut state = self.lock();
        state.kinds.retain(|kind, pending| {
            if pending.times > 0 {
                taken.push((kind.refusal(pending), std::mem::take(&mut pending.times)));
            }
            pending.is_folded
        });
        state.is_waited_for = false;
        taken
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hash for RefusalKind {
    /// Hashes the webhook and the source only. Of the other properties, a pair of them has few values in a minute, and each
    /// would cost as much as the webhook.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let source = match self.source {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        self.webhook.hash(state);
        state.write_u128(source.to_bits());
    }
}

impl State {
    /// Forgets the records, and keeps the counts that wait.
    fn unfold(&mut self) {
        self.kinds.retain(|_, pending| {
            pending.is_folded = false;
            pending.times > 0
        });
    }
}

impl RefusalKind {
    fn of(refusal: &RefusalKey) -> Self {
        Self {
            webhook: refusal.webhook,
            minute: minute_start(refusal.received_at),
            source: source_prefix(refusal.source),
            code: refusal.code,
            postponed: refusal.postponed,
        }
    }

    /// A refusal of this kind, at the time and from the address of the last one.
    fn refusal(&self, pending: &PendingCount) -> RefusedDelivery {
        RefusedDelivery {
            webhook: self.webhook,
            received_at: pending.last_at,
            source: pending.source,
            request_id: None,
            trail: None,
            user_agent: None,
            headers: None,
            took: std::time::Duration::ZERO,
            payload: None,
            no_payload: None,
            code: self.code,
            details: None,
            retry_after: None,
            postponed: self.postponed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hookgate_testkit::samples::{START, refusal, second, webhook};

    use super::*;

    fn key() -> RefusalKey {
        refusal(&webhook(1)).key()
    }

    fn from(source: u32) -> RefusalKey {
        let source = Ipv4Addr::from_bits(source).into();
        RefusalKey { source, ..key() }
    }

    /// The counts that wait, by source and code.
    fn taken(coalescer: &RefusalCoalescer) -> Vec<(RefusalKey, i64)> {
        let taken = coalescer.take().into_iter();
        taken.map(|(refusal, times)| (refusal.key(), times)).collect()
    }

    #[test]
    fn only_what_is_folded_is_counted_and_only_once() {
        let coalescer = RefusalCoalescer::default();
        assert_eq!(coalescer.count(&key()), Counted::No);
        coalescer.fold(&key());
        let late = RefusalKey {
            received_at: second(1),
            ..key()
        };
        assert_eq!(coalescer.count(&late), Counted::First);
        assert_eq!(coalescer.count(&key()), Counted::Another);
        assert_eq!(taken(&coalescer), [(late, 2)], "with the time of the last one");
        assert_eq!(taken(&coalescer), []);
        assert_eq!(coalescer.count(&key()), Counted::First);
    }

    #[test]
    fn sources_codes_and_minutes_are_told_apart() {
        let coalescer = RefusalCoalescer::default();
        coalescer.fold(&key());
        let others = [
            from(1),
            RefusalKey {
                code: RefusalCode::InvalidJson,
                ..key()
            },
            RefusalKey {
                postponed: true,
                ..key()
            },
            RefusalKey {
                webhook: webhook(2).handle,
                ..key()
            },
            RefusalKey {
                received_at: second(60),
                ..key()
            },
        ];
        for other in others {
            assert_eq!(coalescer.count(&other), Counted::No, "{other:?}");
        }
        assert_eq!(coalescer.count(&key()), Counted::First);
    }

    #[test]
    fn a_new_minute_begins_anew_and_loses_nothing() {
        let coalescer = RefusalCoalescer::default();
        coalescer.fold(&key());
        coalescer.count(&key());
        coalescer.fold(&RefusalKey {
            received_at: second(60),
            ..key()
        });
        assert_eq!(coalescer.count(&key()), Counted::No);
        assert_eq!(taken(&coalescer), [(key(), 1)]);
        assert_eq!(key().received_at, START);
    }

    #[test]
    fn what_is_forgotten_is_recorded_anew_and_nothing_is_lost() {
        let coalescer = RefusalCoalescer::default();
        coalescer.fold(&key());
        coalescer.count(&key());
        coalescer.forget();
        assert_eq!(coalescer.count(&key()), Counted::No);
        assert_eq!(taken(&coalescer), [(key(), 1)]);
    }

    #[test]
    fn one_ipv6_site_is_one_source() {
        let coalescer = RefusalCoalescer::default();
        let of_host = |host: u128| {
            let source = std::net::Ipv6Addr::from_bits((0x2001_0db8 << 96) + host).into();
            RefusalKey { source, ..key() }
        };
        coalescer.fold(&of_host(1));
        assert!((2..100).all(|host| coalescer.count(&of_host(host)) != Counted::No));
        assert_eq!(taken(&coalescer), [(of_host(99), 98)]);
    }

    #[test]
    fn kinds_are_bounded() {
        let coalescer = RefusalCoalescer::default();
        (0..10_000).for_each(|source| coalescer.fold(&from(source)));
        let counted = (0..10_000).filter(|source| coalescer.count(&from(*source)) != Counted::No);
        assert_eq!(counted.count(), MAX_KINDS);
    }
}
