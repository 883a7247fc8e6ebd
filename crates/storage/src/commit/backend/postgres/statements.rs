//! The writes of a batch of deliveries on PostgreSQL. Each is one statement, however many deliveries there are.

use std::borrow::Cow;

use diesel::pg::Pg;
use diesel::query_builder::QueryId;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::statement::column_statement::column_statement;
use crate::statement::fragment::fragment;

/// Begins the transaction of a batch.
pub(super) async fn begin(connection: &AsyncPgConnection) -> QueryResult<()> {
    Begin.execute(&mut &*connection).await.map(drop)
}

/// Commits the transaction of a batch.
///
/// It is a prepared statement like the writes before it, because those are prepared and sent one after the
/// other: it is not sent before them, nor at all if one of them could not be sent.
pub(super) async fn commit(connection: &AsyncPgConnection) -> QueryResult<()> {
    Commit.execute(&mut &*connection).await.map(drop)
}

#[derive(QueryId)]
struct Begin;

fragment!(Pg, Begin, self, out => {
    out.push_sql("BEGIN");
    Ok(())
});

#[derive(QueryId)]
struct Commit;

fragment!(Pg, Commit, self, out => {
    out.push_sql("COMMIT");
    Ok(())
});

column_statement! {
    /// Records of deliveries to store.
    DeliveryColumns<'a>:
    id: BigInt = i64,
    organization: BigInt = i64,
    webhook: BigInt = i64,
    received_at: BigInt = i64,
    source: Binary = [u8; 16],
    user_agent: Nullable<Text> = Option<Cow<'a, str>>,
    answer: Text = &'static str,
    code: Nullable<Text> = Option<&'static str>,
    incident: Nullable<BigInt> = Option<i64>,
    count: BigInt = i64,
    took_us: BigInt = i64,
    headers: Nullable<Text> = Option<Cow<'a, str>>,
    payload: Nullable<Binary> = Option<&'a [u8]>,
    trail: Nullable<Text> = Option<String>,
    notes: Nullable<Text> = Option<String>,
    request_id: Nullable<Binary> = Option<[u8; 16]>,
    incident_status: Nullable<Text> = Option<&'static str>,
    details: Nullable<Text> = Option<Cow<'a, str>>,
    retry_after: Nullable<BigInt> = Option<i64>,
    no_payload: Nullable<Text> = Option<&'static str>,
    payload_bytes: Nullable<BigInt> = Option<i64>,
    weight: BigInt = i64,
    grown: BigInt = i64;
    "INSERT INTO deliveries (id, organization, webhook, received_at, source, user_agent, answer, code, incident, count, \
     took_us, headers, payload, trail, notes, request_id, incident_status, details, retry_after, no_payload, \
     payload_bytes, weight, grown) SELECT * FROM" .. ""
}

column_statement! {
    /// Incidents to store.
    IncidentColumns<'a>:
    number: BigInt = i64,
    organization: BigInt = i64,
    webhook: BigInt = i64,
    title: Text = Cow<'a, str>,
    description: Nullable<Text> = Option<Cow<'a, str>>,
    severity: Text = &'static str,
    status: Text = &'static str,
    service: Nullable<Text> = Option<Cow<'a, str>>,
    source_url: Nullable<Text> = Option<Cow<'a, str>>,
    dedup_key: Nullable<Text> = Option<Cow<'a, str>>,
    metadata: Nullable<Text> = Option<&'a str>,
    occurrences: BigInt = i64,
    opened_at: BigInt = i64,
    updated_at: BigInt = i64,
    first_delivery: BigInt = i64,
    acknowledged_at: Nullable<BigInt> = Option<i64>,
    resolved_at: Nullable<BigInt> = Option<i64>,
    cleared_at: Nullable<BigInt> = Option<i64>,
    changes: BigInt = i64,
    weight: BigInt = i64;
    "INSERT INTO incidents (number, organization, webhook, title, description, severity, status, service, source_url, \
     dedup_key, metadata, occurrences, opened_at, updated_at, first_delivery, acknowledged_at, resolved_at, \
     cleared_at, changes, weight) SELECT * FROM" .. ""
}

