//! The `hookgate` command: parses the command line, runs one command, and returns its exit code. It is a library so that the
//! code that reads a configuration can be fuzzed.

mod adapters;
mod app;
mod certificate_files;
mod cli;
mod commands;
mod config;
mod core_dumps;
mod descriptors;
mod dev_certificate;
mod effect;
mod failure;
mod file_problem;
mod logging;
mod output;
mod people_output;
mod progress;
mod sealing;
mod server;
mod table;
mod text_input;

use std::process::ExitCode;

use crate::cli::Cli;
pub use crate::config::{ConfigReport, tell_configuration};

/// Runs the command line.
#[must_use]
pub fn run() -> ExitCode {
    logging::withhold_panic_messages();
    let arguments: Vec<_> = std::env::args_os().collect();
    let cli = match Cli::read(&arguments) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let json = cli.options.json;
    match core_dumps::keep_private().and_then(|()| commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}
