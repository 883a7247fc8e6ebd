//! What this process has in memory is nobody else's: the secrets of senders and people pass through it.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::failure::Failure;

/// Forbids core dumps, also those that a system pipes to a collector, which no limit keeps back. With that, only root may
/// look into this process, not everything that runs as the same user.
pub(crate) fn keep_private() -> Result<(), Failure> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| Failure::failed(format!("can't switch core dumps off: {error}")))
}
