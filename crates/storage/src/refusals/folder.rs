//! Decides which refusals get a record of their own, and which are counted on an existing one. Pure, and
//! bounded whatever arrives: garbage can neither flush the history nor fill the disk.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use hookgate_domain::networks::{source_prefix, wider_prefixes};
use hookgate_domain::{RefusalCode, Timestamp};
use hookgate_gate::RefusedDelivery;

/// Records of identical refusals within a minute, before further ones are counted on one more.
const SINGLE_RECORDS: u32 = 10;
/// Records of refusals of one webhook within a minute. Beyond, only its codes are distinguished.
const WEBHOOK_ROWS: u32 = 500;
/// Part of these records that the /56 and the /48 around one source may take. A customer of a provider has as
/// many /64s as these hold, and must not hide the refusals of other sources.
const CUSTOMER_ROWS: [u32; 2] = [WEBHOOK_ROWS / 10, WEBHOOK_ROWS / 5];
/// Bytes of payloads, headers and details of refusals that are stored for one webhook within a minute: some
/// 40 GiB in all the days that payloads are kept, which the webhook pays for.
const WEBHOOK_BYTES: usize = 1024 * 1024;
/// Part of these bytes that one such network may take.
const CUSTOMER_BYTES: usize = WEBHOOK_BYTES / 4;
/// Sources that are distinguished within a minute: some 500 KiB. Beyond, only webhooks and codes are.
const MAX_SOURCES: usize = 8_192;
/// Webhooks, and webhooks with codes, that are distinguished within a minute. Beyond, refusals are dropped
/// and counted.
const MAX_WEBHOOKS: usize = 8_192;
const MINUTE_MICROS: i64 = 60_000_000;

/// Properties of identical refusals, besides minute and source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct IdenticalRefusals {
    webhook: i64,
    code: RefusalCode,
    postponed: bool,
}

/// Placement of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// It gets a record.
    Record,
    /// It is counted on the record with this number.
    CountedOn(i64),
    /// There is no room to distinguish it; it is counted as dropped.
    Dropped,
}

/// The refusals of the current minute.
#[derive(Debug, Default)]
pub(crate) struct RefusalFolder {
    minute: i64,
    sources: HashMap<(IdenticalRefusals, IpAddr), RefusalTally>,
    kinds: HashMap<IdenticalRefusals, RefusalTally>,
    webhooks: HashMap<i64, Used>,
    customers: HashMap<(i64, usize, IpAddr), Used>,
}

/// Records and bytes of a minute.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    rows: u32,
    bytes: usize,
}

impl RefusalFolder {
    /// Places a refusal of the webhook with this key. `next` is the number that its record will have if it gets one.
    pub(crate) fn place(&mut self, webhook: i64, refusal: &RefusedDelivery, next: i64) -> Placement {
        self.enter(refusal.received_at);
        let kind = IdenticalRefusals {
            webhook,
            code: refusal.code,
            postponed: refusal.postponed,
        };
        let Some(used) = bounded(&mut self.webhooks, webhook, MAX_WEBHOOKS) else {
            return Placement::Dropped;
        };
        let is_full = used.rows >= WEBHOOK_ROWS;
        let customers = customers(webhook, refusal.source);
        let is_full = is_full
            || customers
                .iter()
                .zip(CUSTOMER_ROWS)
                .any(|(key, most)| self.customers.get(key).is_some_and(|used| used.rows >= most));
        // A refusal without a place of its own takes none from the sources of other webhooks.
        let most = if is_full { 0 } else { MAX_SOURCES };
        let source = bounded(&mut self.sources, (kind, source_prefix(refusal.source)), most);
        let place = match source.filter(|tally| tally.folded.is_some() || !is_full) {
            Some(tally) => tally.place(SINGLE_RECORDS, next),
            None => bounded(&mut self.kinds, kind, MAX_WEBHOOKS)
                .map_or(Placement::Dropped, |tally| tally.place(0, next)),
        };
        if place == Placement::Record {
            used.rows += 1;
            for key in customers {
                // Their number is bounded by the number of records.
                self.customers.entry(key).or_default().rows += 1;
            }
        }
        place
    }

    /// Reserves bytes for a refusal of this webhook. `false` if the bytes of the minute are used up.
    pub(crate) fn keep(&mut self, webhook: i64, source: IpAddr, bytes: usize) -> bool {
        let customers = customers(webhook, source);
        let fits = |used: Option<&Used>, most| used.map_or(0, |used| used.bytes) + bytes <= most;
        if !fits(self.webhooks.get(&webhook), WEBHOOK_BYTES)
            || !customers
                .iter()
                .all(|key| fits(self.customers.get(key), CUSTOMER_BYTES))
        {
            return false;
        }
        for key in &customers {
            if let Some(used) = self.customers.get_mut(key) {
                used.bytes += bytes;
            }
        }
        if let Some(used) = self.webhooks.get_mut(&webhook) {
            used.bytes += bytes;
        }
        true
    }

    /// Begins a new minute, or an old one if the clock was set back. The previous minute still counts as this
    /// one, because requests overtake each other.
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

/// Number of identical refusals with records of their own, and the record of the others.
#[derive(Clone, Copy, Debug, Default)]
struct RefusalTally {
    alone: u32,
    folded: Option<i64>,
}

impl RefusalTally {
    fn place(&mut self, alone: u32, next: i64) -> Placement {
        if let Some(record) = self.folded {
            return Placement::CountedOn(record);
        }
        if self.alone < alone {
            self.alone += 1;
        } else {
            self.folded = Some(next);
        }
        Placement::Record
    }
}

/// The networks around a source that share bounds at a webhook.
fn customers(webhook: i64, source: IpAddr) -> [(i64, usize, IpAddr); 2] {
    let [narrow, wide] = wider_prefixes(source);
    [(webhook, 0, narrow), (webhook, 1, wide)]
}

/// The entry of a key, created if there is room for it.
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

