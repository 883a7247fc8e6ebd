//! `/api/v1/deliveries`: accepted and refused deliveries.

use std::sync::Arc;

use hookgate_domain::DeliveryId;
use hookgate_gate::{Gate, PeopleStore, Store};
use hookgate_people::Permission;
use hyper::StatusCode;

use super::caller::Caller;
use super::envelope::Success;
use crate::export;
use crate::payloads::delivery_page;
use hookgate_request::filter::{self, DeliveryQuery};
use hookgate_request::{AdminRequest, ApiError, ErrorCode, Limits, path_id};
use hookgate_transport::reply::{self, Reply};
use hookgate_wire::{Delivery, DeliveryRecord, ExportFormat, Page, words};

/// Deliveries, newest first. A page may have fewer rows than `limit` if the payloads are large.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries",
    operation_id = "listDeliveries",
    tag = "deliveries",
    params(
        ("webhook" = Option<words::Handle>, Query, description = "Handle of a webhook"),
        ("outcome" = Option<words::Outcome>, Query, description = "`accepted` or `refused`"),
        ("code" = Option<words::RefusalCode>, Query, description = "A refusal code"),
        ("would_be_refused" = Option<words::Only>, Query, description = "`true`: only deliveries accepted in observe mode that an enforced allowlist would refuse"),
        ("source" = Option<String>, Query, description = "An address or a network (CIDR)"),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this time (RFC 3339; without an offset it is UTC)"),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this time (RFC 3339; without an offset it is UTC)"),
        ("request_id" = Option<words::RequestId>, Query, description = "The `X-Request-Id` of a response"),
        ("limit" = Option<u16>, Query, description = "Rows per page", minimum = 1, maximum = 200),
        ("cursor" = Option<words::DeliveryId>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = Success<Page<Delivery>>)),
)]
pub(crate) async fn list<S: Store>(
    gate: &Gate<S>,
    limits: &Limits,
    caller: &Caller,
    request: &AdminRequest,
) -> Result<Reply, ApiError> {
    let query = request.query(&filter::DELIVERY_FIELDS)?;
    let DeliveryQuery { filter, size, seek } = filter::delivery_page(&query)?;
    let may_see = caller.may(Permission::SeePayloads);
    let answer = async {
        let page = delivery_page(gate, caller.actor.role(), &filter, seek, size, may_see).await?;
        Ok(reply::success(StatusCode::OK, &Page::from(page)))
    };
    if may_see {
        limits.with_payloads(answer).await
    } else {
        answer.await
    }
}

/// One delivery.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/{id}",
    operation_id = "showDelivery",
    tag = "deliveries",
    params(("id" = words::DeliveryId, Path, description = "ID of a delivery")),
    responses((status = 200, description = "The delivery", body = Success<DeliveryRecord>)),
)]
pub(crate) async fn show<S: Store>(gate: &Gate<S>, caller: &Caller, id: &str) -> Result<Reply, ApiError> {
    let id: DeliveryId = path_id(id)?;
    let record = gate
        .delivery(&caller.actor, id)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    Ok(reply::success(StatusCode::OK, &DeliveryRecord::from(&record)))
}

/// Deliveries as a file, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/export",
    operation_id = "exportDeliveries",
    tag = "deliveries",
    params(
        ("format" = Option<words::ExportFormat>, Query, description = "`csv` (the default), `excel` (CSV with a byte-order mark) or `ndjson`, which also has the payloads"),
        ("webhook" = Option<words::Handle>, Query, description = "Handle of a webhook"),
        ("outcome" = Option<words::Outcome>, Query, description = "`accepted` or `refused`"),
        ("code" = Option<words::RefusalCode>, Query, description = "A refusal code"),
        ("would_be_refused" = Option<words::Only>, Query, description = "`true`: only deliveries accepted in observe mode that an enforced allowlist would refuse"),
        ("source" = Option<String>, Query, description = "An address or a network (CIDR)"),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this time (RFC 3339; without an offset it is UTC)"),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this time (RFC 3339; without an offset it is UTC)"),
        ("request_id" = Option<words::RequestId>, Query, description = "The `X-Request-Id` of a response"),
    ),
    responses((status = 200, description = "The file", content((String = "text/csv"), (String = "application/x-ndjson")))),
)]
pub(crate) fn export<S: Store + PeopleStore>(
    gate: &Arc<Gate<S>>,
    limits: &Limits,
    caller: &Caller,
    request: &AdminRequest,
) -> Result<Reply, ApiError> {
    let query = request.query(&[
        "format",
        "webhook",
        "outcome",
        "code",
        "would_be_refused",
        "source",
        "from",
        "to",
        "request_id",
    ])?;
    let format = ExportFormat::read(query.get("format"))
        .ok_or_else(|| ApiError::field("format", "one_of", "csv, excel, ndjson"))?;
    let filter = filter::deliveries(&query)?;
    export::reply(gate, limits, caller.recipient, filter, format)
}

#[cfg(test)]
mod tests;
