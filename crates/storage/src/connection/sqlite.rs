//! Connections to the file of an embedded database, each set up for its role.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, ConnectionError, ConnectionResult, SqliteConnection};

/// Time that a statement waits for another process that writes: the command line beside the server.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of the writer, in KiB: it holds the inner pages of every index, and memory stays below 64 MiB in all.
const WRITER_CACHE_KIB: usize = 16 * 1024;
/// Page cache of each reader, in KiB: a page of history with its way down the tree.
const READER_CACHE_KIB: usize = 1024;
/// Bytes of a page. A batch of deliveries fills some of them, so larger ones are fewer writes; a lone delivery touches few.
const PAGE_BYTES: u32 = 8 * 1024;
/// Pages of log after which a commit itself copies it into the database: twice as many as the checkpoint
/// thread allows.
const CHECKPOINT_PAGES: u32 = 4_000;
/// Bytes that the log keeps on disk after a long reader made it grow.
const LOG_BYTES: u32 = 64 * 1024 * 1024;

/// Opens the connection that writes.
///
/// `busy_timeout` comes first, because the change to WAL may have to wait. `auto_vacuum` comes before the
/// first write, because it can't change later.
pub(crate) fn open_writer(path: &str) -> ConnectionResult<SqliteConnection> {
    open(
        path,
        &format!(
            "PRAGMA busy_timeout = {busy}; PRAGMA page_size = {PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; \
             PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -{WRITER_CACHE_KIB}; \
             PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}; PRAGMA journal_size_limit = {LOG_BYTES};",
            busy = BUSY_TIMEOUT.as_millis()
        ),
    )
}

/// Opens the connection for checkpoints, which copy the log into the database.
pub(crate) fn open_copier(path: &str) -> ConnectionResult<SqliteConnection> {
    let busy = BUSY_TIMEOUT.as_millis();
    open(
        path,
        &format!("PRAGMA busy_timeout = {busy}; PRAGMA synchronous = FULL;"),
    )
}

/// Opens a connection that reads.
pub(crate) fn open_reader(path: &str) -> ConnectionResult<SqliteConnection> {
    let busy = BUSY_TIMEOUT.as_millis();
    open(
        path,
        &format!(
            "PRAGMA busy_timeout = {busy}; PRAGMA query_only = ON; PRAGMA cache_size = -{READER_CACHE_KIB};"
        ),
    )
}

fn open(path: &str, pragmas: &str) -> ConnectionResult<SqliteConnection> {
    let mut connection = SqliteConnection::establish(path)?;
    connection
        .batch_execute(pragmas)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}