    /// Places refusals one after the other. Returns their places and the number of records.
    fn place_all(
        folder: &mut RefusalFolder,
        refusals: impl IntoIterator<Item = (i64, RefusedDelivery)>,
    ) -> (Vec<Placement>, usize) {
        let mut next = 1;
        let places: Vec<_> = refusals
            .into_iter()
            .map(|(webhook, refusal)| {
                let place = folder.place(webhook, &refusal, next);
                next += i64::from(place == Placement::Record);
                place
            })
            .collect();
        let records = places.iter().filter(|place| **place == Placement::Record).count();
        (places, records)
    }

    #[test]
    fn identical_refusals_get_ten_records_and_one_that_counts() {
        let flood = (0..30).map(|_| (1, refusal(v4(1), RefusalCode::IpNotAllowed, 5)));
        let (places, records) = place_all(&mut RefusalFolder::default(), flood);
        assert_eq!(records, 11);
        assert_eq!(places[11..], [Placement::CountedOn(11); 19]);
    }

    #[test]
    fn codes_sources_webhooks_and_minutes_are_told_apart() {
        let codes = [RefusalCode::IpNotAllowed, RefusalCode::InvalidJson];
        let all = (0..20)
            .flat_map(|_| codes)
            .flat_map(|code| [(1, v4(1), code), (1, v4(2), code), (2, v4(1), code)]);
        let mut folder = RefusalFolder::default();
        let minute = |minute: i64| {
            all.clone()
                .map(move |(webhook, source, code)| (webhook, refusal(source, code, minute * 60)))
        };
        assert_eq!(place_all(&mut folder, minute(0)).1, 6 * 11);
        assert_eq!(place_all(&mut folder, minute(1)).1, 6 * 11);
        assert_eq!(
            place_all(&mut folder, minute(0)).1,
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
        assert_eq!(place_all(&mut RefusalFolder::default(), flood).1, 11);
    }

    #[test]
    fn many_sources_are_bounded_per_webhook_and_each_code_is_still_seen() {
        let flood = |code| (0..100_000).map(move |source| (1, refusal(v4(source), code, 0)));
        let mut folder = RefusalFolder::default();
        assert_eq!(place_all(&mut folder, flood(RefusalCode::IpNotAllowed)).1, 501);
        assert_eq!(place_all(&mut folder, flood(RefusalCode::InvalidJson)).1, 1);
        assert!(folder.sources.len() <= MAX_SOURCES);
    }

    /// A customer with a /48 uses up neither the records nor the bytes of the webhook's other sources.
    #[test]
    fn one_customer_does_not_hide_what_others_are_refused_for() {
        let mut folder = RefusalFolder::default();
        let host = |host: u128| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) + (host << 64)));
        let flood = |hosts: std::ops::Range<u128>| {
            hosts.map(move |number| (1, refusal(host(number), RefusalCode::IpNotAllowed, 0)))
        };
        let home = usize::try_from(CUSTOMER_ROWS[0]).unwrap();
        assert_eq!(place_all(&mut folder, flood(0..256)).1, home + 1);
        let source_prefix = usize::try_from(CUSTOMER_ROWS[1]).unwrap();
        assert_eq!(
            place_all(&mut folder, flood(256..65_536)).1,
            source_prefix - home - 1
        );
        let real = refusal(v4(7), RefusalCode::IpNotAllowed, 0);
        assert_eq!(
            place_all(&mut folder, [(1, real)]).1,
            1,
            "it has a record of its own"
        );

        assert!(folder.keep(1, host(0), CUSTOMER_BYTES));
        assert!(!folder.keep(1, host(65_535), 1));
        assert!(folder.keep(1, v4(7), CUSTOMER_BYTES));
    }

    #[test]
    fn bytes_of_refusals_are_bounded_per_webhook_and_minute() {
        let mut folder = RefusalFolder::default();
        let mut kept = |webhook: i64, second: i64| {
            (0..200)
                .filter(|source| {
                    let sent = refusal(v4(*source), RefusalCode::InvalidJson, second);
                    folder.place(webhook, &sent, 1);
                    folder.keep(webhook, sent.source, 10_000)
                })
                .count()
        };
        let most = WEBHOOK_BYTES / 10_000;
        assert_eq!(
            [kept(1, 0), kept(1, 1), kept(2, 2), kept(1, 60)],
            [most, 0, most, most]
        );
    }

    #[test]
    fn many_webhooks_are_bounded_and_the_rest_is_dropped() {
        let flood = (0..100_000).map(|webhook| (webhook, refusal(v4(1), RefusalCode::IpNotAllowed, 0)));
        let (places, records) = place_all(&mut RefusalFolder::default(), flood);
        assert_eq!(records, MAX_WEBHOOKS);
        assert_eq!(places.last(), Some(&Placement::Dropped));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_fold_for_ever() {
        let mut folder = RefusalFolder::default();
        let at = |second| (0..20).map(move |_| (1, refusal(v4(1), RefusalCode::IpNotAllowed, second)));
        assert_eq!(place_all(&mut folder, at(36_000)).1, 11);
        assert_eq!(place_all(&mut folder, at(0)).1, 11);
    }
}
