//! The data directory and what lies in it: nobody but the owner may look inside.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Name of the database file; SQLite puts its log beside it, with the same permissions.
pub(crate) const DATABASE: &str = "hookgate.db";
/// Name of the file that a running server holds locked.
pub(crate) const SERVER_LOCK: &str = "server.lock";

const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
/// The permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Makes the directory, closed to others, unless it is there.
pub(crate) fn private_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_DIRECTORY)
        .create(directory)
}

/// Makes the directory, closed to others, where there is nothing yet.
pub(crate) fn new_private_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().mode(PRIVATE_DIRECTORY).create(directory)
}

/// Opens a file, made closed to others if it is not there, and closed to them now if it was open.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE_FILE)
        .open(path)?;
    if file.metadata()?.permissions().mode() & OTHERS != 0 {
        file.set_permissions(Permissions::from_mode(PRIVATE_FILE))?;
    }
    Ok(file)
}
