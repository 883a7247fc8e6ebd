//! Black-box tests: the real binary, over real TLS, as senders and operators meet it.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod api;
mod codes;
mod command_line;
mod durability;
mod leaks;
mod lifecycle;
mod people;
mod revocation;
mod support;
mod walk;
