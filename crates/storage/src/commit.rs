//! Commits of deliveries: a queue, and one thread that runs its jobs in batches, each batch in one transaction.

mod apply;
mod backend;
mod batch;
mod change;
mod checkpoint;
mod job;
mod known_rows;
mod outcomes;
mod weight;
mod worker;
pub(crate) mod writer;
