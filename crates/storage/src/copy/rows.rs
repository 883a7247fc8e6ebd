//! Rows on their way from one database to another: JSON, which both write and read, with bytes as hexadecimal
//! text.

use std::hash::{DefaultHasher, Hash, Hasher};

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value;

use super::tables::{Table, ValueKind};
use super::target::make_room;
use crate::connection::{Connection, RunQueryDsl, on};
use crate::query_error::{CorruptRow, QueryError};

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CopiedRow(Vec<Value>);

#[derive(QueryableByName)]
struct Json {
    #[diesel(sql_type = Text)]
    row: String,
}

impl CopiedRow {
    /// Bytes of its text values.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().filter_map(Value::as_str).map(str::len).sum()
    }

    /// The values of its key, as JSON.
    pub(super) fn key(&self, table: &Table) -> String {
        Value::from(&self.0[..table.key]).to_string()
    }
}

/// Up to `most` rows behind the key `after`, in the order of keys.
pub(super) fn row_batch(
    connection: &mut Connection,
    table: &Table,
    after: Option<&str>,
    most: i64,
) -> Result<Vec<CopiedRow>, QueryError> {
    let is_server = matches!(connection, Connection::Postgres(_));
    let (array, bytes) = if is_server {
        ("json_build_array", "encode")
    } else {
        ("json_array", "lower")
    };
    let values = table.columns.iter().map(|(name, kind)| match (kind, is_server) {
        (ValueKind::Bytes, true) => format!("{bytes}({name}, 'hex')"),
        // Without this test NULL would become an empty value: `hex(NULL)` is an empty text.
        (ValueKind::Bytes, false) => {
            format!("CASE WHEN {name} IS NULL THEN NULL ELSE {bytes}(hex({name})) END")
        }
        _ => (*name).to_owned(),
    });
    let values = values.collect::<Vec<_>>().join(", ");
    let key: Vec<_> = table.columns[..table.key].iter().map(|(name, _)| *name).collect();
    let key = key.join(", ");
    let behind = match after {
        None => String::new(),
        Some(after) => {
            let values = literals(table, after, is_server)
                .ok_or_else(|| CorruptRow::at("settings", "copy", "value"))?;
            format!(" AND ({key}) > ({values})")
        }
    };
    let query = format!(
        "SELECT CAST({array}({values}) AS TEXT) AS row FROM {name} WHERE {only}{behind} ORDER BY {key} LIMIT {most}",
        name = table.name,
        only = table.only,
    );
    let rows: Vec<Json> = diesel::sql_query(query).load(connection)?;
    let read = |json: Json| read(&json.row).ok_or_else(|| CorruptRow::at(table.name, "?", "json"));
    Ok(rows.into_iter().map(read).collect::<Result<_, _>>()?)
}

/// Writes rows in one statement.
pub(super) fn rows_insert(
    connection: &mut Connection,
    table: &Table,
    rows: &[CopiedRow],
) -> Result<(), QueryError> {
    let Some(last) = rows.last() else {
        return Ok(());
    };
    if table.name == "deliveries" {
        let id = last.0[0].as_i64();
        make_room(
            connection,
            id.ok_or_else(|| CorruptRow::at(table.name, "?", "id"))?,
        )?;
    }
    let is_server = matches!(connection, Connection::Postgres(_));
    let values = table
        .columns
        .iter()
        .enumerate()
        .map(|(place, (_, kind))| match (kind, is_server) {
            (ValueKind::Number, true) => format!("(row->>{place})::bigint"),
            (ValueKind::Text, true) => format!("row->>{place}"),
            (ValueKind::Bytes, true) => format!("decode(row->>{place}, 'hex')"),
            (ValueKind::Bytes, false) => format!("unhex(json_extract(value, '$[{place}]'))"),
            (_, false) => format!("json_extract(value, '$[{place}]')"),
        });
    let values = values.collect::<Vec<_>>().join(", ");
    let columns: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
    let (source, name) = (
        if is_server {
            "json_array_elements($1::json) AS row"
        } else {
            "json_each(?)"
        },
        table.name,
    );
    let statement = format!(
        "INSERT INTO {name} ({}) SELECT {values} FROM {source}",
        columns.join(", ")
    );
    let rows: Vec<_> = rows.iter().map(|row| &row.0).collect();
    let json = serde_json::to_string(&rows)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
    let query = diesel::sql_query(statement).bind::<Text, _>(json);
    on!(connection, c => diesel::RunQueryDsl::execute(query, c))?;
    Ok(())
}

/// Reads a row of JSON. NUL becomes U+FFFD, because PostgreSQL's text can't hold NUL.
fn read(json: &str) -> Option<CopiedRow> {
    let mut values: Vec<Value> = serde_json::from_str(json).ok()?;
    for value in &mut values {
        if let Value::String(text) = value
            && text.contains('\0')
        {
            *text = text.replace('\0', "\u{fffd}");
        }
    }
    Some(CopiedRow(values))
}

/// The values of a key as SQL literals; `None` if they are malformed.
fn literals(table: &Table, key: &str, is_server: bool) -> Option<String> {
    let values: Vec<Value> = serde_json::from_str(key).ok()?;
    let literal = |(value, (_, kind)): (&Value, &(&str, ValueKind))| match (kind, value) {
        (ValueKind::Number, value) => Some(value.as_i64()?.to_string()),
        (ValueKind::Text, Value::String(text)) => Some(format!("'{}'", text.replace('\'', "''"))),
        (ValueKind::Bytes, Value::String(hexadecimal)) => {
            let is_plain = hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit());
            let quoted = if is_server {
                format!("'\\x{hexadecimal}'::bytea")
            } else {
                format!("x'{hexadecimal}'")
            };
            is_plain.then_some(quoted)
        }
        _ => None,
    };
    let literals = values.iter().zip(table.columns).map(literal);
    Some(literals.collect::<Option<Vec<_>>>()?.join(", "))
}

/// Number of rows and a sum over them. The sum does not depend on their order, because the databases sort
/// text differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checksum {
    pub(super) rows: u64,
    sum: u128,
}

impl Checksum {
    /// Adds a row.
    pub(super) fn add(&mut self, row: &CopiedRow) {
        let text: Vec<_> = row.0.iter().map(Value::to_string).collect();
        let half = |seed: u8| {
            let mut hasher = DefaultHasher::new();
            (seed, &text).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        self.rows += 1;
        self.sum = self.sum.wrapping_add(half(0) << 64 | half(1));
    }

    /// The sum as hexadecimal text.
    pub(super) fn text(&self) -> String {
        format!("{:032x}", self.sum)
    }
}
