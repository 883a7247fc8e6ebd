//! Signals that a server heeds: those that stop it, and one that it outlives.

use std::fmt::Display;

use tokio::signal::unix::{self, SignalKind, signal};

use crate::failure::Failure;

/// What the system sends when a file would grow beyond the process's limit, on every Linux that Hookgate is built for.
const SIGXFSZ: i32 = 25;

/// A write beyond the limit of a file's size fails from now on, as on a full disk, instead of ending the process.
pub(super) fn outlive_file_limit() -> Result<(), Failure> {
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop).map_err(unheeded)
}

/// Heeds SIGTERM and SIGINT from now on.
pub(super) fn stop_signals() -> Result<[unix::Signal; 2], Failure> {
    let [terminate, interrupt] = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    Ok([terminate.map_err(unheeded)?, interrupt.map_err(unheeded)?])
}

/// The failure of a signal that can't be listened to.
pub(super) fn unheeded(error: impl Display) -> Failure {
    Failure::failed(format!("can't listen for signals: {error}"))
}
