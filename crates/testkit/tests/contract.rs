//! The store in memory keeps the contract, so tests may lean on it.

use std::future::{Ready, ready};

use hookgate_testkit::MemoryStore;

fn fresh() -> Ready<(MemoryStore, ())> {
    ready((MemoryStore::default(), ()))
}

hookgate_testkit::store_contract!(fresh);
