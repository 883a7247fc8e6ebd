//! Outbound requests. Hookgate makes them only to read published lists of addresses: HTTPS only, from public addresses,
//! bounded in time and size. The crate knows neither listeners nor people.

mod fetch;
mod target;

pub use fetch::{Fetcher, FetcherError, MAX_DOCUMENT};
pub use target::check_list_url;
