//! The use cases of the gate over a store in memory, and the documents about them.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod addresses;
mod audit;
mod documentation;
mod health;
mod model;
mod nth_call;
mod people;
mod preview;
mod receive;
mod shown_once;
mod strangers;
mod timeline;
mod use_cases;

use hookgate_domain::Timestamp;
use hookgate_gate::{Gate, Ports};
use hookgate_testkit::{FixedClock, MemoryStore, samples};

/// A gate over an empty store.
fn gate() -> Gate<MemoryStore> {
    Gate::new(MemoryStore::default(), samples::ports())
}

/// A gate over an empty store, and its clock.
fn gate_at(now: Timestamp) -> (Gate<MemoryStore>, FixedClock) {
    let clock = FixedClock::at(now);
    let ports = Ports {
        clock: Box::new(clock.clone()),
        ..samples::ports()
    };
    (Gate::new(MemoryStore::default(), ports), clock)
}
