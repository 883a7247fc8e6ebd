//! Code that the tasks of contributors and the benchmark share.

pub mod process;
