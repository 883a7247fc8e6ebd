//! `cargo xtask mutants`: mutation testing. It changes the domain crate in one small way after another and expects its
//! tests to notice each change. `.cargo/mutants.toml` has the exclusions and their reasons. It takes some hours.

use clap::Args;

use xtask::process::{self, Outcome, cargo, need_cargo_tool, root};

/// Version of cargo-mutants with which the figures were measured.
const CARGO_MUTANTS: &str = "27.1.0";

#[derive(Args)]
pub(crate) struct MutantsArguments {
    /// Mutate only files of this name, for instance `secret.rs`
    #[arg(long)]
    file: Option<String>,
    /// Run only one part of several, for instance `0/8`
    #[arg(long)]
    shard: Option<String>,
}

pub(crate) fn run(arguments: &MutantsArguments) -> Outcome<()> {
    need_cargo_tool("mutants", "cargo-mutants", CARGO_MUTANTS)?;
    let options = [("--file", &arguments.file), ("--shard", &arguments.shard)];
    let chosen = options
        .into_iter()
        .filter_map(|(name, value)| value.as_deref().map(|value| [name, value]));
    process::run(
        cargo()
            .args(["mutants", "--package", "hookgate-domain", "--output"])
            .arg(root().join("target"))
            .args(chosen.flatten()),
    )
}
