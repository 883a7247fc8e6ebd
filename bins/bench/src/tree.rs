//! Processes with all their descendants: CPU, memory, core, and end.

use std::fs;
use std::process::{Child, Command, Stdio};

use xtask::process::Outcome;

/// Ticks of the kernel's CPU accounting per second (`getconf CLK_TCK`), the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;
/// The core of servers.
pub(crate) const SERVERS: &str = "0";
/// The core of load generators.
pub(crate) const GENERATORS: &str = "1";
/// Runs a program on one core, with the hard limit of open files.
const PINNED: &str = r#"ulimit -Sn "$(ulimit -Hn)"; exec taskset -c "$0" "$@""#;

/// A command that runs on one core; the program and its arguments are added to it.
pub(crate) fn pinned(core: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", PINNED, core]);
    command
}

/// A process that is killed with all its descendants when this value is dropped.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Outcome<Self> {
        Ok(Self(command.spawn()?))
    }

    pub(crate) fn of(child: Child) -> Self {
        Self(child)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Fails if the process has ended.
    pub(crate) fn is_there(&mut self) -> Outcome<()> {
        match self.0.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("a server ended: {status}").into()),
        }
    }

    /// Sends SIGTERM, and waits until the process has ended.
    pub(crate) fn stop(&mut self) -> Outcome<()> {
        signal("TERM", &[self.id()])?;
        self.0.wait()?;
        Ok(())
    }

    /// Highest resident memory of the process plus that of each descendant, in MiB.
    pub(crate) fn peak_mib(&self) -> Outcome<f64> {
        members(&[self.id()])
            .iter()
            .map(|process| status_mib(*process, "VmHWM:"))
            .sum()
    }

    /// Resident memory of the process and its descendants, in MiB.
    pub(crate) fn resident_mib(&self) -> Outcome<f64> {
        members(&[self.id()])
            .iter()
            .map(|process| status_mib(*process, "VmRSS:"))
            .sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // A process that can't be killed has ended already.
            let _ = signal("KILL", &members(&[self.id()]));
        }
        let _ = self.0.wait();
    }
}

/// CPU seconds, user and system, of these processes and their descendants, including those that have ended and were
/// reaped.
pub(crate) fn cpu_seconds(roots: &[u32]) -> f64 {
    let ticks = |process: &u32| -> Option<f64> {
        let fields = stat(*process)?;
        fields[11..15].iter().map(|field| field.parse::<f64>().ok()).sum()
    };
    // A process that ends meanwhile is counted in its parent.
    members(roots).iter().filter_map(ticks).sum::<f64>() / TICKS_PER_SECOND
}

/// Pins these processes and their descendants to the core of servers.
pub(crate) fn pin(roots: &[u32]) -> Outcome<()> {
    for process in members(roots) {
        // An error means that the process has ended.
        Command::new("taskset")
            .args(["-a", "-p", "-c", SERVERS, &process.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
    }
    Ok(())
}

/// These processes and their descendants.
fn members(roots: &[u32]) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let parents: Vec<(u32, u32)> = processes
        .filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            Some((process, stat(process)?[1].parse().ok()?))
        })
        .collect();
    let mut found = roots.to_vec();
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let below = parents
            .iter()
            .filter(|(process, above)| *above == parent && !found.contains(process));
        let below: Vec<u32> = below.map(|(process, _)| *process).collect();
        found.extend(below);
        next += 1;
    }
    found
}

/// The fields of `/proc/PID/stat` from the state on: field 1 is the parent, and 11 to 14 are the CPU of the process and
/// of its reaped children.
fn stat(process: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name is in brackets and may have any characters.
    let fields: Vec<_> = stat
        .rsplit_once(')')?
        .1
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    (fields.len() > 15).then_some(fields)
}

fn status_mib(process: u32, name: &str) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.ok_or("the kernel tells no memory")?.trim();
    Ok(kib.trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

fn signal(name: &str, processes: &[u32]) -> Outcome<()> {
    Command::new("kill")
        .arg(format!("-{name}"))
        .args(processes.iter().map(u32::to_string))
        .stderr(Stdio::null())
        .status()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};

    use super::*;

    #[test]
    fn a_tree_is_found_and_ends_as_one() {
        // The inner shell continues at the end of standard input, which comes when the outer shell's owner ends.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "exec 3<&0; { echo started; read word <&3; echo survived; } & wait",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let process = Process::of(child);
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(members(&[process.id()]).len(), 2);
        assert!(process.resident_mib().unwrap() <= process.peak_mib().unwrap());
        assert!(cpu_seconds(&[process.id()]) < 60.0);
        drop(process);
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}
