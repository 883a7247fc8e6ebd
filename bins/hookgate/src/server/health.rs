//! How the store is, for those who watch the server.

use std::sync::Arc;

use hookgate_admin::{BoxFuture, StoreHealth};
use hookgate_gate::{Gate, StoreError};
use hookgate_storage::Database;

/// The setting that is written to see whether anything can be: when it was tried last.
const TRIED_AT: &str = "write_tried_at";

/// The store of a running server.
pub(super) struct Health(pub(super) Arc<Gate<Database>>);

impl StoreHealth for Health {
    fn write(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let store = self.0.store();
            if !store.is_writing() {
                return Err(StoreError::Unavailable {
                    what: "commit deliveries",
                    source: None,
                });
            }
            // Another value each time: the same one again might not reach the disk.
            let now = self.0.now().as_micros().to_string();
            store.set_setting(TRIED_AT, &now).await
        })
    }

    fn bytes(&self) -> BoxFuture<'_, u64> {
        Box::pin(self.0.store().bytes())
    }
}
