//! System calls, counted by strace.

use std::fs;
use std::path::Path;

use super::starter::{Build, in_place};
use super::subject::{Load, Subject};
use crate::figures::Figures;
use xtask::process::Outcome;

const STRACE: &str = r#"strace -f -c -qq -I2 -o "$OUTPUT" "$PROGRAM""#;

/// Counts the system calls of a request, with two servers: one for each load.
pub(super) fn count(subject: &Subject, scratch: &Path, figures: &mut Figures) -> Outcome<()> {
    let mut counted = Vec::new();
    for load in [Load::Single, Load::Double] {
        let directory = scratch.join(format!("{}.strace-{load:?}", subject.name));
        fs::create_dir_all(&directory)?;
        let output = directory.join("calls");
        let starter = in_place(STRACE, &Build::WithSymbols.program(subject.system), &output);
        let mut running = subject
            .system
            .start(scratch, &directory, subject.wanted, &starter)?;
        subject.send(&running, load)?;
        running.process.stop()?;
        counted.push(total(&fs::read_to_string(&output)?)?);
    }
    let each = (counted[1] - counted[0]) / subject.counted();
    figures.add(format!("{}.system_calls", subject.name), each);
    Ok(())
}

/// The number of calls in the last line of strace's table: `100.00 0.01 1 5000 12 total`.
fn total(table: &str) -> Outcome<f64> {
    let total = table
        .lines()
        .find(|line| line.ends_with(" total"))
        .ok_or("strace counted nothing")?;
    let calls = total
        .split_whitespace()
        .nth(3)
        .ok_or("strace printed an odd table")?;
    Ok(calls.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_strace_is_found() {
        let table = "% time  seconds  usecs/call  calls  errors syscall\n\
                     ------\n 60.00  0.1  5  40  2 read\n100.00  0.2  5  60  2 total\n";
        assert!((total(table).unwrap() - 60.0).abs() < f64::EPSILON);
        assert!(total("").is_err());
    }
}
