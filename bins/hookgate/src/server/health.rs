//! The health of the store, for readiness checks and metrics.

use std::sync::Arc;

use hookgate_admin::{BoxFuture, StoreHealth};
use hookgate_gate::{Gate, StoreError};
use hookgate_storage::Database;

/// The setting that a write probe sets: the time of the last probe.
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
            // A new value each time, because the same one might not reach the disk.
            let now = self.0.now().as_micros().to_string();
            store.set_setting(TRIED_AT, &now).await
        })
    }

    fn bytes(&self) -> BoxFuture<'_, u64> {
        Box::pin(self.0.store().bytes())
    }
}
