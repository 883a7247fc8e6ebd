//! Opens a store: checks that it exists and that this program knows its tables, and migrates them if it may.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel::{ConnectionError, SqliteConnection};
use thiserror::Error;

use crate::connection::postgres::{Address, ConnectError, Link, PgConnection};
use crate::connection::sqlite::open_writer;
use crate::directory::files::{DATABASE, close_directory, private_directory, private_file};
use crate::migrations::{
    POSTGRES, POSTGRES_TABLE, SQLITE, SQLITE_TABLE, Schema, applied_versions, known_versions, migrate_file,
    migrate_server,
};

/// SQLite's messages for a file that it can't read as a database.
const DAMAGED: [&str; 2] = ["file is not a database", "database disk image is malformed"];

/// Changes that opening a store may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// None: the store exists and is up to date, otherwise it is an error.
    Existing,
    /// The store exists; its tables are migrated.
    Migrate,
    /// The store is created if it does not exist, and its tables are migrated.
    Create,
}

/// Errors of opening a store, with the way out.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is no store.
    #[error("no store in {place}: start a server on it once, or run `hookgate migrate`, to create one")]
    Missing {
        /// The data directory, or the server and its database.
        place: String,
    },
    /// A newer program created the store.
    #[error(
        "the store has schema {found}, this program knows {known}: run the newer version that created it"
    )]
    TooNew {
        /// The schema that it has.
        found: String,
        /// The newest schema that this program knows.
        known: String,
    },
    /// The store needs a migration.
    #[error(
        "the store has schema {found}, this program needs {known}: run `hookgate migrate`, after a backup"
    )]
    TooOld {
        /// The schema that it has.
        found: String,
        /// The schema that this program needs.
        known: String,
    },
    /// The file is no database, or a broken one.
    #[error("{} is damaged or no database: restore it from a backup", .path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// The database's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file system refuses.
    #[error("can't open {}: check the permissions of this user", .path.display())]
    Files {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The server can't be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server refuses.
    #[error("can't open the store in {address}")]
    Server {
        /// The server and its database.
        address: String,
        /// The server's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database refuses.
    #[error("can't open the database {}: is the disk full, or is another program using it?", .path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// The database's error.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl OpenError {
    /// The database at this path refuses.
    pub(crate) fn database(path: &Path, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Database {
            path: path.to_owned(),
            source: Box::new(source),
        }
    }
}

/// Opens the database of a directory for writing, with its tables up to date. Returns the path of its file
/// too.
pub(crate) fn open_directory(
    directory: &Path,
    mode: OpenMode,
) -> Result<(String, SqliteConnection), OpenError> {
    let path = directory.join(DATABASE);
    let text = database_file(directory, &path, mode)?;
    let mut connection = open_writer(&text).map_err(|error| connection_error(&path, error))?;
    let failed = |error| database_error(&path, error);
    let known = known_versions::<Sqlite>(&SQLITE).map_err(failed)?;
    let found = applied_versions(&mut connection, SQLITE_TABLE).map_err(|error| failed(Box::new(error)))?;
    let missing = || OpenError::Missing {
        place: directory.display().to_string(),
    };
    if is_behind(&found, &known, mode, missing)? {
        migrate_file(&mut connection).map_err(failed)?;
    }
    Ok((text, connection))
}

/// Connects to the server at an address, with the tables of its store up to date.
pub(crate) async fn open_server(address: &Address, mode: OpenMode) -> Result<Link, OpenError> {
    let mut link = Box::pin(Link::first(address)).await?;
    let place = address.to_string();
    let opened = tokio::task::spawn_blocking(move || {
        let _deadline = (mode == OpenMode::Existing).then(|| link.deadline());
        prepare(&mut link.connection, &place, mode).map(|()| link)
    });
    opened.await.unwrap_or_else(|error| {
        Err(OpenError::Server {
            address: address.to_string(),
            source: Box::new(error),
        })
    })
}

/// Migrates the tables of a server, if the mode permits it. Of several nodes that start at once, one
/// migrates.
fn prepare(connection: &mut PgConnection, place: &str, mode: OpenMode) -> Result<(), OpenError> {
    let failed = |source| OpenError::Server {
        address: place.to_owned(),
        source,
    };
    let boxed = |error: diesel::result::Error| failed(Box::new(error));
    let known = known_versions::<Pg>(&POSTGRES).map_err(failed)?;
    let found = applied_versions(connection, POSTGRES_TABLE).map_err(boxed)?;
    let missing = || OpenError::Missing {
        place: place.to_owned(),
    };
    if is_behind(&found, &known, mode, missing)? {
        migrate_server(connection).map_err(failed)?;
    }
    Ok(())
}

/// `true` if migrations are missing that may run now.
fn is_behind(
    found: &[String],
    known: &[String],
    mode: OpenMode,
    missing: impl Fn() -> OpenError,
) -> Result<bool, OpenError> {
    let newest = |versions: &[String]| versions.last().map_or("none", String::as_str).to_owned();
    match (Schema::of(found, known), mode) {
        (Schema::Current, _) => Ok(false),
        (Schema::Newer, _) => Err(OpenError::TooNew {
            found: newest(found),
            known: newest(known),
        }),
        (Schema::None | Schema::Older, OpenMode::Create | OpenMode::Migrate) => Ok(true),
        (Schema::None, OpenMode::Existing) => Err(missing()),
        (Schema::Older, OpenMode::Existing) => Err(OpenError::TooOld {
            found: newest(found),
            known: newest(known),
        }),
    }
}

/// Creates directory and file, if the mode permits it, before SQLite would, so that they are closed to
/// others.
fn database_file(directory: &Path, path: &Path, mode: OpenMode) -> Result<String, OpenError> {
    let failed = |source| OpenError::Files {
        path: path.to_owned(),
        source,
    };
    let there = path.try_exists().map_err(failed)?;
    if mode == OpenMode::Create {
        private_directory(directory).map_err(failed)?;
    } else if !there {
        return Err(OpenError::Missing {
            place: directory.display().to_string(),
        });
    }
    close_directory(directory).map_err(|(path, source)| OpenError::Files { path, source })?;
    private_file(path).map_err(failed)?;
    let absolute = std::path::absolute(path).map_err(failed)?;
    let text = absolute.into_os_string().into_string();
    text.map_err(|_| {
        failed(io::Error::new(
            io::ErrorKind::InvalidFilename,
            "the path is not UTF-8",
        ))
    })
}

fn connection_error(path: &Path, error: ConnectionError) -> OpenError {
    database_error(path, Box::new(error))
}

fn database_error(path: &Path, source: Box<dyn Error + Send + Sync>) -> OpenError {
    let (path, text) = (path.to_owned(), source.to_string());
    if DAMAGED.iter().any(|known| text.contains(known)) {
        OpenError::Damaged { path, source }
    } else {
        OpenError::Database { path, source }
    }
}
