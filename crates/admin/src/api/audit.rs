//! `/api/v1/audit`: the audit trail.

use std::sync::Arc;

use hookgate_gate::{Gate, PeopleStore, Store};
use hyper::StatusCode;

use super::caller::Caller;
use super::envelope::Success;
use crate::audit_export;
use hookgate_request::filter::{self, AuditNames};
use hookgate_request::{AdminRequest, ApiError, Limits};
use hookgate_transport::reply::{self, Reply};
use hookgate_wire::{AuditEntry, Page, words};

const NAMES: AuditNames = AuditNames {
    actor: "actor",
    acts: "act",
    subject: "subject",
};
const FILTER: [&str; 5] = ["act", "subject", "actor", "from", "to"];

/// The audit trail, newest first. A page may have fewer rows than `limit` if the rows are large.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "listAudit",
    tag = "people",
    params(
        ("act" = Option<words::AuditActs>, Query, description = "An event, for example `webhook.revoke`, or a family of events: `webhook`"),
        ("subject" = Option<String>, Query, description = "What it was done to: a handle, an ID, an incident or the exact name. An unknown name is an error"),
        ("actor" = Option<String>, Query, description = "Who did it: the ID or name of a member or token (removed ones too), `command-line`, `system`, or a name with its kind: `token:deploy`. An unknown name is an error"),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this time (RFC 3339)"),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this time (RFC 3339)"),
        ("limit" = Option<u16>, Query, description = "Rows per page", minimum = 1, maximum = 200),
        ("cursor" = Option<words::Number>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = Success<Page<AuditEntry>>)),
)]
pub(crate) async fn list<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: &AdminRequest,
) -> Result<Reply, ApiError> {
    let query = request.query(&[&FILTER[..], &["limit", "cursor"]].concat())?;
    let size = filter::page_size(&query)?;
    let before = query.read::<i64>("cursor")?;
    if before.is_some_and(|entry| entry < 1) {
        return Err(ApiError::field("cursor", "range", "1 or more"));
    }
    let asked = filter::audit(&query, &NAMES)?;
    let filter = gate
        .audit_filter(&caller.actor, asked)
        .await
        .map_err(|error| NAMES.fault(error))?;
    let found = gate.audit_page(&caller.actor, &filter, before, size).await?;
    let page = Page {
        items: found.items.iter().map(AuditEntry::from).collect(),
        next: found.next.map(|id| id.to_string()),
    };
    Ok(reply::success(StatusCode::OK, &page))
}

/// The audit trail as a file, newest first. The export is recorded in the audit trail too.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export",
    operation_id = "exportAudit",
    tag = "people",
    params(
        ("format" = Option<words::ExportFormat>, Query, description = "`csv` (the default) or `ndjson`"),
        ("act" = Option<words::AuditActs>, Query, description = "An event or a family of events"),
        ("subject" = Option<String>, Query, description = "What it was done to, as in the list"),
        ("actor" = Option<String>, Query, description = "Who did it, as in the list"),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this time (RFC 3339)"),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this time (RFC 3339)"),
    ),
    responses((status = 200, description = "The file", content((String = "text/csv"), (String = "application/x-ndjson")))),
)]
pub(crate) async fn export<S: Store + PeopleStore>(
    gate: &Arc<Gate<S>>,
    limits: &Limits,
    caller: &Caller,
    request: &AdminRequest,
) -> Result<Reply, ApiError> {
    let query = request.query(&[&FILTER[..], &["format"]].concat())?;
    let asked = filter::audit(&query, &NAMES)?;
    audit_export::reply(
        gate,
        &caller.actor,
        &query,
        asked,
        &NAMES,
        limits,
        caller.recipient,
    )
    .await
}

#[cfg(test)]
mod tests;
