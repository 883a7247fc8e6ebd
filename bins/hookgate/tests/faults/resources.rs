//! Resources that the system gives a process, made scarce and given back, and checks that the process survived.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Server, sql};

/// A small disk in memory. Mounting it requires root.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts a disk of this size in MiB.
    pub(crate) fn mount(mebibytes: u32) -> Self {
        let disk = Self(TempDir::new().unwrap());
        let options = format!("size={mebibytes}m");
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "hookgate-test"])
            .arg(disk.path()));
        disk
    }

    /// Path of the mount.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes it larger.
    pub(crate) fn grow(&self, mebibytes: u32) {
        let options = format!("remount,size={mebibytes}m");
        run(Command::new("mount").args(["-o", &options]).arg(self.path()));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detaches at once; the kernel unmounts it when no process has it open any more.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Sets a soft limit of a running process, as `prlimit` names it: `--fsize=1000`.
pub(crate) fn limit(pid: u32, limit: &str) {
    run(Command::new("prlimit")
        .args(["--pid", &pid.to_string()])
        .arg(limit));
}

/// Runs a program that has to succeed.
pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// Checks that the database is intact, and that the process ends normally and has not panicked.
pub(crate) fn is_sound(server: &mut Server, log: &Path) {
    let data = server.directory().to_owned();
    assert_eq!(sql(&data, "PRAGMA integrity_check").trim(), "ok");
    assert_eq!(server.signal("-TERM"), Some(0), "it is the same process");
    let log = fs::read_to_string(log).unwrap();
    assert!(!log.contains("a fault of ours"), "it panicked: {log}");
}
