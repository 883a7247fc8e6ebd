//! Deliveries with their payloads, which lists of the store leave out because they may be large.

use hookgate_domain::DeliveryId;
use hookgate_gate::{DeliveryFilter, Page, PageSize, Seek, Store, StoreError};

use crate::wire::{Delivery, Payload};

/// Bytes of payloads after which a page ends: a bound on memory, whatever the deliveries are.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A page of deliveries, with their payloads for who may see them. It ends early where they are large.
///
/// # Errors
/// [`StoreError`] if the store can't tell.
pub async fn delivery_page<S: Store>(
    store: &S,
    filter: &DeliveryFilter,
    seek: Seek,
    size: PageSize,
    may_see: bool,
) -> Result<Page<Delivery, DeliveryId>, StoreError> {
    let Page { items, next } = store.delivery_page(filter, seek, size).await?;
    let (mut read, mut bytes) = (Vec::with_capacity(items.len()), 0_usize);
    let last = items.last().map(|summary| summary.id);
    for summary in &items {
        let mut delivery = Delivery::from(summary);
        if may_see && let Some(record) = store.delivery_by_id(summary.id).await? {
            bytes += record.payload.as_ref().map_or(0, Vec::len);
            delivery.payload = record.payload.as_deref().map(Payload::of);
        }
        read.push(delivery);
        if bytes >= MAX_BYTES && last != Some(summary.id) {
            return Ok(Page {
                items: read,
                next: Some(summary.id),
            });
        }
    }
    Ok(Page { items: read, next })
}
