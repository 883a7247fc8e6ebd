//! Which refusals get a record of their own, and which are counted on one that is there. Pure, and bounded whatever
//! arrives: garbage can neither flush the history nor fill the disk.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use hookgate_domain::{RefusalCode, Timestamp};
use hookgate_gate::{RefusedDelivery, site};

/// Records of identical refusals within a minute, before the others are counted on one more.
const ALONE: u32 = 10;
/// Records of refusals of one webhook within a minute, before only its codes are told apart.
const WEBHOOK_ROWS: u32 = 500;
/// Sources that are told apart within a minute: some 500 KiB. Beyond, only webhooks and codes are.
const MAX_SOURCES: usize = 8_192;
/// Webhooks, and webhooks with codes, that are told apart within a minute. Beyond, refusals are dropped and counted.
const MAX_WEBHOOKS: usize = 8_192;
const MINUTE_MICROS: i64 = 60_000_000;

/// What makes two refusals identical, but for the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    webhook: i64,
    code: RefusalCode,
    postponed: bool,
}

/// What becomes of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It gets a record.
    Record,
    /// It is counted on the record with this number.
    CountedOn(i64),
    /// There is no room to tell it apart; it is counted as dropped.
    Dropped,
}

/// The refusals of the current minute.
#[derive(Debug, Default)]
pub(super) struct Folding {
    minute: i64,
    sources: HashMap<(Kind, IpAddr), Tally>,
    kinds: HashMap<Kind, Tally>,
    rows: HashMap<i64, u32>,
}

impl Folding {
    /// Places a refusal of the webhook with this key. `next` is the number that its record will have if it gets one.
    pub(super) fn place(&mut self, webhook: i64, refusal: &RefusedDelivery, next: i64) -> Place {
        self.enter(refusal.received_at);
        let kind = Kind {
            webhook,
            code: refusal.code,
            postponed: refusal.postponed,
        };
        let Some(rows) = bounded(&mut self.rows, webhook, MAX_WEBHOOKS) else {
            return Place::Dropped;
        };
        let source = bounded(&mut self.sources, (kind, site(refusal.source)), MAX_SOURCES);
        let place = match source.filter(|tally| tally.folded.is_some() || *rows < WEBHOOK_ROWS) {
            Some(tally) => tally.place(ALONE, next),
            None => bounded(&mut self.kinds, kind, MAX_WEBHOOKS)
                .map_or(Place::Dropped, |tally| tally.place(0, next)),
        };
        *rows += u32::from(place == Place::Record);
        place
    }

    /// Begins a new minute, or an old one if the clock was set back. The minute before still counts as this one, since
    /// requests overtake each other.
    fn enter(&mut self, at: Timestamp) {
        let minute = at.as_micros().div_euclid(MINUTE_MICROS);
        if minute > self.minute || minute < self.minute - 1 {
            *self = Self {
                minute,
                ..Self::default()
            };
        }
    }
}

/// How many identical refusals there were.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    alone: u32,
    folded: Option<i64>,
}

impl Tally {
    fn place(&mut self, alone: u32, next: i64) -> Place {
        if let Some(record) = self.folded {
            return Place::CountedOn(record);
        }
        if self.alone < alone {
            self.alone += 1;
        } else {
            self.folded = Some(next);
        }
        Place::Record
    }
}

/// The entry of a key, made if there is room for it.
fn bounded<K: Copy + Eq + Hash, V: Default>(map: &mut HashMap<K, V>, key: K, most: usize) -> Option<&mut V> {
    if map.len() >= most && !map.contains_key(&key) {
        return None;
    }
    Some(map.entry(key).or_default())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use hookgate_domain::WebhookHandle;

    use super::*;

    fn refusal(source: IpAddr, code: RefusalCode, second: i64) -> RefusedDelivery {
        let received_at = Timestamp::from_micros(second * 1_000_000);
        let webhook = WebhookHandle::new(received_at, [1; 10]);
        RefusedDelivery {
            webhook,
            received_at,
            source,
            request_id: None,
            trail: None,
            user_agent: None,
            headers: None,
            took: std::time::Duration::ZERO,
            payload: None,
            no_payload: None,
            code,
            details: None,
            retry_after: None,
            postponed: false,
        }
    }

    fn v4(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(number))
    }

    /// Places them one after the other; the places, and how many records that makes.
    fn place_all(
        folding: &mut Folding,
        refusals: impl IntoIterator<Item = (i64, RefusedDelivery)>,
    ) -> (Vec<Place>, usize) {
        let mut next = 1;
        let places: Vec<_> = refusals
            .into_iter()
            .map(|(webhook, refusal)| {
                let place = folding.place(webhook, &refusal, next);
                next += i64::from(place == Place::Record);
                place
            })
            .collect();
        let records = places.iter().filter(|place| **place == Place::Record).count();
        (places, records)
    }

    #[test]
    fn identical_refusals_get_ten_records_and_one_that_counts() {
        let flood = (0..30).map(|_| (1, refusal(v4(1), RefusalCode::IpNotAllowed, 5)));
        let (places, records) = place_all(&mut Folding::default(), flood);
        assert_eq!(records, 11);
        assert_eq!(places[11..], [Place::CountedOn(11); 19]);
    }

    #[test]
    fn codes_sources_webhooks_and_minutes_are_told_apart() {
        let codes = [RefusalCode::IpNotAllowed, RefusalCode::InvalidJson];
        let all = (0..20)
            .flat_map(|_| codes)
            .flat_map(|code| [(1, v4(1), code), (1, v4(2), code), (2, v4(1), code)]);
        let mut folding = Folding::default();
        let minute = |minute: i64| {
            all.clone()
                .map(move |(webhook, source, code)| (webhook, refusal(source, code, minute * 60)))
        };
        assert_eq!(place_all(&mut folding, minute(0)).1, 6 * 11);
        assert_eq!(place_all(&mut folding, minute(1)).1, 6 * 11);
        assert_eq!(
            place_all(&mut folding, minute(0)).1,
            0,
            "the minute before counts as this one"
        );
    }

    #[test]
    fn one_ipv6_site_is_one_source() {
        let flood = (0..100).map(|host| {
            let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) + host);
            (1, refusal(IpAddr::V6(address), RefusalCode::IpNotAllowed, 0))
        });
        assert_eq!(place_all(&mut Folding::default(), flood).1, 11);
    }

    #[test]
    fn many_sources_are_bounded_per_webhook_and_each_code_is_still_seen() {
        let flood = |code| (0..100_000).map(move |source| (1, refusal(v4(source), code, 0)));
        let mut folding = Folding::default();
        assert_eq!(place_all(&mut folding, flood(RefusalCode::IpNotAllowed)).1, 501);
        assert_eq!(place_all(&mut folding, flood(RefusalCode::InvalidJson)).1, 1);
        assert!(folding.sources.len() <= MAX_SOURCES);
    }

    #[test]
    fn many_webhooks_are_bounded_and_the_rest_is_dropped() {
        let flood = (0..100_000).map(|webhook| (webhook, refusal(v4(1), RefusalCode::IpNotAllowed, 0)));
        let (places, records) = place_all(&mut Folding::default(), flood);
        assert_eq!(records, MAX_WEBHOOKS);
        assert_eq!(places.last(), Some(&Place::Dropped));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_fold_for_ever() {
        let mut folding = Folding::default();
        let at = |second| (0..20).map(move |_| (1, refusal(v4(1), RefusalCode::IpNotAllowed, second)));
        assert_eq!(place_all(&mut folding, at(36_000)).1, 11);
        assert_eq!(place_all(&mut folding, at(0)).1, 11);
    }
}
