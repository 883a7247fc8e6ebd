//! The audit trail, failed sign-ins, and their removal.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_domain::networks::wider_prefixes;
use hookgate_gate::{AUDIT_DAYS, AUDIT_FAILED_DAYS, AUDIT_FAILED_ROWS, AUDIT_ROWS, FailedSignIns};
use hookgate_people::{AuditAct, AuditEntry, NewAudit};

use super::People;

const HOUR_MICROS: i64 = 3_600_000_000;
const DAY_SECONDS: u64 = 24 * 60 * 60;

impl People {
    /// Stores an entry of the audit trail.
    pub(in super::super) fn note(&mut self, audit: NewAudit) {
        if let Some(entry) = self.audit.values_mut().find(|entry| is_like(entry, &audit)) {
            *self.attempts.entry(entry.id).or_insert(1) += 1;
            entry.after = Some(format!("{{\"attempts\":{}}}", self.attempts[&entry.id]));
            return;
        }
        self.last_audit += 1;
        self.audit
            .insert(self.last_audit, audit.numbered(self.last_audit));
    }

    /// `true` if the actor has made the request of this entry before.
    pub(in super::super) fn is_repeated(&self, audit: &NewAudit) -> bool {
        let Some(request) = &audit.request else {
            return false;
        };
        let mut entries = self.audit.values();
        entries.any(|entry| {
            let key = entry.request.as_ref().map(|earlier| &earlier.key);
            entry.actor.id() == audit.actor.id() && key == Some(&request.key)
        })
    }

    /// Removes expired sessions and links, and old entries. Returns the number of removed rows.
    pub(in super::super) fn prune(&mut self, now: Timestamp) -> u64 {
        let before = self.rows();
        self.sessions.retain(|_, session| !session.is_over(now));
        self.links.retain(|_, link| !link.is_over(now));
        let surplus = |most: usize| {
            let entries = self.audit.iter().rev();
            let mut numbers = entries.filter(|(_, entry)| is_failure(entry));
            numbers.nth(most).map(|(id, _)| *id)
        };
        let failures = surplus(usize::try_from(AUDIT_FAILED_ROWS).unwrap_or(usize::MAX));
        self.audit.retain(|id, entry| {
            let (days, surplus) = if is_failure(entry) {
                (AUDIT_FAILED_DAYS, failures)
            } else {
                (AUDIT_DAYS, None)
            };
            entry.at >= now.before(Duration::from_secs(days * DAY_SECONDS)) && Some(*id) > surplus
        });
        self.prune_surplus(usize::try_from(AUDIT_ROWS.get()).unwrap_or(usize::MAX));
        u64::try_from(before - self.rows()).unwrap_or(u64::MAX)
    }

    /// Removes the oldest entries of the actor and act that have most, until at most `most` are left.
    fn prune_surplus(&mut self, most: usize) {
        let mut held: BTreeMap<(String, &str), VecDeque<i64>> = BTreeMap::new();
        for entry in self.audit.values().filter(|entry| !is_failure(entry)) {
            let actor = entry.actor.id().unwrap_or_else(|| entry.actor.kind().to_owned());
            held.entry((actor, entry.act.as_str()))
                .or_default()
                .push_back(entry.id);
        }
        let mut left: usize = held.values().map(VecDeque::len).sum();
        while left > most {
            let largest = held.values_mut().max_by_key(|ids| ids.len());
            if let Some(oldest) = largest.and_then(VecDeque::pop_front) {
                self.audit.remove(&oldest);
                self.removed_early += 1;
            }
            left -= 1;
        }
    }

    fn rows(&self) -> usize {
        self.sessions.len() + self.links.len() + self.audit.len()
    }

    /// Counts a failed sign-in, if its subject is a member.
    pub(super) fn count_failure(&mut self, audit: &NewAudit) {
        let member = audit.subject.id.parse().ok();
        let member = member.filter(|id| self.members.contains_key(id));
        let (AuditAct::SessionSignInFailed, Some(member), Some(last_from)) = (audit.act, member, audit.from)
        else {
            return;
        };
        let one = FailedSignIns {
            count: 1,
            last_at: audit.at,
            last_from,
        };
        let counted = self.failures.remove(&(member, None));
        let counted = counted.map_or(one, |before| FailedSignIns {
            count: before.count + 1,
            ..one
        });
        self.failures.insert((member, None), counted);
    }
}

fn is_failure(entry: &AuditEntry) -> bool {
    entry.act == AuditAct::SessionSignInFailed
}

/// `true` if the entry counts this failed sign-in too: same subject, hour and network.
fn is_like(entry: &AuditEntry, audit: &NewAudit) -> bool {
    let hour = |at: Timestamp| at.as_micros().div_euclid(HOUR_MICROS);
    let network = |from: Option<IpAddr>| from.map(|address| wider_prefixes(address)[1]);
    is_failure(entry)
        && audit.act == entry.act
        && audit.subject.id == entry.subject.id
        && hour(audit.at) == hour(entry.at)
        && network(audit.from) == network(entry.from)
}
