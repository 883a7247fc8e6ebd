//! The store in memory passes the contract suite, so that tests may rely on it.

use std::future::{Ready, ready};

use hookgate_testkit::MemoryStore;

fn fresh() -> Ready<(MemoryStore, ())> {
    ready((MemoryStore::default(), ()))
}

hookgate_testkit::store_contract!(fresh);
