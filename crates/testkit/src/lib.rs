//! For tests only: doubles of the gate's ports, the contract of a store, and an HTTPS client.

pub mod https;
