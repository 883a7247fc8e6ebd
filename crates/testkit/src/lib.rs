//! Test support, never for programs: doubles of the gate's ports, the contract suite that every store must pass, and an
//! HTTPS client. It is a dev-dependency everywhere.
//!
//! - [`FixedClock`], [`SeededEntropy`], [`ClearSeal`], [`FastPasswords`]: time, randomness and secrets under a test's control.
//! - [`MemoryStore`]: a store without a disk, for tests of code above the port.
//! - [`store_contract!`](crate::store_contract!): every sentence of the store's documentation as a test.
//! - [`samples`]: webhooks, deliveries and refusals to begin with.
//! - `browser` (feature): headless Chromium, driven by `WebDriver`.
//! - `postgres` (feature): a throw-away PostgreSQL, with a standby if wanted.
//! - [`fault_proxy`]: a connection that can be cut, stalled and redirected.
//! - [`https`]: a client that trusts the CA of a test.
//! - [`ports`]: ports for servers in other processes.

#[cfg(feature = "browser")]
pub mod browser;
pub mod contract;
mod doubles;
pub mod fault_proxy;
pub mod https;
mod memory;
pub mod ports;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod samples;

pub use doubles::{ClearSeal, FastPasswords, FixedClock, SeededEntropy};
pub use memory::MemoryStore;