column_statement! {
    /// Changes of incidents by deliveries.
    IncidentChanges<'a>:
    number: BigInt = i64,
    title: Text = Cow<'a, str>,
    description: Nullable<Text> = Option<Cow<'a, str>>,
    severity: Text = &'static str,
    status: Text = &'static str,
    service: Nullable<Text> = Option<Cow<'a, str>>,
    source_url: Nullable<Text> = Option<Cow<'a, str>>,
    metadata: Nullable<Text> = Option<&'a str>,
    occurrences: BigInt = i64,
    updated_at: BigInt = i64,
    acknowledged_at: Nullable<BigInt> = Option<i64>,
    resolved_at: Nullable<BigInt> = Option<i64>,
    cleared_at: Nullable<BigInt> = Option<i64>,
    changes: BigInt = i64,
    weight: BigInt = i64;
    "UPDATE incidents SET title = new.title, description = new.description, severity = new.severity, \
     status = new.status, service = new.service, source_url = new.source_url, metadata = new.metadata, \
     occurrences = new.occurrences, updated_at = new.updated_at, acknowledged_at = new.acknowledged_at, \
     resolved_at = new.resolved_at, cleared_at = new.cleared_at, changes = new.changes, \
     weight = new.weight FROM" ..
    "AS new (number, title, description, severity, status, service, source_url, metadata, occurrences, updated_at, \
     acknowledged_at, resolved_at, cleared_at, changes, weight) WHERE incidents.number = new.number"
}

column_statement! {
    /// Events of incidents.
    EventColumns:
    incident: BigInt = i64,
    at: BigInt = i64,
    kind: Text = &'static str,
    delivery: Nullable<BigInt> = Option<i64>,
    occurrences: BigInt = i64,
    before: Nullable<Text> = Option<String>,
    after: Nullable<Text> = Option<String>;
    "INSERT INTO incident_events (incident, at, kind, delivery, occurrences, before, after) SELECT * FROM" .. ""
}

column_statement! {
    /// Incidents of deliveries that touched several.
    TouchedColumns:
    delivery: BigInt = i64,
    position: BigInt = i64,
    organization: BigInt = i64,
    incident: BigInt = i64,
    status: Text = &'static str;
    "INSERT INTO delivery_incidents (delivery, position, organization, incident, status) SELECT * FROM" .. ""
}

column_statement! {
    /// Numbers of new incidents of webhooks.
    NewIncidentColumns:
    webhook: BigInt = i64,
    minute: BigInt = i64,
    opened: BigInt = i64;
    "INSERT INTO new_incidents (webhook, minute, opened) SELECT * FROM" ..
    "ON CONFLICT (webhook) DO UPDATE SET minute = excluded.minute, opened = excluded.opened"
}

column_statement! {
    /// Idempotency keys to store, in place of expired ones.
    KeyColumns<'a>:
    webhook: BigInt = i64,
    key: Text = &'a str,
    payload_digest: Binary = &'a [u8],
    delivery: BigInt = i64,
    incident: BigInt = i64,
    status: Text = &'a str,
    created_at: BigInt = i64;
    "INSERT INTO idempotency_keys (webhook, key, payload_digest, delivery, incident, status, created_at) SELECT * FROM" ..
    "ON CONFLICT (webhook, key) DO UPDATE SET payload_digest = excluded.payload_digest, delivery = excluded.delivery, \
     incident = excluded.incident, status = excluded.status, created_at = excluded.created_at"
}

column_statement! {
    /// Numbers of deliveries to add to the counts of records.
    CountColumns:
    id: BigInt = i64,
    more: BigInt = i64;
    "UPDATE deliveries SET count = deliveries.count + new.more FROM" .. "AS new (id, more) WHERE deliveries.id = new.id"
}

column_statement! {
    /// Counters to set.
    CounterColumns:
    name: Text = &'static str,
    next: BigInt = i64;
    "UPDATE counters SET next = new.next FROM" .. "AS new (name, next) WHERE counters.name = new.name"
}
