//! The `hookgate` program.

use std::process::ExitCode;

/// What deliveries allocate on one thread is freed on another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hookgate::run()
}
