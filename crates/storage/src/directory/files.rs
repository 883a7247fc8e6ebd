//! The data directory and its files. Only the owner may read them.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::access::{Exposed, MODE, ROOT, user};

/// Name of the database file; SQLite puts its log beside it, with the same permissions.
pub(crate) const DATABASE: &str = "hookgate.db";
/// Name of the file that a running server holds locked.
pub(crate) const SERVER_LOCK: &str = "server.lock";
/// Beginning of the files that a backup is streamed from.
pub(crate) const BACKUP_STREAM: &str = "backup-stream";
/// Directory in which a store is restored until it counts.
pub(crate) const RESTORE_STAGE: &str = ".hookgate-restore";
/// Name of the sealing key.
pub const SEALING_KEY: &str = "sealing.key";
/// Name of the key of the development CA.
pub const DEV_CA_KEY: &str = "ca.key";
/// Name of the TLS key of a development server.
pub const DEV_GATE_KEY: &str = "gate.key";

/// Files of a data directory that others must not read, whichever part of the program creates them.
const PRIVATE_FILES: [&str; 8] = [
    DATABASE,
    "hookgate.db-wal",
    "hookgate.db-shm",
    "hookgate.db-journal",
    SERVER_LOCK,
    SEALING_KEY,
    DEV_CA_KEY,
    DEV_GATE_KEY,
];
/// Prefixes of the names of files with the same secrets: incomplete files, files of killed commands, and
/// copies that people made, such as `sealing.key.old`.
const PRIVATE_NAMES: [&str; 6] = [
    DATABASE,
    BACKUP_STREAM,
    RESTORE_STAGE,
    SEALING_KEY,
    DEV_CA_KEY,
    DEV_GATE_KEY,
];
/// Other names that a data directory may hold: files that may be public, and a directory of every file
/// system.
const PUBLIC_NAMES: [&str; 3] = ["ca.pem", "gate.pem", "lost+found"];
/// Extension of an incomplete file.
pub(crate) const PART: &str = "part";

const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
/// The permission bits of all users but the owner.
const OTHERS: u32 = 0o077;
/// The permission bit by which every user may put files into a directory.
const WORLD_WRITABLE: u32 = 0o002;

/// Creates a directory, closed to others, unless it exists.
pub(crate) fn private_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_DIRECTORY)
        .create(directory)
}

/// Closes a data directory and all private files in it to other users, also those that were opened since they
/// were created. A directory that holds other things too is shared, and its own mode stays as it is.
///
/// # Errors
/// The path at fault with its error: the system refuses, or a file is a link, has a second name, or belongs
/// to another user. A user who can put a link there could have a file of their choice read or overwritten.
pub(crate) fn close_directory(directory: &Path) -> Result<(), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    let metadata = match fs::metadata(directory) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(directory)(error)),
    };
    close_itself(directory, &metadata).map_err(at(directory))?;
    let users = [user(), metadata.uid()];
    for path in private_copies(directory).map_err(at(directory))? {
        // Nothing depends on these: `exposed_data` reports those that can't be closed.
        let _ = close_file(&path, users);
    }
    for name in PRIVATE_FILES {
        let path = directory.join(name);
        close_file(&path, users).map_err(at(&path))?;
    }
    Ok(())
}

/// Closes the directory itself, unless it holds other things. Root acts for the owner of the directory.
fn close_itself(directory: &Path, metadata: &Metadata) -> io::Result<()> {
    let (user, owner, mode) = (user(), metadata.uid(), metadata.mode());
    if ![user, ROOT].contains(&owner) && user != ROOT {
        return Err(io::Error::other(
            "it belongs to another user, who could put files into it: run the program as that user, or name a directory \
             of your own",
        ));
    }
    if mode & OTHERS == 0 {
        return Ok(());
    }
    if [owner, ROOT].contains(&user) && has_only_ours(directory)? {
        tracing::warn!(directory = %directory.display(), mode = format_args!("{:o}", mode & MODE), "the data directory was open to other users and is closed now");
        return fs::set_permissions(directory, Permissions::from_mode(PRIVATE_DIRECTORY));
    }
    if mode & WORLD_WRITABLE != 0 {
        return Err(io::Error::other(
            "every user can put files into it, and it is not Hookgate's alone: name a directory of its own",
        ));
    }
    Ok(())
}

fn has_only_ours(directory: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let is_known = PRIVATE_FILES.contains(&&*name) || PUBLIC_NAMES.contains(&&*name);
        if !is_known && !is_private_copy(&name) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_private_copy(name: &str) -> bool {
    PRIVATE_NAMES.iter().any(|beginning| name.starts_with(beginning))
}

/// The files of a data directory that hold secrets and that no server reads.
fn private_copies(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut copies = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if is_private_copy(&name) && !PRIVATE_FILES.contains(&&*name) {
            copies.push(entry.path());
        }
    }
    Ok(copies)
}

/// The data directory and the private files in it, as far as other users can open them. Nothing is changed.
#[must_use]
pub fn exposed_data(directory: &Path) -> Vec<Exposed> {
    let files = PRIVATE_FILES.iter().map(|name| directory.join(name));
    let copies = private_copies(directory).unwrap_or_else(|error| {
        if error.kind() != ErrorKind::NotFound {
            tracing::warn!(directory = %directory.display(), %error, "the data directory can't be listed");
        }
        Vec::new()
    });
    std::iter::once(directory.to_owned())
        .chain(files)
        .chain(copies)
        .filter_map(|path| Exposed::find(&path))
        .collect()
}

/// Closes a file of one of these users to others, if it is there.
fn close_file(path: &Path, users: [u32; 2]) -> io::Result<()> {
    let gone = |error: io::Error| {
        // SQLite removes its log when the last program closes it.
        if error.kind() == ErrorKind::NotFound {
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
        tracing::warn!(file = %path.display(), mode = format_args!("{:o}", metadata.mode() & MODE), "a secret file was open to other users and is closed now");
        return fs::set_permissions(path, Permissions::from_mode(PRIVATE_FILE)).or_else(gone);
    } else {
        return Ok(());
    };
    Err(io::Error::other(fault))
}

/// Creates a directory, closed to others. Fails if anything exists at its path.
pub(crate) fn new_private_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().mode(PRIVATE_DIRECTORY).create(directory)
}

/// Opens a file, or creates it, closed to others. An existing file that is open to others is closed.
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

/// Creates a file, closed to others. Fails if anything exists at its path, even a link.
///
/// # Errors
/// The system's error; [`ErrorKind::AlreadyExists`] if there is something.
pub fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(PRIVATE_FILE)
        .open(path)
}

/// Writes a secret to a new file, closed to others, and renames it over the existing one. A program that has
/// the old file open never reads the new secret.
///
/// # Errors
/// The system's error. The existing file is unchanged then.
pub fn replace_private_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = path.with_added_extension(PART);
    match fs::remove_file(&part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = new_private_file(&part)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // The next call removes the rest.
        let _ = fs::remove_file(&part);
    }
    written
}
