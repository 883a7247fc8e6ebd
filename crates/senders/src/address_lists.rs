//! Parsers of published address lists. One unreadable entry refuses the whole document: a list with holes would lose
//! deliveries silently.
//!
//! A document is parsed in one pass. Unwanted parts are skipped, nothing but the networks is kept, and parsing ends at the
//! first wrong entry or above [`MAX_NETWORKS`](hookgate_domain::networks::MAX_NETWORKS). So a publisher controls neither the memory nor the time that parsing takes.

mod error;
mod providers;
mod wanted;

use hookgate_domain::Networks;
use hookgate_domain::address_set::{Provider, SetFilter};
use hookgate_domain::networks::misread_pair;
use hookgate_domain::text::read_text;

pub use error::AddressListError;
use wanted::Wanted;

/// Reads a published document and returns the networks that match the filter.
///
/// # Errors
/// [`AddressListError`]. If one entry is wrong, the error quotes it.
pub fn read_address_list(
    provider: Provider,
    filter: &SetFilter,
    document: &[u8],
) -> Result<Networks, AddressListError> {
    let text = &*read_text(document)?;
    let mut wanted = Wanted::default();
    if provider == Provider::List && !text.trim_ascii_start().starts_with('[') {
        plain(text, &mut wanted)?;
    } else {
        providers::read(provider, filter, text, &mut wanted)?;
    }
    let networks = Networks::of(wanted.networks).map_err(|_| AddressListError::TooLong)?;
    if networks.as_slice().is_empty() {
        return Err(AddressListError::Empty);
    }
    networks.check_width()?;
    Ok(networks)
}

/// Reads a plain list: networks separated by commas or white space, with comments from `#` to the end of a line.
fn plain(text: &str, wanted: &mut Wanted) -> Result<(), AddressListError> {
    let parts = text
        .lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(|line| line.split(','));
    for part in parts {
        let mut words = part.split_ascii_whitespace().peekable();
        while let Some(word) = words.next() {
            if let Some(next) = words.peek()
                && let Some(source) = misread_pair(word, next)
            {
                return Err(wanted.fault(&format!("{word} {next}"), source));
            }
            wanted.take(word)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
