//! Calls from Hookgate to others. Only published lists of addresses are read so: HTTPS only, from the internet alone, bounded in
//! time and size. Listeners and people are unknown here.

mod fetch;

pub use fetch::{Fetcher, FetcherError, MAX_DOCUMENT, check_list_url};
