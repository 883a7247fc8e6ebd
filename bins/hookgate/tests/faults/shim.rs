//! A library between the server and the system's C library: compiled here, and controlled while the server runs.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::resources::run;
use crate::support::HOOKGATE;

/// Directory of their sources.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/shims");
/// Size of a number that the shim and the test share, in bytes.
const NUMBER: u64 = 8;
/// Size of all shared numbers.
const NUMBERS: u64 = 4 * NUMBER;

/// A shim with its controls.
pub(crate) struct Shim {
    scratch: TempDir,
    numbers: File,
}

impl Shim {
    /// Compiles the source with this name.
    pub(crate) fn compile(name: &str) -> Self {
        let scratch = TempDir::new().unwrap();
        let source = Path::new(SOURCES).join(name).with_extension("c");
        run(Command::new("cc")
            .args([
                "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-pthread", "-o",
            ])
            .arg(library(&scratch))
            .arg(source)
            .arg("-ldl"));
        let numbers = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(scratch.path().join("numbers"))
            .unwrap();
        numbers.set_len(NUMBERS).unwrap();
        Self { scratch, numbers }
    }

    /// The environment of a process that loads the shim.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [
            ("LD_PRELOAD", library(&self.scratch)),
            ("HOOKGATE_TEST_SHIM", self.scratch.path().join("numbers")),
        ]
    }

    /// The binary with the shim.
    pub(crate) fn hookgate(&self) -> Command {
        let mut command = Command::new(HOOKGATE);
        command.envs(self.environment());
        command
    }

    /// Sets a number. A running process sees it at once.
    pub(crate) fn set(&self, place: u64, value: i64) {
        self.numbers
            .write_all_at(&value.to_ne_bytes(), place * NUMBER)
            .unwrap();
    }

    /// Reads a number.
    pub(crate) fn get(&self, place: u64) -> i64 {
        let mut bytes = [0; 8];
        self.numbers.read_exact_at(&mut bytes, place * NUMBER).unwrap();
        i64::from_ne_bytes(bytes)
    }
}

fn library(scratch: &TempDir) -> PathBuf {
    scratch.path().join("shim.so")
}

/// The numbers of `disk.c`.
pub(crate) mod disk {
    /// Calls until one fails; 0 for never.
    pub(crate) const FAIL_IN: u64 = 0;
    /// Number of calls.
    pub(crate) const CALLS: u64 = 1;
    /// 1 if syncs only pretend to sync.
    pub(crate) const LIES: u64 = 2;
}

/// The numbers of `clock.c`.
pub(crate) mod clock {
    /// Seconds by which the clock is ahead.
    pub(crate) const SHIFT: u64 = 0;
    /// The second since 1970 at which the clock stands still; 0 if it runs.
    pub(crate) const STOPPED_AT: u64 = 1;
}
