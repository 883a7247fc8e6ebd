//! Opening a store: is there one, does this program know its tables, and may it change them?

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel::{ConnectionError, SqliteConnection};
use thiserror::Error;

use crate::connection::sqlite::open_writer;
use crate::files::{DATABASE, close_directory, private_directory, private_file};
use crate::migrations::{
    POSTGRES, POSTGRES_TABLE, SQLITE, SQLITE_TABLE, Schema, applied_versions, known_versions, migrate_file,
    migrate_server,
};
use crate::postgres::{Address, ConnectError, Link, PgConnection};

/// What SQLite says of a file that it can't make sense of.
const DAMAGED: [&str; 2] = ["file is not a database", "database disk image is malformed"];

/// What opening may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Nothing: the store is there and up to date, or it is an error.
    Existing,
    /// The store is there; its tables are brought up to date.
    Migrate,
    /// The store is made if it is not there, and its tables are brought up to date.
    Create,
}

/// Why a store can't be opened, and what to do about it.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is none.
    #[error("no store in {place}: start a server on it once, or run `hookgate migrate`, to create one")]
    Missing {
        /// The data directory, or the server and its database.
        place: String,
    },
    /// A newer program made it.
    #[error(
        "the store has schema {found}, this program knows {known}: run the newer version that created it"
    )]
    TooNew {
        /// The schema that it has.
        found: String,
        /// The newest schema that this program knows.
        known: String,
    },
    /// An older program made it.
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
        /// What the database says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file system refuses.
    #[error("can't open {}: check the permissions of this user", .path.display())]
    Files {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
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
        /// What the server says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database refuses.
    #[error("can't open the database {}: is the disk full, or is another program using it?", .path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What the database says.
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

/// The database file of a directory, with a connection that may write to it and knows its tables.
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

/// A connection to the server at this address, whose tables it knows.
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

/// Brings the tables of a server up to date, if it may. Of several nodes that start at once, one does.
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

/// Whether steps are missing that may be made now.
fn is_behind(
    found: &[String],
    known: &[String],
    mode: OpenMode,
    missing: impl Fn() -> OpenError,
) -> Result<bool, OpenError> {
    let newest = |versions: &[String]| versions.last().cloned().unwrap_or_default();
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

/// Makes the directory and the file if they may be made, before SQLite does: so they are closed to others.
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
