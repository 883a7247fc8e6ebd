//! PostgreSQL's programs, and the user that runs them: they refuse to run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::https::Outcome;

/// The user that Debian's package creates.
const USER: &str = "postgres";

/// PostgreSQL's programs.
pub(super) struct Programs {
    directory: PathBuf,
    /// User and group to run them as, if this process is root.
    user: Option<(u32, u32)>,
}

impl Programs {
    /// Finds the newest version among Debian's packages.
    pub(super) fn find() -> Outcome<Self> {
        let missing = "PostgreSQL is missing: apt-get install postgresql";
        let versions = fs::read_dir("/usr/lib/postgresql").map_err(|_| missing)?;
        let mut found: Vec<_> = versions
            .filter_map(|version| Some(version.ok()?.path().join("bin")))
            .filter(|directory| is_program(&directory.join("initdb")))
            .collect();
        found.sort();
        let directory = found.pop().ok_or(missing)?;
        let is_root = fs::metadata("/proc/self")?.uid() == 0;
        let user = if is_root { Some(user_of(USER)?) } else { None };
        Ok(Self { directory, user })
    }

    /// The path of a program.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The command of a program.
    pub(super) fn command(&self, name: &str) -> Command {
        let mut command = self.as_user(Command::new(self.path(name)));
        command.current_dir("/");
        command
    }

    /// Makes a command run as a user that the server accepts.
    pub(super) fn as_user(&self, mut command: Command) -> Command {
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Makes that user the owner of a file or directory.
    pub(super) fn give(&self, path: &Path) -> Outcome<()> {
        if let Some((user, group)) = self.user {
            chown(path, Some(user), Some(group))?;
        }
        Ok(())
    }
}

/// Runs a command; returns its output.
pub(super) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The child processes of these.
pub(super) fn children(parents: &[u32]) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|process| {
            let process = process.ok()?.path();
            let stat = fs::read_to_string(process.join("stat")).ok()?;
            // The name is in brackets and may have any characters; state and parent follow.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            let number = process.file_name()?.to_str()?.parse().ok()?;
            parents.contains(&parent).then_some(number)
        })
        .collect()
}

fn user_of(name: &str) -> Outcome<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.split(':').next() == Some(name));
    let mut fields = line
        .ok_or("there is no user postgres: apt-get install postgresql")?
        .split(':')
        .skip(2);
    let mut number = || fields.next().and_then(|field| field.parse().ok());
    number()
        .zip(number())
        .ok_or_else(|| "the user postgres has no number".into())
}

/// `true` if there is an executable file at the path.
fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
