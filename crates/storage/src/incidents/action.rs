//! Actions of people on incidents, in their transaction.

use hookgate_domain::incident::IncidentError;
use hookgate_domain::{DeliveryId, Incident, IncidentNumber, Timestamp};
use hookgate_gate::{Acted, ActedOn, ActorContext, IncidentAction, IncidentRecord};

use super::events::{event_count, event_insert, last_delivery};
use super::row::IncidentRow;
use super::statements::{incident_by_number, incident_unresolved};
use super::update::incident_status_set;
use crate::audit::statements::audit_insert;
use crate::connection::Connection;
use crate::locks::members::{LockMode, lock_members};
use crate::people::actor::actor_check;
use crate::query_error::QueryError;
use crate::rows::read_handle;
use crate::webhooks::statements::target_by_handle;

/// Applies an action to the incident as it is now. `None` if there is no such incident; an inner error if the
/// rules refuse it.
pub(crate) fn act(
    connection: &mut Connection,
    number: IncidentNumber,
    action: &IncidentAction,
    actor: &ActorContext,
    now: Timestamp,
) -> Result<Option<Result<Incident, IncidentError>>, QueryError> {
    lock_members(connection, LockMode::Shared)?;
    actor_check(connection, &actor.identity, actor.session, now)?;
    let Some(row) = incident_by_number(connection, number.get())? else {
        return Ok(None);
    };
    let on = acted_on(connection, row)?;
    let Acted {
        incident,
        event,
        audit,
    } = match action.apply(on, actor, now) {
        Ok(acted) => acted,
        Err(refused) => return Ok(Some(Err(refused))),
    };
    let record = IncidentRecord {
        at: now,
        event,
        actor: Some(actor.identity.clone()),
        delivery: last_delivery(connection, number.get())?.and_then(DeliveryId::from_number),
        occurrences: incident.occurrences,
    };
    incident_status_set(connection, &incident)?;
    event_insert(connection, number, &record)?;
    audit_insert(connection, &audit)?;
    Ok(Some(Ok(incident)))
}

/// The incident of a row, its number of events, and the unresolved incident with the same dedup key: the
/// input of the rules.
fn acted_on(connection: &mut Connection, row: (IncidentRow, String)) -> Result<ActedOn, QueryError> {
    let (row, handle) = row;
    let incident = row.read(read_handle(&handle)?)?;
    let events = event_count(connection, incident.number.get())?;
    let twin = match &incident.dedup_key {
        Some(key) => match target_by_handle(connection, &handle)? {
            Some(target) => incident_unresolved(connection, target.id, key)?,
            None => None,
        },
        None => None,
    };
    let twin = twin.map(|row| row.read(incident.webhook)).transpose()?;
    Ok(ActedOn {
        events: usize::try_from(events).unwrap_or(usize::MAX),
        twin: twin
            .map(|twin| twin.number)
            .filter(|twin| *twin != incident.number),
        incident,
    })
}
