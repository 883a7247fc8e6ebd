//! The store in memory keeps the contract, so tests may lean on it.

use hookgate_testkit::MemoryStore;

fn fresh() -> (MemoryStore, ()) {
    (MemoryStore::default(), ())
}

hookgate_testkit::store_contract!(fresh);
