//! Instructions by part, counted by callgrind.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::parts;
use super::profile::Profile;
use super::starter::{Build, in_place};
use super::subject::{Load, Subject};
use crate::figures::Figures;
use crate::systems::Running;
use xtask::process::{Outcome, say};

/// Callgrind with one file for each thread. Threads take turns, because otherwise one of them may run for seconds. It
/// looks for commands often, because an idle server runs little.
const CALLGRIND: &str = "valgrind --quiet --tool=callgrind --fair-sched=yes --separate-threads=yes --vgdb-poll=100 \
                         --callgrind-out-file=\"$OUTPUT\" \"$PROGRAM\"";
/// Pause between two looks at a command, and the number of looks between two connections that wake the server. Few are
/// enough, and each is in the counts.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOKS: usize = 50;

/// Instructions of a request.
#[derive(Debug)]
pub(super) struct Instructions {
    pub(super) all: f64,
    /// By part. Without symbols nearly all is of one part.
    parts: BTreeMap<String, f64>,
    /// Batches of the writing thread for a request, if the program has symbols.
    batches: f64,
}

impl Instructions {
    /// Counts the instructions of a request.
    pub(super) fn count(subject: &Subject, build: Build, scratch: &Path) -> Outcome<Self> {
        let directory = scratch.join(format!("{}.callgrind", subject.name));
        fs::create_dir_all(&directory)?;
        let program = build.program(subject.system);
        let starter = in_place(CALLGRIND, &program, &directory.join("callgrind"));
        let running = subject
            .system
            .start(scratch, &directory, subject.wanted, &starter)?;
        for load in [Load::First, Load::Single, Load::Double] {
            subject.send(&running, load)?;
            dump(&running)?;
        }
        let [single, double] = [2, 3].map(|number| threads(&directory, number));
        let (single, double) = (single?, double?);
        let batches = parts::batches(&single, &double)? / subject.counted();
        let mut parts = parts::difference(&single, &double)?;
        for count in parts.values_mut() {
            *count /= subject.counted();
        }
        let all = parts.values().sum();
        say(&format!("{}: {all:.0} instructions", subject.name));
        // The next run of this subject begins anew.
        drop(running);
        fs::remove_dir_all(directory)?;
        Ok(Self { all, parts, batches })
    }

    /// Adds the parts to the figures of this subject, and for the writing thread their sum and the size of a batch.
    ///
    /// Fails if the writing thread was not found: then its function has another name now.
    pub(super) fn report_parts(&self, subject: &Subject, figures: &mut Figures) -> Outcome<()> {
        if self.batches == 0.0 && subject.is_stored() {
            return Err(format!("{} was not called", parts::WRITER).into());
        }
        let name = format!("{}.instructions", subject.name);
        let mut writer = 0.0;
        for (part, count) in &self.parts {
            figures.add(format!("{name}.{part}"), *count);
            if part.starts_with(parts::WRITER_PREFIX) {
                writer += count;
            }
        }
        if writer > 0.0 {
            figures.add(format!("{name}.writer"), writer);
        }
        if self.batches > 0.0 {
            figures.add(format!("{}.batch", subject.name), 1.0 / self.batches);
        }
        Ok(())
    }
}

/// Lets callgrind write the counts since the last dump. It reads commands while the server runs, so connections wake
/// an idle one. The usual way, ptrace, needs root for a server without core dumps.
fn dump(running: &Running) -> Outcome<()> {
    let process = running.process.id();
    let mut control = Command::new("vgdb")
        .args(["--max-invoke-ms=0", &format!("--pid={process}"), "dump"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut looks = 0;
    loop {
        if let Some(status) = control.try_wait()? {
            if status.success() {
                return Ok(());
            }
            return Err(format!("callgrind wrote no counts: {status}").into());
        }
        looks += 1;
        if looks % LOOKS == LOOKS / 10 {
            TcpStream::connect(running.target.address)?;
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The profiles of all threads in this dump: files like `callgrind.2-01`.
fn threads(directory: &Path, dump: u32) -> Outcome<Vec<Profile>> {
    let start = format!("callgrind.{dump}-");
    let mut profiles = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&start) {
            profiles.push(Profile::parse(&fs::read_to_string(entry.path())?));
        }
    }
    if profiles.is_empty() {
        return Err(format!("callgrind wrote no files {start}*").into());
    }
    Ok(profiles)
}
