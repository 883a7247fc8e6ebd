//! Stores of the measured systems: the disk space of a delivery, and the processes of a database server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hookgate_testkit::postgres::Postgres;

use super::tree::{Process, pin};
use xtask::process::Outcome;

const COUNT: &str = "SELECT count(*) FROM deliveries";

/// A store.
pub(crate) enum Store {
    None,
    /// The data directory.
    Sqlite(PathBuf),
    /// A server, and the name of the database.
    Postgres(Postgres, String),
}

impl Store {
    /// Starts a PostgreSQL server on the core of servers; returns the URL of its database.
    pub(crate) fn postgres() -> Outcome<(Self, String)> {
        let server = Postgres::start().map_err(|error| error.to_string())?;
        let url = server.database().map_err(|error| error.to_string())?;
        pin(&server.processes())?;
        let name = url.rsplit('/').next().and_then(|name| name.split('?').next());
        let name = name.ok_or("a database without a name")?.to_owned();
        Ok((Self::Postgres(server, name), url))
    }

    /// The processes of a database server.
    pub(crate) fn processes(&self) -> Option<Vec<u32>> {
        match self {
            Self::Postgres(server, _) => Some(server.processes()),
            _ => None,
        }
    }

    /// Bytes on disk. For SQLite all files of the directory, including the write-ahead log; for PostgreSQL the tables
    /// and indexes of the database after a checkpoint, without the log, which all databases of a server share.
    pub(crate) fn bytes(&self) -> Outcome<f64> {
        match self {
            Self::None => Ok(0.0),
            Self::Sqlite(directory) => bytes_in(directory),
            Self::Postgres(server, name) => {
                postgres(server, name, "CHECKPOINT")?;
                let size = postgres(server, name, "SELECT pg_database_size(current_database())")?;
                Ok(size.trim().parse()?)
            }
        }
    }

    /// Bytes on disk for each delivery; `before` is the size before the first one. It stops the server, so that the
    /// write-ahead log is copied into the database.
    pub(crate) fn bytes_per_delivery(&self, before: f64, server: &mut Process) -> Outcome<Option<f64>> {
        server.stop()?;
        let deliveries = match self {
            Self::None => return Ok(None),
            Self::Sqlite(directory) => sqlite(directory, COUNT)?,
            Self::Postgres(server, name) => postgres(server, name, COUNT)?,
        };
        let deliveries: f64 = deliveries.trim().parse()?;
        Ok(Some((self.bytes()? - before) / deliveries))
    }
}

/// Runs SQL in the shell of SQLite; returns its output.
pub(crate) fn sqlite(directory: &Path, sql: &str) -> Outcome<String> {
    let output = Command::new("sqlite3")
        .arg("-bail")
        .arg(directory.join("hookgate.db"))
        .arg(sql)
        .output()?;
    if output.status.success() && output.stderr.is_empty() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}

/// Runs SQL in a database of this server; returns its output.
fn postgres(server: &Postgres, database: &str, sql: &str) -> Outcome<String> {
    Ok(server.sql(database, sql).map_err(|error| error.to_string())?)
}

fn bytes_in(directory: &Path) -> Outcome<f64> {
    let mut bytes = 0.0;
    for entry in fs::read_dir(directory)? {
        let metadata = entry?.metadata()?;
        if metadata.is_file() {
            // Exact up to 2^53.
            bytes += u32::try_from(metadata.len() / 1024).map(f64::from)? * 1024.0;
        }
    }
    Ok(bytes)
}
