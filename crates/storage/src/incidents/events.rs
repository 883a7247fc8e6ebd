//! Events of incidents.

use diesel::dsl::{max, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use hookgate_domain::IncidentNumber;
use hookgate_gate::{IncidentRecord, MAX_EVENTS};

use super::event_row::{EventRow, NewEventRow};
use crate::connection::{Connection, RunQueryDsl, columns};
use crate::schema::{deliveries, delivery_incidents, incident_events, incidents};

/// Stores an event.
pub(crate) fn event_insert(
    connection: &mut Connection,
    incident: IncidentNumber,
    record: &IncidentRecord,
) -> QueryResult<()> {
    diesel::insert_into(incident_events::table)
        .values(NewEventRow::of(incident, record))
        .execute(connection)
        .map(drop)
}

/// The events of an incident, oldest first.
pub(crate) fn events_for_incident(connection: &mut Connection, incident: i64) -> QueryResult<Vec<EventRow>> {
    incident_events::table
        .filter(incident_events::incident.eq(incident))
        .order(incident_events::id)
        .limit(i64::try_from(MAX_EVENTS).unwrap_or(i64::MAX))
        .select(columns::<EventRow>())
        .load(connection)
}

/// Number of events of an incident.
pub(crate) fn event_count(connection: &mut Connection, incident: i64) -> QueryResult<i64> {
    let query = incident_events::table.filter(incident_events::incident.eq(incident));
    query.count().get_result(connection)
}

/// The last delivery of an incident.
pub(crate) fn last_delivery(connection: &mut Connection, incident: i64) -> QueryResult<Option<i64>> {
    let updates = deliveries::table
        .filter(deliveries::incident.eq(incident))
        // A literal, as in the partial index, which is not used for a bound value.
        .filter(sql::<Bool>("answer = 'updated'"));
    let last: Option<i64> = updates.select(max(deliveries::id)).get_result(connection)?;
    let touching = delivery_incidents::table.filter(delivery_incidents::incident.eq(incident));
    let touching: Option<i64> = touching
        .select(max(delivery_incidents::delivery))
        .get_result(connection)?;
    if let Some(last) = last.max(touching) {
        return Ok(Some(last));
    }
    let first = incidents::table.filter(incidents::number.eq(incident));
    let first: Option<Option<i64>> = first
        .select(incidents::first_delivery)
        .get_result(connection)
        .optional()?;
    Ok(first.flatten())
}

/// Removes the events of removed incidents between these numbers, both included.
pub(crate) fn events_delete(connection: &mut Connection, first: i64, last: i64) -> QueryResult<usize> {
    let query = format!(
        "DELETE FROM incident_events WHERE incident BETWEEN {first} AND {last} \
         AND NOT EXISTS (SELECT 1 FROM incidents WHERE incidents.number = incident_events.incident)"
    );
    diesel::sql_query(query).execute(connection)
}
