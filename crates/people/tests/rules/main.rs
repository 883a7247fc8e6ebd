//! The rules of people through the public API only.

mod alike;
mod ends;
mod people;

use hookgate_domain::Timestamp;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
