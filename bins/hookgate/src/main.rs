//! The `hookgate` program.

use std::process::ExitCode;

/// Deliveries allocate memory on one thread and free it on another, which is slow with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hookgate::run()
}
