//! One round of a case: each of its systems is measured once, in turns.

use std::path::Path;

use super::cases::Case;
use super::figures::Figures;
use super::measure::{Measured, measure};
use super::systems::System;
use super::{generator, idle, start};
use xtask::process::{Outcome, say};

/// Says that a round begins, with the load average of the last minute: it tells whether other work disturbs the figures.
pub(crate) fn announce(round: usize, rounds: usize) -> Outcome<()> {
    let averages = std::fs::read_to_string("/proc/loadavg")?;
    let minute = averages.split(' ').next().unwrap_or_default();
    say(&format!("round {round} of {rounds}: load average {minute}"));
    Ok(())
}

/// Measures each system of the case once.
pub(crate) fn round(
    case: Case,
    scratch: &Path,
    round: usize,
    seconds: u32,
    figures: &mut Figures,
) -> Outcome<()> {
    match case {
        Case::Idle => idle::round(scratch, round, figures),
        Case::Start => start::round(scratch, round, figures),
        _ => compare(case, scratch, round, seconds, figures),
    }
}

/// Measures each system of the case under its load, and compares it with the echo.
fn compare(case: Case, scratch: &Path, round: usize, seconds: u32, figures: &mut Figures) -> Outcome<()> {
    if case == Case::Fixed {
        let file = scratch.join(format!("durable-{round}"));
        figures.add("disk.fdatasync_us", generator::fdatasync_us(&file)?);
    }
    let mut before: Vec<(System, Measured)> = Vec::new();
    for system in case.systems() {
        let name = format!("{}.{}", system.name(), case.name());
        let directory = scratch.join(format!("{name}-{round}"));
        let running = system.start(scratch, &directory, case.wanted(), &[])?;
        let measured = measure(case, running, seconds)?;
        say(&format!("round {round}: {name} {measured}"));
        measured.report(&name, figures);
        if case.tells_memory() {
            measured.report_memory(system.name(), figures);
        }
        for (other, theirs) in &before {
            match (system, other) {
                (_, System::Echo) => measured.compare(theirs, &name, figures),
                (System::Unsynced, System::Sqlite) => {
                    figures.add(
                        format!("sqlite.{}.rate_vs_unsynced", case.name()),
                        theirs.rate() / measured.rate(),
                    );
                }
                _ => {}
            }
        }
        before.push((*system, measured));
        // Stores of some hundred megabytes each would fill the disk.
        std::fs::remove_dir_all(&directory)?;
    }
    Ok(())
}
