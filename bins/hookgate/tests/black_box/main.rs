//! Black-box tests: the real binary, over real TLS, as senders and operators meet it.

mod codes;
mod command_line;
mod durability;
mod leaks;
mod lifecycle;
mod revocation;
mod support;
mod walk;
