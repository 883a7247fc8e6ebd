//! Restore of a backup into the directory of an embedded store.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;

use super::{BackupError, failed, open, publish, verify_file};
use crate::directory::files::{
    DATABASE, RESTORE_STAGE, new_private_directory, new_private_file, private_file,
};
use crate::directory::lock::ServerLock;

/// Marker file that tells a directory of a restore from one that a person made.
const MARKER: &str = "made-by-hookgate-restore";
/// Suffixes of the files that SQLite keeps beside a database.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A store that is being restored. [`publish`](Self::publish) makes it the store of the directory; otherwise
/// it is removed. It holds the server's lock, so that no server starts in the directory meanwhile.
pub struct Restoring {
    staged: PathBuf,
    database: PathBuf,
    _lock: ServerLock,
}

impl Restoring {
    /// Copies a backup to a staging directory inside the directory, and verifies it there.
    ///
    /// # Errors
    /// [`BackupError::IsThere`] if the directory has a store or a part of one, [`BackupError::Locked`] if a
    /// server or another restore runs there.
    pub fn begin(mut backup: impl Read, name: &Path, directory: &Path) -> Result<Self, BackupError> {
        let database = directory.join(DATABASE);
        refuse_store(&database)?;
        let lock = ServerLock::acquire(directory)?;
        let staged = directory.join(RESTORE_STAGE);
        stage(&staged)?;
        let restoring = Self {
            staged,
            database,
            _lock: lock,
        };
        let file = restoring.staged.join(DATABASE);
        let mut to = new_private_file(&file).map_err(|source| failed(&file, source))?;
        io::copy(&mut backup, &mut to).map_err(|source| failed(&file, source))?;
        drop(to);
        verify_file(&file).map_err(|error| error.of(name))?;
        Ok(restoring)
    }

    /// The staging directory. The store in it may be opened and changed before it is published.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.staged
    }

    /// Makes the restored store the one of the directory, and verifies it once more there. It must be closed.
    ///
    /// # Errors
    /// [`BackupError`]
    pub fn publish(self) -> Result<(), BackupError> {
        let file = self.staged.join(DATABASE);
        let mut connection = open(&file)?;
        connection.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA wal_checkpoint(TRUNCATE)")?;
        drop(connection);
        verify_file(&file)?;
        refuse_store(&self.database)?;
        publish(&file, &self.database)?;
        verify_file(&self.database)
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        // The next restore removes it if this fails.
        let _ = unstage(&self.staged);
    }
}

/// Refuses to restore where a store or a part of one is: SQLite would replay another store's log into the restored one.
fn refuse_store(database: &Path) -> Result<(), BackupError> {
    match parts_of_store(database).find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(BackupError::IsThere { path }),
        None => Ok(()),
    }
}

/// The files of a store: the database and the files that SQLite keeps beside it.
fn parts_of_store(database: &Path) -> impl Iterator<Item = PathBuf> {
    let beside = LOGS.map(|log| {
        let mut path = database.as_os_str().to_owned();
        path.push(log);
        PathBuf::from(path)
    });
    std::iter::once(database.to_owned()).chain(beside)
}

/// Creates the staging directory, in place of one that a killed restore left. Nothing else is removed.
fn stage(staged: &Path) -> Result<(), BackupError> {
    if let Err(error) = new_private_directory(staged) {
        if error.kind() != io::ErrorKind::AlreadyExists {
            return Err(failed(staged, error));
        }
        unstage(staged).map_err(|_| BackupError::IsThere {
            path: staged.to_owned(),
        })?;
        new_private_directory(staged).map_err(|source| failed(staged, source))?;
    }
    let marker = staged.join(MARKER);
    private_file(&marker)
        .map(drop)
        .map_err(|source| failed(&marker, source))
}

/// Removes a staging directory: the files that a restore makes, and the directory if it is empty then. A
/// directory without the marker is kept, unless it is empty.
fn unstage(staged: &Path) -> io::Result<()> {
    let marker = staged.join(MARKER);
    let is_ours = staged.symlink_metadata()?.is_dir() && marker.symlink_metadata().is_ok();
    if is_ours {
        // The marker goes last, so that a killed removal can be repeated.
        for file in parts_of_store(&staged.join(DATABASE)).chain([marker]) {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    fs::remove_dir(staged)
}
