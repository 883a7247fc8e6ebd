//! Backup of the embedded store: one file, written while a server runs and verified.

mod restore;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use thiserror::Error;

use crate::directory::files::{BACKUP_STREAM, DATABASE, PART, close_directory, new_private_file};
use crate::directory::lock::LockError;
use crate::migrations::{SQLITE, SQLITE_TABLE, Schema, applied_versions, known_versions};
pub use restore::Restoring;

/// Extension of the file that is locked while a backup is streamed.
const HELD: &str = "held";

/// Errors of backup and restore.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The file exists. It is not overwritten.
    #[error("{} is there already", .path.display())]
    IsThere {
        /// The file.
        path: PathBuf,
    },
    /// There is no store or backup at this path.
    #[error("there is no store or backup at {}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged or no store, or its schema is newer than this program knows.
    #[error("{} is not a complete backup: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The fault.
        why: String,
    },
    /// The output of a streamed backup takes no more.
    #[error("the backup is incomplete")]
    Output(#[source] io::Error),
    /// A server runs on the store.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The database refuses.
    #[error("the database refuses")]
    Database(#[from] diesel::result::Error),
    /// The file system refuses.
    #[error("can't write {}", .path.display())]
    Files {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl BackupError {
    /// The same error, with the name of the backup that a person gave.
    fn of(self, name: &Path) -> Self {
        let path = name.to_owned();
        match self {
            Self::Damaged { why, .. } => Self::Damaged { path, why },
            Self::Missing { .. } => Self::Missing { path },
            other => other,
        }
    }
}

/// Writes a snapshot of the store in a directory to a file. A server may run meanwhile. The file is verified
/// before it gets its name.
///
/// # Errors
/// [`BackupError`]
pub fn backup_file(directory: &Path, file: &Path) -> Result<(), BackupError> {
    let mut connection = open(&directory.join(DATABASE))?;
    close_directory(directory).map_err(|(path, source)| failed(&path, source))?;
    let part = part_path(file)?;
    drop(new_private_file(&part).map_err(|source| failed(&part, source))?);
    connection.batch_execute("PRAGMA busy_timeout = 5000")?;
    sql_query("VACUUM INTO ?")
        .bind::<Text, _>(part.to_string_lossy().into_owned())
        .execute(&mut connection)?;
    verify_file(&part)?;
    publish(&part, file)
}

/// Verifies a backup: its pages, its foreign keys and its schema.
///
/// # Errors
/// [`BackupError::Missing`] if there is no file; [`BackupError::Damaged`] names the fault.
pub fn verify_file(file: &Path) -> Result<(), BackupError> {
    let damaged = |why: String| BackupError::Damaged {
        path: file.to_owned(),
        why,
    };
    let as_damaged = |error: diesel::result::Error| damaged(error.to_string());
    let mut connection = open(file)?;
    for check in [
        "SELECT integrity_check AS line FROM pragma_integrity_check",
        "SELECT 'a row without its ' || parent AS line FROM pragma_foreign_key_check",
    ] {
        let rows: Vec<Line> = sql_query(check).load(&mut connection).map_err(as_damaged)?;
        if let Some(row) = rows.into_iter().find(|row| row.line != "ok") {
            return Err(damaged(row.line));
        }
    }
    let known = known_versions::<Sqlite>(&SQLITE).map_err(|error| damaged(error.to_string()))?;
    let found = applied_versions(&mut connection, SQLITE_TABLE).map_err(as_damaged)?;
    match Schema::of(&found, &known) {
        Schema::Current | Schema::Older => Ok(()),
        Schema::None => Err(damaged("it holds no store".to_owned())),
        Schema::Newer => Err(damaged("a newer version created it".to_owned())),
    }
}

/// Writes a snapshot of the store in a directory to `out`. A server may run meanwhile. The snapshot is
/// verified before its first byte is written.
///
/// # Errors
/// [`BackupError`]; the output is incomplete then.
pub fn backup_to(directory: &Path, mut out: impl Write) -> Result<(), BackupError> {
    remove_abandoned(directory);
    let file = directory.join(format!("{BACKUP_STREAM}-{}", std::process::id()));
    let held = LockedFile::new(part_path(&file)?)?;
    backup_file(directory, &file)?;
    let from = fs::File::open(&file);
    // The open file is read from here on, and it has no name, so nothing is left however the copy ends.
    let removed = fs::remove_file(&file);
    drop(held);
    let mut from = from
        .and_then(|from| removed.map(|()| from))
        .map_err(|source| failed(&file, source))?;
    io::copy(&mut from, &mut out)
        .and_then(|_| out.flush())
        .map_err(BackupError::Output)
}

/// A file that this process writes. Its lock tells other processes that it is not abandoned.
struct LockedFile {
    path: PathBuf,
    /// Path of the file until it is complete.
    part: PathBuf,
    _file: fs::File,
}

impl LockedFile {
    fn new(part: PathBuf) -> Result<Self, BackupError> {
        let path = part.with_extension(HELD);
        let file = new_private_file(&path).map_err(|source| failed(&path, source))?;
        file.try_lock().map_err(|error| failed(&path, error.into()))?;
        Ok(Self {
            path,
            part,
            _file: file,
        })
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // After a success the part has its final name, and there is nothing to remove.
        let _ = fs::remove_file(&self.part);
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes the files of killed streams, which nobody holds locked.
fn remove_abandoned(directory: &Path) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for held in entries.map(|entry| entry.path()) {
        let name = held.file_name().and_then(|name| name.to_str());
        let is_stream = name.is_some_and(|name| name.starts_with(BACKUP_STREAM));
        if !is_stream || held.extension().is_none_or(|end| end != HELD) {
            continue;
        }
        let is_abandoned = fs::File::open(&held).is_ok_and(|file| file.try_lock().is_ok());
        if is_abandoned {
            let file = held.with_extension("");
            for left in [file.with_added_extension(PART), file, held] {
                // Another process may have removed it.
                let _ = fs::remove_file(left);
            }
        }
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn open(file: &Path) -> Result<SqliteConnection, BackupError> {
    if !file.is_file() {
        return Err(BackupError::Missing {
            path: file.to_owned(),
        });
    }
    let damaged = |why: String| BackupError::Damaged {
        path: file.to_owned(),
        why,
    };
    let path = file
        .to_str()
        .ok_or_else(|| damaged("its name is not UTF-8".to_owned()))?;
    SqliteConnection::establish(path).map_err(|error| damaged(error.to_string()))
}

/// Path of a file until it is complete. Removes what an earlier try left there, and fails if the file itself
/// exists.
fn part_path(file: &Path) -> Result<PathBuf, BackupError> {
    if file.exists() {
        return Err(BackupError::IsThere {
            path: file.to_owned(),
        });
    }
    let part = file.with_added_extension(PART);
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&part, error)),
        _ => Ok(part),
    }
}

/// Writes a complete file to disk and gives it its final name.
fn publish(part: &Path, file: &Path) -> Result<(), BackupError> {
    let sync = |path: &Path| fs::File::open(path).and_then(|file| file.sync_all());
    let directory = match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    sync(part)
        .and_then(|()| fs::rename(part, file))
        .and_then(|()| sync(directory))
        .map_err(|source| failed(file, source))
}

fn failed(path: &Path, source: io::Error) -> BackupError {
    BackupError::Files {
        path: path.to_owned(),
        source,
    }
}
