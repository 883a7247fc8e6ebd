//! Copies a store: every row of every table goes to another database in batches. An interrupted copy resumes,
//! and all rows are compared at the end.

mod rows;
mod tables;
mod target;

use std::collections::BTreeMap;

use hookgate_gate::StoreError;
use thiserror::Error;

use crate::Database;
use crate::connection::Connection;
use crate::query_error::QueryError;
use crate::settings::{setting_by_key, setting_delete, upsert_setting};
use rows::{Checksum, CopiedRow, row_batch, rows_insert};
use tables::{TABLES, Table};

/// Rows of the first batch of a table: few, because their payloads may be large.
const FIRST_ROWS: i64 = 50;
/// Maximum number of rows of a batch.
const MAX_BATCH_ROWS: i64 = 2_000;
/// Bytes that a batch should have. After a larger one, the next one has fewer rows.
const BYTES: usize = 8 * 1024 * 1024;
/// Prefix of the settings in which the target records the progress of each table.
const PROGRESS: &str = "copy:";
/// Value of such a setting once all rows of the table are copied.
const DONE: &str = "done";

/// A step of a copy, for progress reports.
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

/// Errors of copying a store.
#[derive(Debug, Error)]
pub enum CopyError {
    /// The target has rows that no copy wrote.
    #[error("the target is not empty: copy into a fresh store")]
    NotEmpty,
    /// Source and target were compared, and they differ.
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

/// Copies everything into a fresh store, or resumes an interrupted copy. Nothing may write to either store
/// meanwhile.
///
/// # Errors
/// [`CopyError`]; after a [`CopyError::Store`] the same call resumes the copy.
pub async fn copy_store(
    from: &Database,
    to: &Database,
    report: impl Fn(CopyStep),
) -> Result<Copied, CopyError> {
    if !to.read("look at the target", may_begin).await? {
        return Err(CopyError::NotEmpty);
    }
    for table in &TABLES {
        copy_table(from, to, table, &report).await?;
    }
    to.change("finish the copy", target::finish).await?;
    let mut copied = Copied::new();
    for table in &TABLES {
        report(CopyStep::Comparing { table: table.name });
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

/// Rows per batch, by the bytes of the batch before.
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
            (self.rows * 2).min(MAX_BATCH_ROWS)
        };
    }
}

/// `true` if the target is fresh, or has an interrupted copy.
fn may_begin(connection: &mut Connection) -> Result<bool, QueryError> {
    if setting_by_key(connection, &progress_key(&TABLES[0]))?.is_some() {
        return Ok(true);
    }
    target::is_fresh(connection)
}

async fn copy_table(
    from: &Database,
    to: &Database,
    table: &'static Table,
    report: &impl Fn(CopyStep),
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
                target::clear(connection, table)?;
            }
            rows_insert(connection, table, &rows)?;
            Ok(upsert_setting(connection, &progress_key(table), &next)?)
        };
        to.change("write copied rows", write).await?;
        report(CopyStep::Copied {
            table: table.name,
            rows: copied,
        });
        after = Some(last);
    }
    Ok(())
}

/// Rows and checksum of a table. Fails if they differ between the stores.
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
