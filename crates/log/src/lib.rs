//! Log lines at a bounded pace, whatever causes them.

mod log_interval;

pub use log_interval::{LOG_INTERVAL, LogInterval};
