//! A source that is probably a proxy which is not configured as trusted.

use std::time::Duration;

use hookgate_domain::networks::is_private;

use crate::{Gate, SoleSource, Store, StoreError};

/// Time over which [`Gate::proxy_suspect`] looks for a single source.
const SOLE_SOURCE_SPAN: Duration = Duration::from_hours(1);
/// Minimum number of deliveries from which a single source suggests a proxy.
const SOLE_SOURCE_DELIVERIES: u64 = 2;

impl<S: Store> Gate<S> {
    /// The single private address that all deliveries of the last hour came from, if there is one: probably a proxy
    /// that is not configured as trusted.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn proxy_suspect(&self) -> Result<Option<SoleSource>, StoreError> {
        let found = self
            .store
            .sole_source(self.now().before(SOLE_SOURCE_SPAN))
            .await?;
        Ok(found.filter(|lone| is_private(lone.address) && lone.deliveries >= SOLE_SOURCE_DELIVERIES))
    }
}
