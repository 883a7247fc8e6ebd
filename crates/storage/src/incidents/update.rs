//! Updates of incidents. A repeated alert runs one with each delivery.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use hookgate_domain::{Incident, Timestamp};

use super::row::WeighedIncident;
use crate::connection::{Connection, RunQueryDsl};
use crate::statement::row_update::row_update;

/// Stores the columns of an incident that a delivery may change, except its status.
///
/// The status is separate because it is in the indexes, and a repeated delivery rarely changes it.
pub(crate) fn incident_update(connection: &mut Connection, weighed: &WeighedIncident) -> QueryResult<()> {
    let incident = &weighed.incident;
    let row = ReportedColumns {
        number: incident.number.get(),
        title: &incident.title,
        description: incident.description.as_deref(),
        severity: incident.severity.as_str(),
        service: incident.service.as_deref(),
        source_url: incident.source_url.as_deref(),
        metadata: incident.metadata.json(),
        occurrences: incident.occurrences,
        updated_at: incident.updated_at.as_micros(),
        changes: incident.changes,
        weight: weighed.weight,
    };
    ReportedUpdate(&row).execute(connection).map(drop)
}

/// Stores the status of an incident, with its times.
pub(crate) fn incident_status_set(connection: &mut Connection, incident: &Incident) -> QueryResult<()> {
    let row = StatusColumns {
        number: incident.number.get(),
        status: incident.status.as_str(),
        updated_at: incident.updated_at.as_micros(),
        acknowledged_at: incident.acknowledged_at.map(Timestamp::as_micros),
        resolved_at: incident.resolved_at.map(Timestamp::as_micros),
        cleared_at: incident.cleared_at.map(Timestamp::as_micros),
    };
    StatusUpdate(&row).execute(connection).map(drop)
}

struct ReportedColumns<'a> {
    number: i64,
    title: &'a str,
    description: Option<&'a str>,
    severity: &'a str,
    service: Option<&'a str>,
    source_url: Option<&'a str>,
    metadata: Option<&'a str>,
    occurrences: i64,
    updated_at: i64,
    changes: i64,
    weight: i64,
}

row_update! {
    ReportedUpdate(ReportedColumns) of "incidents":
    title: Text,
    description: Nullable<Text>,
    severity: Text,
    service: Nullable<Text>,
    source_url: Nullable<Text>,
    metadata: Nullable<Text>,
    occurrences: BigInt,
    updated_at: BigInt,
    changes: BigInt,
    weight: BigInt;
    where number: BigInt
}

struct StatusColumns<'a> {
    number: i64,
    status: &'a str,
    updated_at: i64,
    acknowledged_at: Option<i64>,
    resolved_at: Option<i64>,
    cleared_at: Option<i64>,
}

row_update! {
    StatusUpdate(StatusColumns) of "incidents":
    status: Text,
    updated_at: BigInt,
    acknowledged_at: Nullable<BigInt>,
    resolved_at: Nullable<BigInt>,
    cleared_at: Nullable<BigInt>;
    where number: BigInt
}
