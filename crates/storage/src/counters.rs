//! Counters: the next numbers, and the positions of pruning.

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::{BigInt, Text};

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::counters;
use crate::statement::fragment::fragment;

/// A row of `counters`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// The number of the next delivery.
    Delivery,
    /// The number of the next incident.
    Incident,
    /// The first delivery whose payload pruning has not examined.
    PayloadPrune,
    /// The first incident that this round of pruning has not examined.
    IncidentPrune,
    /// The first delivery that is not in the tables of usage.
    Usage,
    /// Number of entries of the audit trail below [`Counter::AuditCounted`], without failed sign-ins.
    AuditActs,
    /// The first entry of the audit trail that is not counted there.
    AuditCounted,
    /// Number of entries of the audit trail that were removed before they were too old.
    AuditEarly,
}

impl Counter {
    /// The name in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Incident => "incident",
            Self::PayloadPrune => "payload_prune",
            Self::IncidentPrune => "incident_prune",
            Self::Usage => "usage",
            Self::AuditActs => "audit_acts",
            Self::AuditCounted => "audit_counted",
            Self::AuditEarly => "audit_early",
        }
    }
}

/// The value of a counter.
pub(crate) fn counter_value(connection: &mut Connection, counter: Counter) -> QueryResult<i64> {
    counters::table
        .filter(counters::name.eq(counter.name()))
        .select(counters::next)
        .get_result(connection)
}

/// The value of a counter, locked until the transaction ends. `None` if another transaction has it locked.
pub(crate) fn counter_try_lock(connection: &mut Connection, counter: Counter) -> QueryResult<Option<i64>> {
    match connection {
        // SQLite runs one writing transaction at a time.
        Connection::Sqlite(_) => counter_value(connection, counter).map(Some),
        Connection::Postgres(link) => diesel::RunQueryDsl::get_result(
            counters::table
                .filter(counters::name.eq(counter.name()))
                .select(counters::next)
                .for_update()
                .skip_locked(),
            &mut link.connection,
        )
        .optional(),
    }
}

/// Sets a counter.
pub(crate) fn counter_set(connection: &mut Connection, counter: Counter, next: i64) -> QueryResult<()> {
    CounterSet { counter, next }.execute(connection).map(drop)
}

/// A statement of its own, because diesel does not keep updates prepared.
struct CounterSet {
    counter: Counter,
    next: i64,
}

impl QueryId for CounterSet {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

fragment!(CounterSet, self, out => {
    out.push_sql("UPDATE counters SET next = ");
    out.push_bind_param::<BigInt, _>(&self.next)?;
    out.push_sql(" WHERE name = ");
    out.push_bind_param::<Text, _>(self.counter.name())
});
