//! Refusals on their way to the record: identical ones are counted together, and the number that waits is bounded.

pub(crate) mod coalescer;
pub(crate) mod folder;
pub(crate) mod queue;
