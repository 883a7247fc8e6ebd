//! A library from Debian that disables fsync, preloaded into the unchanged program.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use xtask::process::{Outcome, install};

/// Debian's package.
const PACKAGE: &str = "libeatmydata1";
const LIBRARY: &str = "libeatmydata.so";

/// The program that starts another one with the library. The library is installed if it is missing.
pub(crate) fn starter() -> Outcome<[OsString; 2]> {
    if find().is_none() {
        install(&[PACKAGE])?;
    }
    let library = find()
        .ok_or_else(|| format!("{LIBRARY} is missing, though Debian's package {PACKAGE} is installed"))?;
    let mut preload = OsString::from("LD_PRELOAD=");
    preload.push(library);
    Ok(["env".into(), preload])
}

/// Finds the library: each architecture has a directory of its own.
fn find() -> Option<PathBuf> {
    let directories = fs::read_dir("/usr/lib").ok()?.flatten();
    directories
        .map(|directory| directory.path().join(LIBRARY))
        .find(|library| library.is_file())
}
