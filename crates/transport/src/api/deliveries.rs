//! `/api/v1/deliveries`: what was delivered and what was refused.

use hookgate_domain::DeliveryId;
use hookgate_gate::{Gate, Seek, Store};
use hyper::StatusCode;

use crate::console::call::Call;
use crate::console::fault::{Code, Fault};
use crate::console::filter;
use crate::reply::{self, Reply};
use crate::wire::{Delivery, Page};

/// Deliveries, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries",
    tag = "deliveries",
    params(
        ("webhook" = Option<String>, Query, description = "Handle of a webhook"),
        ("outcome" = Option<String>, Query, description = "`accepted` or `refused`"),
        ("code" = Option<String>, Query, description = "A refusal code"),
        ("source" = Option<String>, Query, description = "An address or a network (CIDR)"),
        ("from" = Option<String>, Query, description = "Not before this time (RFC 3339)"),
        ("to" = Option<String>, Query, description = "Before this time (RFC 3339)"),
        ("limit" = Option<u16>, Query, description = "Rows of a page", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
    ),
    responses((status = 200, description = "A page", body = super::document::Success<Page<Delivery>>)),
)]
pub(crate) async fn list<S: Store>(gate: &Gate<S>, call: &Call) -> Result<Reply, Fault> {
    let query = call.query(&filter::DELIVERY_FIELDS)?;
    let (filter, size) = (filter::deliveries(&query)?, filter::page_size(&query)?);
    let seek = query.read("cursor")?.map_or(Seek::Newest, Seek::Before);
    let rows = gate.store().delivery_page(&filter, seek, size).await?;
    let next = filter::next(&rows, size, |row| row.id.to_string());
    let items = rows.iter().map(Delivery::from).collect();
    Ok(reply::success(StatusCode::OK, &Page { items, next }))
}

/// One delivery.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/{id}",
    tag = "deliveries",
    params(("id" = String, Path, description = "ID of a delivery")),
    responses((status = 200, description = "The delivery", body = super::document::Success<Delivery>)),
)]
pub(crate) async fn show<S: Store>(gate: &Gate<S>, id: &str) -> Result<Reply, Fault> {
    let id: DeliveryId = id.parse().map_err(|_| Code::NotFound)?;
    let record = gate.store().delivery_by_id(id).await?.ok_or(Code::NotFound)?;
    Ok(reply::success(StatusCode::OK, &Delivery::from(&record)))
}
