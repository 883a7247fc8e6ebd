//! `cargo xtask fuzz`: searches for input that breaks the parsers. It needs no nightly compiler: the coverage that
//! guides libFuzzer is a pass of the stable one.

use std::path::Path;
use std::process::Command;

use clap::Args;

use xtask::process::{self, Outcome, cargo, need, root, say};

/// Programs that build libFuzzer, with the Debian package of each.
const PROGRAMS: [(&str, &str); 1] = [("c++", "g++")];

/// The targets: functions of `crates/fuzz`.
const TARGETS: [&str; 17] = [
    "client_address",
    "proxy_header",
    "allowlist",
    "address_list",
    "webhook_id",
    "names",
    "query",
    "payload",
    "message",
    "form",
    "multipart",
    "gzip",
    "mapping",
    "signature",
    "signature_scheme",
    "http1",
    "configuration",
];

/// Most corpus files of one target. They are few, so that people read them like other tests.
const MOST_KEPT: usize = 59;

/// Compiler flags that count edges and report comparisons to libFuzzer.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions";

#[derive(Args)]
pub(crate) struct FuzzArguments {
    /// Fuzz only this target
    target: Option<String>,
    /// Executions of each target
    #[arg(long, default_value_t = 10_000_000)]
    runs: u64,
    /// Instead of a search, keep the files that widen the coverage, smallest first
    #[arg(long)]
    minimize: bool,
}

pub(crate) fn run(arguments: &FuzzArguments) -> Outcome<()> {
    need(&PROGRAMS)?;
    let target_directory = root().join("target/fuzz");
    let host = host()?;
    process::run(
        cargo()
            .args([
                "build",
                "--release",
                "--locked",
                "--package",
                "hookgate-fuzz",
                "--features",
                "libfuzzer",
            ])
            // An explicit target keeps the flags away from build scripts.
            .args(["--target", &host])
            .env("CARGO_TARGET_DIR", &target_directory)
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_STRIP", "none")
            .env("RUSTFLAGS", COVERAGE),
    )?;
    let programs = target_directory.join(&host).join("release");
    for target in TARGETS {
        if arguments.target.as_deref().is_none_or(|only| only == target) {
            fuzz(&programs, target, arguments)?;
        }
    }
    Ok(())
}

fn fuzz(programs: &Path, target: &str, arguments: &FuzzArguments) -> Outcome<()> {
    let kept = root().join("crates/fuzz/corpus").join(target);
    let found = root().join("target/fuzz/corpus").join(target);
    std::fs::create_dir_all(&found)?;
    let mut program = Command::new(programs.join(format!("fuzz_{target}")));
    program
        .current_dir(root().join("target/fuzz"))
        .arg("-max_len=512");
    if arguments.minimize {
        return minimize(&mut program, target, &kept, &found);
    }
    say(&format!("{target}: {} executions", arguments.runs));
    process::run(
        program
            .arg(format!("-runs={}", arguments.runs))
            .args(["-print_final_stats=1", "-verbosity=1"])
            .arg(&found)
            .arg(&kept),
    )
}

/// Replaces the corpus by the few files, of it and of the new ones, that together reach most of the code.
fn minimize(program: &mut Command, target: &str, kept: &Path, found: &Path) -> Outcome<()> {
    say(&format!("{target}: what reaches new code is kept"));
    let chosen = root().join("target/fuzz/chosen").join(target);
    if chosen.exists() {
        std::fs::remove_dir_all(&chosen)?;
    }
    std::fs::create_dir_all(&chosen)?;
    // The number of times that code is reached does not count here: it would keep hundreds of files.
    process::run(
        program
            .args(["-set_cover_merge=1", "-use_counters=0"])
            .arg(&chosen)
            .arg(kept)
            .arg(found),
    )?;
    // libFuzzer wrote the files in the order of their gain.
    let mut files: Vec<_> = std::fs::read_dir(&chosen)?.collect::<Result<_, _>>()?;
    files.sort_by_cached_key(|file| file.metadata().and_then(|data| data.modified()).ok());
    std::fs::remove_dir_all(kept)?;
    std::fs::create_dir(kept)?;
    for file in files.iter().take(MOST_KEPT) {
        std::fs::copy(file.path(), kept.join(file.file_name()))?;
    }
    Ok(())
}

/// The target triple of this machine.
fn host() -> Outcome<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.ok_or("rustc does not tell its host")?.to_owned())
}
