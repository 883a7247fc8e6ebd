//! The tasks that contributors and CI run. `cargo xtask test` and `cargo xtask lint` install the tools that they need
//! and say so.

mod bounds;
mod coverage;
mod endurance;
mod fuzz;
mod gallery;
mod lint;
mod mutants;
mod named_tests;
mod retired_words;
mod screenshots;
mod test;
mod tools;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::process::{self, cargo};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run all tests of the workspace, including doctests
    Test(test::TestArguments),
    /// Check format, clippy, dependencies and documentation, and that the tests and bounds that documents name exist
    Lint,
    /// Measure the gate against a bare server, as ratios in one run
    #[command(disable_help_flag = true)]
    Bench {
        /// See `cargo xtask bench --help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run the tests of several nodes and of faults under large loads, and one long steady load
    Endurance,
    /// Search for input that breaks the parsers
    Fuzz(fuzz::FuzzArguments),
    /// Measure how much of the domain crate its tests cover
    Coverage,
    /// Change the domain crate in small ways and check that its tests notice
    Mutants(mutants::MutantsArguments),
    /// Write the console's pages with sample data into a directory
    Gallery(gallery::GalleryArguments),
    /// Make a picture of every page of the gallery
    Screenshots(screenshots::ScreenshotsArguments),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test(arguments) => test::run(&arguments),
        Task::Lint => lint::run(),
        Task::Bench { arguments } => process::run(
            cargo()
                .args([
                    "run",
                    "--quiet",
                    "--locked",
                    "--package",
                    "bench",
                    "--bin",
                    "bench",
                    "--",
                ])
                .args(arguments),
        ),
        Task::Endurance => endurance::run(),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Coverage => coverage::run(),
        Task::Mutants(arguments) => mutants::run(&arguments),
        Task::Gallery(arguments) => gallery::run(&arguments),
        Task::Screenshots(arguments) => screenshots::run(&arguments),
    };
    process::exit(done)
}
