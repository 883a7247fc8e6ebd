//! The console in a real browser: the real binary, over real TLS.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod access;
mod addresses;
mod forms;
mod hostile;
#[path = "../black_box/node.rs"]
mod node;
mod observing;
mod people;
mod person;
#[expect(dead_code, reason = "the black-box tests use all of it")]
#[path = "../black_box/publisher.rs"]
mod publisher;
mod stories;
#[expect(dead_code, reason = "the black-box tests use all of it")]
#[path = "../black_box/support.rs"]
mod support;
mod zone;

/// The store of these tests.
const STORE: support::Store = support::Store::Embedded;
