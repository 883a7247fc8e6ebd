//! Hostile peers: requests that two parsers would read differently, and attacks on the resources of a server. The real
//! binary, over real TLS.
//!
//! The attacks here are short; `cargo xtask endurance` runs them longer, and checks the pace of the senders beside them.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]
#![expect(clippy::print_stdout, reason = "figures of a run are what it is for")]

mod answers;
mod attackers;
mod cases;
mod corpus;
mod crowds;
mod eviction;
mod floods;
mod frames;
mod front;
mod peer;
mod readers;
mod requests;
mod slow;
mod stage;
mod strangers;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the black-box tests use all of it")]
mod support;
mod unfinished;
mod untaken;

/// The store of these tests.
const STORE: support::Store = support::Store::Embedded;
