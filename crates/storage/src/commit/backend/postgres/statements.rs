//! The statements of a batch of deliveries on PostgreSQL: its writes, and its reads and locks before them.
//! Each is one statement, however many deliveries there are. Rows are locked in the order of their keys, so
//! that two batches never deadlock.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};

use crate::connection::columns;
use crate::connection::postgres::PgConnection;
use crate::deliveries::idempotency_keys::KeyRow;
use crate::incidents::conditions::Unresolved;
use crate::incidents::row::IncidentRow;
use crate::schema::{counters, idempotency_keys, incidents, webhooks};
use crate::statement::column_statement::column_statement;
use crate::webhooks::statements::Target;

/// The webhooks with these handles, locked against changes until the transaction ends.
pub(crate) fn lock_targets(
    connection: &mut PgConnection,
    handles: &[String],
) -> QueryResult<Vec<(String, Target)>> {
    webhooks::table
        .filter(webhooks::handle.eq_any(handles))
        .order(webhooks::id)
        .select((webhooks::handle, columns::<Target>()))
        .for_share()
        .load(connection)
}

/// Names and values of these counters, locked until the transaction ends.
pub(crate) fn lock_counters(
    connection: &mut PgConnection,
    names: &[&str],
) -> QueryResult<Vec<(String, i64)>> {
    counters::table
        .filter(counters::name.eq_any(names))
        .order(counters::name)
        .select((counters::name, counters::next))
        .for_update()
        .load(connection)
}

/// The value of a counter, locked against changes until the transaction ends.
pub(crate) fn counter_share(connection: &mut PgConnection, name: &str) -> QueryResult<i64> {
    counters::table
        .filter(counters::name.eq(name))
        .select(counters::next)
        .for_share()
        .get_result(connection)
}

/// The answers stored for any of these keys at any of these webhooks: more than the wanted pairs.
pub(crate) fn keys_for_webhooks(
    connection: &mut PgConnection,
    webhooks: &[i64],
    keys: &[&str],
) -> QueryResult<Vec<(i64, String, KeyRow)>> {
    idempotency_keys::table
        .filter(idempotency_keys::webhook.eq_any(webhooks))
        .filter(idempotency_keys::key.eq_any(keys))
        .select((
            idempotency_keys::webhook,
            idempotency_keys::key,
            columns::<KeyRow>(),
        ))
        .load(connection)
}

/// The unresolved incidents of these webhooks with one of these dedup keys, locked until the transaction
/// ends.
pub(crate) fn lock_incidents(
    connection: &mut PgConnection,
    webhooks: &[i64],
    dedup_keys: &[String],
) -> QueryResult<Vec<(i64, IncidentRow)>> {
    incidents::table
        .filter(incidents::webhook.eq_any(webhooks))
        .filter(incidents::dedup_key.eq_any(dedup_keys))
        .filter(Unresolved)
        .order(incidents::number)
        .select((incidents::webhook, columns::<IncidentRow>()))
        .for_update()
        .load(connection)
}

/// The numbers of the newest resolved incidents, one for each pair of webhook and dedup key at the same
/// place.
pub(crate) fn newest_resolved(
    connection: &mut PgConnection,
    webhooks: &[i64],
    dedup_keys: &[String],
) -> QueryResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    // One search of the index for each pair: a key may have any number of resolved incidents.
    let query = "SELECT found.number FROM unnest($1, $2) AS wanted (webhook, dedup_key) CROSS JOIN LATERAL \
                 (SELECT number FROM incidents WHERE incidents.webhook = wanted.webhook \
                  AND incidents.dedup_key = wanted.dedup_key AND status = 'resolved' \
                  ORDER BY number DESC LIMIT 1) AS found";
    let found: Vec<Number> = diesel::sql_query(query)
        .bind::<Array<BigInt>, _>(webhooks)
        .bind::<Array<Text>, _>(dedup_keys)
        .load(connection)?;
    Ok(found.into_iter().map(|row| row.number).collect())
}

/// The incidents with these numbers, locked until the transaction ends.
pub(crate) fn lock_incidents_numbered(
    connection: &mut PgConnection,
    numbers: &[i64],
) -> QueryResult<Vec<(i64, IncidentRow)>> {
    incidents::table
        .filter(incidents::number.eq_any(numbers))
        .order(incidents::number)
        .select((incidents::webhook, columns::<IncidentRow>()))
        .for_update()
        .load(connection)
}

column_statement! {
    /// Records of deliveries to store.
    DeliveryColumns:
    id: BigInt = i64,
    organization: BigInt = i64,
    webhook: BigInt = i64,
    received_at: BigInt = i64,
    source: Binary = Vec<u8>,
    user_agent: Nullable<Text> = Option<String>,
    answer: Text = &'static str,
    code: Nullable<Text> = Option<&'static str>,
    incident: Nullable<BigInt> = Option<i64>,
    count: BigInt = i64,
    took_us: BigInt = i64,
    headers: Nullable<Text> = Option<String>,
    payload: Nullable<Binary> = Option<Vec<u8>>,
    trail: Nullable<Text> = Option<String>,
    notes: Nullable<Text> = Option<String>,
    request_id: Nullable<Binary> = Option<Vec<u8>>,
    incident_status: Nullable<Text> = Option<&'static str>,
    details: Nullable<Text> = Option<String>,
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
    IncidentColumns:
    number: BigInt = i64,
    organization: BigInt = i64,
    webhook: BigInt = i64,
    title: Text = String,
    description: Nullable<Text> = Option<String>,
    severity: Text = &'static str,
    status: Text = &'static str,
    service: Nullable<Text> = Option<String>,
    source_url: Nullable<Text> = Option<String>,
    dedup_key: Nullable<Text> = Option<String>,
    metadata: Nullable<Text> = Option<String>,
    occurrences: BigInt = i64,
    opened_at: BigInt = i64,
    updated_at: BigInt = i64,
    first_delivery: BigInt = i64,
    acknowledged_at: Nullable<BigInt> = Option<i64>,
    weight: BigInt = i64;
    "INSERT INTO incidents (number, organization, webhook, title, description, severity, status, service, source_url, \
     dedup_key, metadata, occurrences, opened_at, updated_at, first_delivery, acknowledged_at, weight) SELECT * FROM" .. ""
}

column_statement! {
    /// Changes of incidents by deliveries.
    IncidentChanges:
    number: BigInt = i64,
    title: Text = String,
    description: Nullable<Text> = Option<String>,
    severity: Text = &'static str,
    status: Text = &'static str,
    service: Nullable<Text> = Option<String>,
    source_url: Nullable<Text> = Option<String>,
    metadata: Nullable<Text> = Option<String>,
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
    /// Idempotency keys to store, in place of expired ones.
    KeyColumns:
    webhook: BigInt = i64,
    key: Text = String,
    payload_digest: Binary = Vec<u8>,
    delivery: BigInt = i64,
    incident: BigInt = i64,
    status: Text = String,
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
