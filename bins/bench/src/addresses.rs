//! Benchmark of matching an address against 10,000 networks, which is a bench target of `hookgate-domain`.

use std::process::Command;

use serde_json::{Map, Value};

use super::figures::Figures;
use xtask::process::{self, Outcome, cargo};

/// Runs the benchmark, which prints its figures.
pub(crate) fn print() -> Outcome<()> {
    process::run(&mut command())
}

/// Runs the benchmark and adds its figures.
pub(crate) fn measure(figures: &mut Figures) -> Outcome<()> {
    let output = command().output()?;
    let measured: Map<String, Value> = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("the match of an address was not measured: {}", output.status))?;
    for (name, value) in measured {
        figures.add(name, value.as_f64().ok_or("an odd figure")?);
    }
    Ok(())
}

fn command() -> Command {
    let mut command = cargo();
    command.args(["bench", "--quiet", "--locked", "--package", "hookgate-domain"]);
    command.args(["--bench", "networks"]);
    command
}
