//! The tables of a store for a copy: each has columns of three kinds of values, and a key that orders its
//! rows.

/// A kind of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    Number,
    Text,
    Bytes,
}

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Its columns, those of the key first.
    pub(super) columns: &'static [(&'static str, ValueKind)],
    /// Number of columns of the key.
    pub(super) key: usize,
    /// SQL condition for the rows that are copied.
    pub(super) only: &'static str,
}

use ValueKind::{Bytes, Number, Text};

/// Declares the tables: the name, the number of columns of the key, and the columns with their kinds.
macro_rules! tables {
    ($($name:ident[$key:literal]: $($column:ident $kind:ident),+;)+) => {
        /// Every table. Rows come after the rows that they refer to.
        pub(super) static TABLES: [Table; 26] = [
            $(Table {
                name: stringify!($name),
                columns: &[$((stringify!($column), $kind)),+],
                key: $key,
                only: "1 = 1",
            },)+
            Table {
                name: "settings",
                columns: &[("key", Text), ("value", Text)],
                key: 1,
                // The progress of a copy is not part of the store.
                only: "key NOT LIKE 'copy:%'",
            },
        ];
    };
}

tables! {
    organizations[1]: id Number, name Text;
    webhooks[1]: id Number, organization Number, handle Text, name Text, format Text, state Text,
        digest Bytes, hint Text, issued_at Number, exposed_at Number, revoked_at Number, allowlist Text,
        body_bytes Number, per_minute Number, overload Text, payload_logging Text, signing_secret Bytes,
        rotation_days Number, revision Number, created_at Number, allowlist_mode Text, url_shown_to Text,
        secret_shown_to Text, leaver Text, leaver_at Number, mode_changed_at Number, full_at Number;
    address_sets[1]: id Number, organization Number, name Text, provider Text, filter Text, url Text,
        version Number, networks Number, changed_at Number, pending Number, read_at Number, tried_at Number,
        fault Text, etag Text, revision Number, base Number;
    address_set_versions[2]: address_set Number, number Number, state Text, made_at Number, made_by Text,
        count Number, added Number, removed Number, networks Text;
    allowlist_sets[2]: address_set Number, webhook Number;
    retired_urls[1]: digest Bytes, hint Text, webhook Number, because Text, at Number;
    members[1]: id Text, organization Number, name Text, name_key Text, role Text, password Text,
        created_at Number;
    sessions[1]: id Text, digest Bytes, member Text, means Text, created_at Number, last_seen_at Number,
        source Bytes, user_agent Text, made_by Text, made_in Text;
    tokens[1]: id Text, organization Number, digest Bytes, name Text, role Text, owner Text,
        created_by Text, created_at Number, expires_at Number, last_used_at Number, revoked_at Number,
        made_by Text, root Text;
    sign_in_links[1]: member Text, digest Bytes, created_at Number, made_by Text, made_in Text;
    failed_sign_ins[2]: member Text, session Text, attempts Number, last_at Number, source Bytes;
    audit[1]: id Number, organization Number, at Number, actor_kind Text, actor_id Text, actor_name Text,
        actor_role Text, source Bytes, act Text, subject_id Text, subject_name Text, before Text,
        after Text, request_key Text, request_digest Bytes, fold Text, attempts Number;
    incidents[1]: number Number, organization Number, webhook Number, title Text, description Text,
        severity Text, status Text, service Text, source_url Text, dedup_key Text, metadata Text,
        occurrences Number, opened_at Number, updated_at Number, first_delivery Number,
        acknowledged_at Number, resolved_at Number, cleared_at Number, changes Number, weight Number;
    incident_events[1]: id Number, incident Number, at Number, kind Text, delivery Number,
        occurrences Number, actor_kind Text, actor_id Text, actor_name Text, actor_role Text, before Text,
        after Text;
    deliveries[1]: id Number, organization Number, webhook Number, received_at Number, source Bytes,
        user_agent Text, answer Text, code Text, incident Number, count Number, took_us Number,
        headers Text, payload Bytes, trail Text, notes Text, request_id Bytes, incident_status Text,
        details Text, retry_after Number, no_payload Text, payload_bytes Number, weight Number,
        grown Number;
    delivery_incidents[2]: delivery Number, position Number, organization Number, incident Number,
        status Text;
    new_incidents[1]: webhook Number, minute Number, opened Number;
    idempotency_keys[2]: webhook Number, key Text, payload_digest Bytes, delivery Number, incident Number,
        status Text, created_at Number;
    usage[4]: webhook Number, step Number, at Number, code Text, count Number;
    sources[3]: webhook Number, day Number, source Bytes, address Bytes, accepted Number, refused Number,
        first_at Number, last_at Number;
    source_codes[4]: webhook Number, day Number, source Bytes, code Text, count Number;
    known_sources[2]: webhook Number, source Bytes, first_at Number, last_day Number;
    holdings[1]: webhook Number, bytes Number, deliveries Number, next Number, round_at Number;
    audit_holdings[2]: actor Text, act Text, entries Number;
    counters[1]: name Text, next Number;
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;
    use diesel::sql_types::Text;

    use super::*;
    use crate::connection::{Connection, RunQueryDsl};
    use crate::open::OpenMode;
    use crate::open::open_directory;

    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = Text)]
        column: String,
    }

    /// A copy must include every column that a migration adds.
    #[test]
    fn every_column_of_every_table_is_copied() {
        let directory = tempfile::tempdir().unwrap();
        let (_, connection) = open_directory(directory.path(), OpenMode::Create).unwrap();
        let mut connection = Connection::Sqlite(connection);
        let query = "SELECT t.name || '.' || c.name || ' ' || c.type AS \"column\" FROM sqlite_schema t, pragma_table_info(t.name) c \
                     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'";
        let found: Vec<Column> = diesel::sql_query(query).load(&mut connection).unwrap();
        let mut found: Vec<_> = found.into_iter().map(|row| row.column).collect();
        let mut copied: Vec<_> = TABLES
            .iter()
            .flat_map(|table| {
                table.columns.iter().map(|(column, kind)| {
                    let kind = match kind {
                        Number => "INTEGER",
                        ValueKind::Text => "TEXT",
                        Bytes => "BLOB",
                    };
                    format!("{}.{column} {kind}", table.name)
                })
            })
            .collect();
        found.sort();
        copied.sort();
        assert_eq!(copied, found);
    }
}
