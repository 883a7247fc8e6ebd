//! Protects the memory of this process from other programs, because it holds secrets of senders and members.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::failure::Failure;

/// Disables core dumps, including those that the system pipes to a collector, which `RLIMIT_CORE` does not stop. Also, only
/// root may inspect this process, not every process of the same user.
pub(crate) fn keep_private() -> Result<(), Failure> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| Failure::failed(format!("can't switch core dumps off: {error}")))
}
