//! The embedded store as one file: written while others go on, checked, and made a store again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use thiserror::Error;

use crate::files::{DATABASE, private_directory, private_file};
use crate::migrations::{SQLITE, SQLITE_TABLE, Schema, applied_versions, known_versions};

/// Behind the name of a file that is not whole yet.
const PART: &str = "part";

/// Why there is no backup, or no store from it.
#[derive(Debug, Error)]
pub enum BackupError {
    /// It would be written over.
    #[error("{} is there already", .path.display())]
    IsThere {
        /// The file.
        path: PathBuf,
    },
    /// There is none.
    #[error("there is no store or backup at {}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is not whole, or not of a version that this program knows.
    #[error("{} is no whole backup: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The database refuses.
    #[error("the database refuses")]
    Database(#[from] diesel::result::Error),
    /// The file system refuses.
    #[error("can't write {}", .path.display())]
    Files {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Writes the store in a directory to a file, as it is at one moment; the server may run. It is checked before it gets its
/// name.
///
/// # Errors
/// [`BackupError`]
pub fn backup_file(directory: &Path, file: &Path) -> Result<(), BackupError> {
    let mut connection = open(&directory.join(DATABASE))?;
    let part = part_of(file)?;
    let files = |source| failed(&part, source);
    drop(private_file(&part).map_err(files)?);
    connection.batch_execute("PRAGMA busy_timeout = 5000")?;
    sql_query("VACUUM INTO ?")
        .bind::<Text, _>(part.to_string_lossy().into_owned())
        .execute(&mut connection)?;
    verify_file(&part)?;
    publish(&part, file)
}

/// Checks that a backup is whole.
///
/// # Errors
/// [`BackupError::Damaged`] says what is wrong.
pub fn verify_file(file: &Path) -> Result<(), BackupError> {
    let damaged = |why: String| BackupError::Damaged {
        path: file.to_owned(),
        why,
    };
    let told = |error: diesel::result::Error| damaged(error.to_string());
    let mut connection = open(file)?;
    for check in [
        "SELECT integrity_check AS line FROM pragma_integrity_check",
        "SELECT 'a row without its ' || parent AS line FROM pragma_foreign_key_check",
    ] {
        let rows: Vec<Line> = sql_query(check).load(&mut connection).map_err(told)?;
        if let Some(row) = rows.into_iter().find(|row| row.line != "ok") {
            return Err(damaged(row.line));
        }
    }
    let known = known_versions::<Sqlite>(&SQLITE).map_err(|error| damaged(error.to_string()))?;
    let found = applied_versions(&mut connection, SQLITE_TABLE).map_err(told)?;
    match Schema::of(&found, &known) {
        Schema::Current | Schema::Older => Ok(()),
        Schema::None => Err(damaged("it holds no store".to_owned())),
        Schema::Newer => Err(damaged("a newer program made it".to_owned())),
    }
}

/// Makes a store in a directory from a backup, once that has been checked.
///
/// # Errors
/// [`BackupError::IsThere`] if the directory has a store.
pub fn restore_file(file: &Path, directory: &Path) -> Result<(), BackupError> {
    verify_file(file)?;
    let database = directory.join(DATABASE);
    private_directory(directory).map_err(|source| failed(directory, source))?;
    let part = part_of(&database)?;
    let files = |source| failed(&part, source);
    let mut to = private_file(&part).map_err(files)?;
    let mut from = fs::File::open(file).map_err(|source| failed(file, source))?;
    io::copy(&mut from, &mut to).map_err(files)?;
    drop(to);
    verify_file(&part)?;
    publish(&part, &database)
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

/// Where a file is written until it is whole; what an earlier try left there goes.
fn part_of(file: &Path) -> Result<PathBuf, BackupError> {
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

/// Gives a whole file its name, once it is on disk.
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
