//! Log lines at a bounded rate.

mod log_interval;

pub use log_interval::{LOG_INTERVAL, LogInterval};
