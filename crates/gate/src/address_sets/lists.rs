//! Reads published documents off the threads that serve, one at a time: the largest takes tens of milliseconds.

use std::sync::Arc;

use hookgate_domain::Networks;
use hookgate_domain::address_set::{Provider, SetFilter};
use hookgate_senders::{AddressListError, read_address_list};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::{Gate, Store};

/// Documents read at the same time.
const LISTS_AT_ONCE: usize = 1;

/// Reads published lists.
pub(crate) struct ListReader(Arc<Semaphore>);

impl Default for ListReader {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LISTS_AT_ONCE)))
    }
}

impl<S: Store> Gate<S> {
    /// The networks of a published document that pass the filter.
    ///
    /// # Errors
    /// [`AddressListError`], which names the entry that is at fault.
    pub async fn address_list_read(
        &self,
        provider: Provider,
        filter: SetFilter,
        document: Vec<u8>,
    ) -> Result<Networks, AddressListError> {
        // Nobody closes the semaphore.
        let turn = Arc::clone(&self.lists.0).acquire_owned().await;
        let reading = spawn_blocking(move || {
            // The reading goes on if the caller is dropped, so the permit moves into it.
            let _turn = turn;
            read_address_list(provider, &filter, &document)
        });
        match reading.await {
            Ok(read) => read,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(AddressListError::Stopping),
        }
    }
}
