//! Deliveries with their payloads. Lists of the store have no payloads, because these may be large.

use hookgate_domain::DeliveryId;
use hookgate_gate::{
    DeliveryFilter, DeliverySummary, Gate, MAX_PAGE_BYTES, Page, PageSize, Seek, Store, StoreError,
    is_withheld_from,
};
use hookgate_people::Role;

use hookgate_wire::{Delivery, Payload};

/// Reads a page of deliveries as `role` may see them, with payloads if the role may see them and they are `wanted`.
/// The page ends early if the payloads are large.
///
/// # Errors
/// [`StoreError`] if the store can't tell.
pub async fn delivery_page<S: Store>(
    gate: &Gate<S>,
    role: Role,
    filter: &DeliveryFilter,
    seek: Seek,
    size: PageSize,
    wanted: bool,
) -> Result<Page<Delivery, DeliveryId>, StoreError> {
    let Page { items, next } = gate.delivery_page(role, filter, seek, size).await?;
    if is_withheld_from(role) || !wanted {
        let items = items.iter().map(Delivery::from).collect();
        return Ok(Page { items, next });
    }
    let (mut read, mut bytes) = (Vec::with_capacity(items.len()), 0_usize);
    let mut last = None;
    for summary in &items {
        let delivery = with_payload(gate.store(), summary).await?;
        bytes += delivery.payload.as_ref().map_or(0, Payload::encoded_bytes);
        if last.is_some() && bytes > MAX_PAGE_BYTES {
            return Ok(Page {
                items: read,
                next: last,
            });
        }
        read.push(delivery);
        last = Some(summary.id);
    }
    Ok(Page { items: read, next })
}

/// A delivery with its payload.
///
/// # Errors
/// [`StoreError`] if the store can't tell.
pub(crate) async fn with_payload<S: Store>(
    store: &S,
    summary: &DeliverySummary,
) -> Result<Delivery, StoreError> {
    let record = store.delivery_by_id(summary.id).await?;
    let payload = record.and_then(|record| record.payload);
    Ok(Delivery {
        payload: payload.as_deref().map(Payload::of),
        ..Delivery::from(summary)
    })
}
