//! What tests need and programs must never have: doubles of the gate's ports, and the contract that every store is held
//! to. It is a dev-dependency everywhere.
//!
//! - [`FixedClock`], [`SeededEntropy`], [`ClearSeal`]: time, randomness and secrets that a test decides on.
//! - [`MemoryStore`]: a store without a disk, for tests of what stands above the port.
//! - [`store_contract!`](crate::store_contract!): every sentence of the store's documentation as a test.
//! - [`samples`]: webhooks, deliveries and refusals to begin with.

pub mod contract;
mod doubles;
mod memory;
pub mod samples;

pub use doubles::{ClearSeal, FixedClock, SeededEntropy};
pub use memory::MemoryStore;
