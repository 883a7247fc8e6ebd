//! The lock of a data directory, one server each: two would both hand out URLs and prune, and one of them is
//! a mistake.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::files::{SERVER_LOCK, close_directory, private_directory, private_file};

/// Lock that a server holds as long as it runs. The system releases it however the process ends, so no lock
/// is ever stale.
#[derive(Debug)]
pub struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Takes the lock of a data directory, which is created if it does not exist.
    ///
    /// # Errors
    /// [`LockError::Running`] if another server has it, [`LockError::Files`] if the file system refuses.
    pub fn acquire(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join(SERVER_LOCK);
        let failed = |source| LockError::Files {
            path: path.clone(),
            source,
        };
        private_directory(directory).map_err(failed)?;
        close_directory(directory).map_err(|(path, source)| LockError::Files { path, source })?;
        let file = private_file(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Running {
                directory: directory.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Errors of taking the lock.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another server runs on it.
    #[error("another server is running on {}: stop it first, or give this one a directory of its own", .directory.display())]
    Running {
        /// The data directory.
        directory: PathBuf,
    },
    /// The file system refuses.
    #[error("can't lock {}: check the permissions of this user", .path.display())]
    Files {
        /// The lock file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}
