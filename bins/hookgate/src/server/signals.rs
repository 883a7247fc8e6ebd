//! Signals of a server: two that stop it, and one that must not end it.

use std::fmt::Display;

use tokio::signal::unix::{self, SignalKind, signal};

use crate::failure::Failure;

/// SIGXFSZ, which the kernel sends if a file would exceed the process's size limit, on every Linux that Hookgate is built
/// for.
const SIGXFSZ: i32 = 25;

/// Catches SIGXFSZ, so that a write beyond the file size limit fails as on a full disk, instead of ending the process.
pub(super) fn outlive_file_limit() -> Result<(), Failure> {
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop).map_err(unheeded)
}

/// Catches SIGTERM and SIGINT from now on.
pub(super) fn stop_signals() -> Result<[unix::Signal; 2], Failure> {
    let [terminate, interrupt] = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    Ok([terminate.map_err(unheeded)?, interrupt.map_err(unheeded)?])
}

/// The failure of listening for a signal.
pub(super) fn unheeded(error: impl Display) -> Failure {
    Failure::failed(format!("can't listen for signals: {error}"))
}
