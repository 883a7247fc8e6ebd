//! The server with an allocator that counts, for `cargo xtask bench instructions`. At the end it writes two numbers into
//! the file that `ALLOCATION_COUNTS` names: allocations, and the bytes of all of them.

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let code = hookgate::run();
    let counts = ALLOCATOR.stats();
    let text = format!(
        "{} {}\n",
        counts.allocations + counts.reallocations,
        counts.bytes_allocated
    );
    match std::env::var_os("ALLOCATION_COUNTS").map(|file| std::fs::write(file, text)) {
        Some(Ok(())) => code,
        _ => ExitCode::FAILURE,
    }
}
