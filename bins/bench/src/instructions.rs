//! `cargo xtask bench instructions`: the cost of a request in instructions of user space, allocations and system calls.
//!
//! Unlike time, these are nearly the same in every run and on every machine with the same compiler. Each server gets two
//! loads, the second twice as large. The difference is the cost of the requests that the second load has more:
//! handshakes are in both.

mod allocations;
mod bounds;
mod callgrind;
mod parts;
mod profile;
mod starter;
mod subject;
mod system_calls;

use std::path::Path;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::figures::Figures;
use super::systems::System;
use super::{generator, server};
use callgrind::Instructions;
use starter::Build;
use subject::{DELIVERY, SUBJECTS};
use xtask::process::{Outcome, cargo, need, need_postgres, run as run_program};

/// Programs that count and send, with the Debian package of each.
const PROGRAMS: [(&str, &str); 3] = [
    ("valgrind", "valgrind"),
    ("h2load", "nghttp2-client"),
    ("taskset", "util-linux"),
];
/// The program that counts system calls. Their number depends on how requests meet, so it has no bound.
const STRACE: (&str, &str) = ("strace", "strace");

/// Times that a count above its bound is taken again by the check. The least count is compared: other work on the machine
/// only adds to it, because the gate flushes some of its state every 10 ms and smaller batches cost more each.
const MORE_TRIES: usize = 2;

/// Treatment of the counts; by default a table of each with its parts.
#[derive(Args)]
pub(super) struct CountsArguments {
    /// Compare the counts of `instructions` with their bounds; fail if one is 5 % above its bound
    #[arg(long, requires = "part")]
    check: bool,
    /// Make the counts of `instructions` their new bounds
    #[arg(long, requires = "part", conflicts_with = "check")]
    write: bool,
    /// Count `instructions` of this kind of request only, as `delivery`; several by repeating
    #[arg(
        long,
        value_name = "NAME",
        value_parser = PossibleValuesParser::new(SUBJECTS.map(|subject| subject.name)),
        requires = "part",
        conflicts_with_all = ["check", "write"]
    )]
    subject: Vec<String>,
}

/// Measures every subject.
pub(super) fn run(arguments: &CountsArguments, scratch: &Path, figures: &mut Figures) -> Outcome<()> {
    need(&PROGRAMS)?;
    need_postgres()?;
    let build = if arguments.check || arguments.write {
        Build::Release
    } else {
        Build::WithSymbols
    };
    build_programs(build)?;
    let chosen = &arguments.subject;
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|chosen| chosen == name);
    for subject in SUBJECTS.iter().filter(|subject| is_chosen(subject.name)) {
        if build == Build::Release && subject.system == System::Echo {
            // The echo has no bounds.
            continue;
        }
        if build == Build::WithSymbols {
            system_calls::count(subject, scratch, figures)?;
        }
        let name = format!("{}.instructions", subject.name);
        let mut counted = Instructions::count(subject, build, scratch)?;
        for _ in 0..MORE_TRIES {
            if !arguments.check || !bounds::is_exceeded(&name, counted.all)? {
                break;
            }
            let again = Instructions::count(subject, build, scratch)?;
            counted.all = counted.all.min(again.all);
        }
        if build == Build::WithSymbols {
            counted.report_parts(subject, figures)?;
        }
        figures.add(name, counted.all);
    }
    if is_chosen(DELIVERY.name) {
        let mut allocated = allocations::count(scratch)?;
        for _ in 0..MORE_TRIES {
            if !arguments.check || !allocated.is_exceeded()? {
                break;
            }
            allocated = allocated.least(allocations::count(scratch)?);
        }
        allocated.report(figures);
    }
    if arguments.check {
        bounds::check(figures)?;
    }
    if arguments.write {
        bounds::write(figures)?;
    }
    Ok(())
}

fn build_programs(build: Build) -> Outcome<()> {
    server::build()?;
    generator::build()?;
    if build == Build::WithSymbols {
        need(&[STRACE])?;
        let symbols = ["build", "--profile", "symbols", "--locked", "--package"];
        run_program(cargo().args(symbols).arg("hookgate"))?;
        let echo = ["hookgate-transport", "--example", "bare_echo"];
        run_program(cargo().args(symbols).args(echo))?;
    }
    allocations::build()
}
