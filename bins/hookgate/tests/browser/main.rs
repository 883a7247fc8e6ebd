//! The console in a real browser: the real binary, over real TLS.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod access;
mod addresses;
mod forms;
mod hostile;
mod observing;
mod people;
mod person;
mod stories;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the black-box tests use all of it")]
mod support;
mod zone;

/// The store of these tests.
const STORE: support::Store = support::Store::Embedded;
