//! Black-box tests: the real binary, over real TLS, from the side of senders and operators.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod access;
mod addresses;
mod answers;
mod api;
mod audit;
mod codes;
mod command_line;
mod digests;
mod durability;
mod environment;
mod everywhere;
mod exports;
mod handshakes;
mod idempotency;
mod incidents;
mod large_rows;
mod leaks;
mod lifecycle;
mod lost_answers;
mod masking;
mod mistakes;
mod moving;
mod names;
mod near_misses;
mod needles;
mod node;
mod notes;
mod observing;
mod openapi;
mod outsiders;
mod paging;
mod people;
mod program;
mod published_lists;
mod publisher;
mod readers;
mod refused_payloads;
mod restoring;
mod revocation;
mod sealing;
mod sessions;
mod strangers;
mod support;
mod terminal;
mod texts;
mod tls;
mod visitor;
mod walk;
mod warnings;

/// The store of these tests.
const STORE: support::Store = support::Store::Embedded;
