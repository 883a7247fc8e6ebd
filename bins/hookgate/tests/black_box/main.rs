//! Black-box tests: the real binary, over real TLS, from the side of senders and operators.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod access;
mod answers;
mod digests;
mod environment;
#[path = "../every_store/mod.rs"]
mod every_store;
mod handshakes;
mod incidents;
mod large_rows;
mod lifecycle;
mod lost_answers;
mod masking;
mod mistakes;
mod moving;
mod names;
mod near_misses;
mod notes;
mod observing;
mod outsiders;
mod published_lists;
mod restoring;
mod sealing;
mod sessions;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod texts;
mod tls;
mod walk;

/// The store of these tests.
const STORE: support::Store = support::Store::Embedded;
