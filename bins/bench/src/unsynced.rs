//! A library from Debian that disables fsync, preloaded into the unchanged program.

use std::fs;
use std::path::PathBuf;

use xtask::process::{Outcome, install};

/// Debian's package.
const PACKAGE: &str = "libeatmydata1";
const LIBRARY: &str = "libeatmydata.so";

/// Path of the library. It is installed if it is missing.
pub(crate) fn library() -> Outcome<PathBuf> {
    if let Some(library) = find() {
        return Ok(library);
    }
    install(&[PACKAGE])?;
    find()
        .ok_or_else(|| format!("{LIBRARY} is missing, though Debian's package {PACKAGE} is installed").into())
}

/// Finds the library: each architecture has a directory of its own.
fn find() -> Option<PathBuf> {
    let directories = fs::read_dir("/usr/lib").ok()?.flatten();
    directories
        .map(|directory| directory.path().join(LIBRARY))
        .find(|library| library.is_file())
}
