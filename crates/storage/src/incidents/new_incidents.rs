//! Numbers of incidents that deliveries of tools opened within a minute, by webhook.

use diesel::prelude::*;
use hookgate_domain::incident::NewIncidents;

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::new_incidents;

/// The number for a webhook.
pub(crate) fn new_incidents(connection: &mut Connection, webhook: i64) -> QueryResult<NewIncidents> {
    let found: Option<(i64, i64)> = new_incidents::table
        .filter(new_incidents::webhook.eq(webhook))
        .select((new_incidents::minute, new_incidents::opened))
        .get_result(connection)
        .optional()?;
    Ok(
        found.map_or_else(NewIncidents::default, |(minute, opened)| NewIncidents {
            minute,
            opened,
        }),
    )
}

/// Stores the number for a webhook.
pub(crate) fn new_incidents_set(
    connection: &mut Connection,
    webhook: i64,
    new: NewIncidents,
) -> QueryResult<()> {
    let NewIncidents { minute, opened } = new;
    diesel::insert_into(new_incidents::table)
        .values((
            new_incidents::webhook.eq(webhook),
            new_incidents::minute.eq(minute),
            new_incidents::opened.eq(opened),
        ))
        .on_conflict(new_incidents::webhook)
        .do_update()
        .set((new_incidents::minute.eq(minute), new_incidents::opened.eq(opened)))
        .execute(connection)
        .map(drop)
}
