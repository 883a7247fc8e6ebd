//! Idempotency keys with their answers.

use diesel::prelude::*;

use crate::connection::{Connection, RunQueryDsl, columns};
use crate::schema::idempotency_keys;

/// A stored key, as it is read.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = idempotency_keys, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct KeyRow {
    pub(crate) payload_digest: Vec<u8>,
    pub(crate) delivery: i64,
    pub(crate) incident: i64,
    pub(crate) status: String,
    pub(crate) created_at: i64,
}

/// A key to write.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = idempotency_keys)]
pub(crate) struct NewKey<'a> {
    pub(crate) webhook: i64,
    pub(crate) key: &'a str,
    pub(crate) payload_digest: &'a [u8],
    pub(crate) delivery: i64,
    pub(crate) incident: i64,
    pub(crate) status: &'static str,
    pub(crate) created_at: i64,
}

impl From<&NewKey<'_>> for KeyRow {
    fn from(key: &NewKey<'_>) -> Self {
        Self {
            payload_digest: key.payload_digest.to_vec(),
            delivery: key.delivery,
            incident: key.incident,
            status: key.status.to_owned(),
            created_at: key.created_at,
        }
    }
}

/// The answer stored for a webhook's key.
pub(crate) fn key_by_name(
    connection: &mut Connection,
    webhook: i64,
    key: &str,
) -> QueryResult<Option<KeyRow>> {
    let query = idempotency_keys::table.filter(idempotency_keys::webhook.eq(webhook));
    query
        .filter(idempotency_keys::key.eq(key))
        .select(columns::<KeyRow>())
        .get_result(connection)
        .optional()
}

/// Stores a key, in place of an expired one.
pub(crate) fn upsert_key(connection: &mut Connection, row: &NewKey<'_>) -> QueryResult<()> {
    diesel::insert_into(idempotency_keys::table)
        .values(row)
        .on_conflict((idempotency_keys::webhook, idempotency_keys::key))
        .do_update()
        .set(row)
        .execute(connection)
        .map(drop)
}
