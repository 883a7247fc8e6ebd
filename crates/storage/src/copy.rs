//! Moving a store: every row of every table from one database to another, in batches that go on where they were cut off, and
//! compared at the end.

mod rows;
mod tables;

use std::collections::BTreeMap;

use hookgate_gate::StoreError;
use thiserror::Error;

use crate::Database;
use crate::connection::Connection;
use crate::query_error::QueryError;
use crate::read::settings::setting_by_key;
use crate::write::settings::{setting_delete, upsert_setting};
use rows::{Checksum, CopiedRow, row_batch, rows_insert};
use tables::{TABLES, Table};

/// Rows of the first batch of a table: not much, whatever their payloads are.
const FIRST_ROWS: i64 = 50;
/// Most rows of a batch.
const MOST_ROWS: i64 = 2_000;
/// Bytes that a batch should have: beyond, the next one has fewer rows.
const BYTES: usize = 8 * 1024 * 1024;
/// Where the target remembers how far a table is; the name of the table stands behind it.
const PROGRESS: &str = "copy:";
/// Where it remembers that all rows are there.
const DONE: &str = "done";

/// Something that a copy tells while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStep {
    /// A batch of this table is on disk in the target.
    Copied {
        /// The table.
        table: &'static str,
        /// Rows of it that were copied since the copy began or went on.
        rows: u64,
    },
    /// A table is compared, row by row.
    Comparing {
        /// The table.
        table: &'static str,
    },
}

/// Why a store was not copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// The target has rows that no copy brought there.
    #[error("the target is not empty: copy into a fresh store")]
    NotEmpty,
    /// Both have been read, and they differ.
    #[error(
        "{table} differs: {from} rows with checksum {from_sum} in the source, {to} with {to_sum} in the target; does something write to one of them?"
    )]
    Differs {
        /// The table.
        table: &'static str,
        /// Rows in the source.
        from: u64,
        /// Their checksum.
        from_sum: String,
        /// Rows in the target.
        to: u64,
        /// Their checksum.
        to_sum: String,
    },
    /// One of the stores can't be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Rows and checksum of each table, the same in both stores.
pub type Copied = BTreeMap<&'static str, (u64, String)>;

/// Copies everything into a fresh store, or goes on with a copy that was cut off. Nothing may write to either meanwhile.
///
/// # Errors
/// [`CopyError`]; after a [`CopyError::Store`] the same call goes on where it stopped.
pub async fn copy_store(
    from: &Database,
    to: &Database,
    tell: impl Fn(CopyStep),
) -> Result<Copied, CopyError> {
    if !to.read("look at the target", may_begin).await? {
        return Err(CopyError::NotEmpty);
    }
    for table in &TABLES {
        copy_table(from, to, table, &tell).await?;
    }
    to.change("finish the copy", tables::finish).await?;
    let mut copied = Copied::new();
    for table in &TABLES {
        tell(CopyStep::Comparing { table: table.name });
        copied.insert(table.name, compare(from, to, table).await?);
    }
    let work = |connection: &mut Connection| {
        TABLES
            .iter()
            .try_for_each(|table| Ok(setting_delete(connection, &progress_key(table))?))
    };
    to.change("forget the copy's progress", work).await?;
    Ok(copied)
}

/// How many rows are moved at once, by what the last ones weighed.
struct Pace {
    rows: i64,
}

impl Pace {
    const fn start() -> Self {
        Self { rows: FIRST_ROWS }
    }

    fn after(&mut self, rows: &[CopiedRow]) {
        let bytes: usize = rows.iter().map(CopiedRow::bytes).sum();
        self.rows = if bytes > BYTES {
            (self.rows / 4).max(1)
        } else {
            (self.rows * 2).min(MOST_ROWS)
        };
    }
}

/// Whether the target is fresh, or has a copy that was cut off.
fn may_begin(connection: &mut Connection) -> Result<bool, QueryError> {
    if setting_by_key(connection, &progress_key(&TABLES[0]))?.is_some() {
        return Ok(true);
    }
    tables::is_fresh(connection)
}

async fn copy_table(
    from: &Database,
    to: &Database,
    table: &'static Table,
    tell: &impl Fn(CopyStep),
) -> Result<(), StoreError> {
    let read = move |connection: &mut Connection| Ok(setting_by_key(connection, &progress_key(table))?);
    let mut after = to.read("read the copy's progress", read).await?;
    let (mut copied, mut pace) = (0, Pace::start());
    while after.as_deref() != Some(DONE) {
        let (behind, most) = (after.clone(), pace.rows);
        let read = move |connection: &mut Connection| row_batch(connection, table, behind.as_deref(), most);
        let rows = from.read("read rows to copy", read).await?;
        pace.after(&rows);
        let last = rows.last().map_or_else(|| DONE.to_owned(), |row| row.key(table));
        let (is_first, next) = (after.is_none(), last.clone());
        copied += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let write = move |connection: &mut Connection| {
            if is_first {
                tables::clear(connection, table)?;
            }
            rows_insert(connection, table, &rows)?;
            Ok(upsert_setting(connection, &progress_key(table), &next)?)
        };
        to.change("write copied rows", write).await?;
        tell(CopyStep::Copied {
            table: table.name,
            rows: copied,
        });
        after = Some(last);
    }
    Ok(())
}

/// Rows and checksum of a table, if they are the same in both.
async fn compare(from: &Database, to: &Database, table: &'static Table) -> Result<(u64, String), CopyError> {
    let (from, to) = (checksum(from, table).await?, checksum(to, table).await?);
    if from == to {
        return Ok((from.rows, from.text()));
    }
    Err(CopyError::Differs {
        table: table.name,
        from: from.rows,
        from_sum: from.text(),
        to: to.rows,
        to_sum: to.text(),
    })
}

async fn checksum(database: &Database, table: &'static Table) -> Result<Checksum, StoreError> {
    let (mut sum, mut after, mut pace) = (Checksum::default(), None::<String>, Pace::start());
    loop {
        let most = pace.rows;
        let read = move |connection: &mut Connection| row_batch(connection, table, after.as_deref(), most);
        let rows = database.read("read rows to compare", read).await?;
        pace.after(&rows);
        let Some(last) = rows.last() else {
            return Ok(sum);
        };
        for row in &rows {
            sum.add(row);
        }
        after = Some(last.key(table));
    }
}

fn progress_key(table: &Table) -> String {
    format!("{PROGRESS}{}", table.name)
}
