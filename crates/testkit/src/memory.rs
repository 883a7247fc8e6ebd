//! A store in memory. It keeps the contract in the simplest way: one lock, a few maps, and a scan for every query.

mod address_sets;
mod changes;
mod commit;
mod history;
mod observation;
mod people;
mod search;
mod state;
mod store;
mod usage;

pub use state::MemoryStore;
