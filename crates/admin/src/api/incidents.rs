//! `/api/v1/incidents`: the incidents that accepted deliveries opened or updated.

use hookgate_domain::{IncidentNumber, IncidentStatus, Timestamp, WebhookHandle};
use hookgate_gate::{Gate, IncidentAction, IncidentFilter, PeopleStore, Store};
use hookgate_people::Role;
use hyper::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::endpoint::made_before;
use super::envelope::Success;
use hookgate_request::{AdminRequest, ApiError, ErrorCode, filter, path_id};
use hookgate_transport::reply::{self, Reply};
use hookgate_wire::{Incident, IncidentRecord, Page, words};

/// Incidents, newest first. A page may have fewer rows than `limit` if the rows are large.
#[utoipa::path(
    get,
    path = "/api/v1/incidents",
    operation_id = "listIncidents",
    tag = "incidents",
    params(
        ("status" = Option<words::IncidentStatus>, Query, description = "`open`, `acknowledged` or `resolved`"),
        ("webhook" = Option<words::Handle>, Query, description = "Handle of a webhook"),
        ("limit" = Option<u16>, Query, description = "Rows per page", minimum = 1, maximum = 200),
        ("cursor" = Option<words::IncidentId>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = Success<Page<Incident>>)),
)]
pub(crate) async fn list<S: Store>(
    gate: &Gate<S>,
    caller: &Caller,
    request: &AdminRequest,
) -> Result<Reply, ApiError> {
    let query = request.query(&["status", "webhook", "limit", "cursor"])?;
    let size = filter::page_size(&query)?;
    let filter = IncidentFilter {
        status: query.read::<IncidentStatus>("status")?,
        webhook: query.read::<WebhookHandle>("webhook")?,
    };
    let before = query.read::<IncidentNumber>("cursor")?;
    let role = caller.actor.role();
    let page = gate.incident_page(role, filter, before, size).await?;
    let items = page.items.iter();
    let page = Page {
        items: items.map(|incident| Incident::told_to(role, incident)).collect(),
        next: page.next.map(|number| number.to_string()),
    };
    Ok(reply::success(StatusCode::OK, &page))
}

/// One incident with its timeline.
#[utoipa::path(
    get,
    path = "/api/v1/incidents/{id}",
    operation_id = "showIncident",
    tag = "incidents",
    params(("id" = words::IncidentId, Path, description = "ID of an incident, `INC-1`")),
    responses((status = 200, description = "The incident", body = Success<IncidentRecord>)),
)]
pub(crate) async fn show<S: Store>(
    gate: &Gate<S>,
    caller: &Caller,
    request: &AdminRequest,
    id: &str,
) -> Result<Reply, ApiError> {
    let number: IncidentNumber = path_id(id)?;
    recorded(gate, caller.actor.role(), number, StatusCode::OK, request.now).await
}

/// Acknowledges, resolves or reopens an incident.
#[utoipa::path(
    patch,
    path = "/api/v1/incidents/{id}",
    operation_id = "changeIncident",
    tag = "incidents",
    params(("id" = words::IncidentId, Path, description = "ID of an incident, `INC-1`")),
    request_body = Act,
    responses((status = 200, description = "The incident as it is now", body = Success<Incident>)),
)]
pub(crate) async fn act<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    id: &str,
) -> Result<Reply, ApiError> {
    let number: IncidentNumber = path_id(id)?;
    let act: Act = request.json().await?;
    let incident = gate
        .incident_act(&caller.actor, number, act.status.action())
        .await?;
    let incident = Incident::told_to(caller.actor.role(), &incident);
    Ok(reply::success(StatusCode::OK, &incident))
}

/// Adds a note to an incident. A repeated request with the same `Idempotency-Key` adds nothing and is answered with
/// 200.
#[utoipa::path(
    post,
    path = "/api/v1/incidents/{id}/notes",
    operation_id = "addIncidentNote",
    tag = "incidents",
    params(
        ("id" = words::IncidentId, Path, description = "ID of an incident, `INC-1`"),
        ("Idempotency-Key" = Option<words::RequestKey>, Header, description = "Key that makes a repeated request safe"),
    ),
    request_body = NewNote,
    responses(
        (status = 201, description = "The incident with the note", body = Success<IncidentRecord>),
        (status = 200, description = "An earlier request with this key added it", body = Success<IncidentRecord>),
    ),
)]
pub(crate) async fn note<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    id: &str,
) -> Result<Reply, ApiError> {
    let number: IncidentNumber = path_id(id)?;
    let now = request.now;
    let (note, identity): (NewNote, _) = request.repeatable(gate).await?;
    let (actor, earlier) = caller.repeating(gate, identity).await?;
    if let Some(made) = earlier {
        return recorded(gate, actor.role(), made_before(&made)?, StatusCode::OK, now).await;
    }
    gate.incident_note(&actor, number, &note.text).await?;
    recorded(gate, actor.role(), number, StatusCode::CREATED, now).await
}

/// The answer with an incident and its timeline.
async fn recorded<S: Store>(
    gate: &Gate<S>,
    role: Role,
    number: IncidentNumber,
    status: StatusCode,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let timeline = gate.incident_timeline(role, number).await?;
    let timeline = timeline.ok_or(ErrorCode::NotFound)?;
    Ok(reply::success(status, &IncidentRecord::new(&timeline, role, now)))
}

/// A note to add.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNote {
    /// Text of the note: 1 to 2,000 characters. A webhook ID in it is masked.
    #[schema(value_type = words::NoteText)]
    text: String,
}

/// A change of an incident's status.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Act {
    /// The new status.
    status: Target,
}

/// The status that an incident can be given.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Target {
    /// Reopens a resolved incident, within 24 hours.
    Open,
    /// Acknowledges the incident: somebody works on it.
    Acknowledged,
    /// Resolves the incident.
    Resolved,
}

impl Target {
    const fn action(self) -> IncidentAction {
        match self {
            Self::Open => IncidentAction::Reopen,
            Self::Acknowledged => IncidentAction::Acknowledge,
            Self::Resolved => IncidentAction::Resolve,
        }
    }
}

#[cfg(test)]
mod tests;
