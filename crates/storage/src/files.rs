//! The data directory and what lies in it: nobody but the owner may look inside.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// Name of the database file; SQLite puts its log beside it, with the same permissions.
pub(crate) const DATABASE: &str = "hookgate.db";
/// Name of the file that a running server holds locked.
pub(crate) const SERVER_LOCK: &str = "server.lock";

/// Files of a data directory that others must not read, by whichever part of the program they are made.
const PRIVATE_FILES: [&str; 8] = [
    DATABASE,
    "hookgate.db-wal",
    "hookgate.db-shm",
    "hookgate.db-journal",
    SERVER_LOCK,
    "sealing.key",
    "ca.key",
    "gate.key",
];
/// Those that everybody may read.
const PUBLIC_FILES: [&str; 2] = ["ca.pem", "gate.pem"];

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

/// Closes a data directory and all private files in it to others, also where they were opened since they were made. A directory
/// with other things in it is somebody else's too and stays as it is.
///
/// # Errors
/// The path that is at fault: the system refuses, or a file is none of the program's own: a link, or another user's. Who may put
/// such a file there could have it read, or written over, in a place of their choice.
pub(crate) fn close_directory(directory: &Path) -> Result<(), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    let metadata = match fs::metadata(directory) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(directory)(error)),
    };
    let user = geteuid().as_raw();
    let is_open = metadata.permissions().mode() & OTHERS != 0;
    if is_open && metadata.uid() == user && has_only_ours(directory).map_err(at(directory))? {
        fs::set_permissions(directory, Permissions::from_mode(PRIVATE_DIRECTORY)).map_err(at(directory))?;
    }
    for name in PRIVATE_FILES {
        let path = directory.join(name);
        let closed = close_file(&path, [user, metadata.uid()]);
        closed.map_err(at(&path))?;
    }
    Ok(())
}

fn has_only_ours(directory: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if !PRIVATE_FILES
            .iter()
            .chain(&PUBLIC_FILES)
            .any(|known| name == *known)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Closes a file of one of these users to others, if it is there.
fn close_file(path: &Path, users: [u32; 2]) -> io::Result<()> {
    let gone = |error: io::Error| {
        // SQLite removes its log when the last program closes it.
        if error.kind() == io::ErrorKind::NotFound {
            Ok(())
        } else {
            Err(error)
        }
    };
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) => return gone(error),
    };
    let fault = if !metadata.is_file() {
        "it is a link or no file: put the file itself into the data directory"
    } else if metadata.nlink() > 1 {
        "it has a second name elsewhere: put a copy in its place"
    } else if !users.contains(&metadata.uid()) {
        "it belongs to another user: give it to the user that the program runs as"
    } else if metadata.permissions().mode() & OTHERS != 0 {
        return fs::set_permissions(path, Permissions::from_mode(PRIVATE_FILE)).or_else(gone);
    } else {
        return Ok(());
    };
    Err(io::Error::other(fault))
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
