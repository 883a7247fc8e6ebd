//! Numbers of incidents that deliveries of tools opened within a minute, by webhook.

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::BigInt;
use hookgate_domain::incident::NewIncidents;

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::new_incidents;
use crate::statement::fragment::fragment;

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
    NewIncidentsSet { webhook, new }.execute(connection).map(drop)
}

/// A statement of its own, so that it stays prepared.
struct NewIncidentsSet {
    webhook: i64,
    new: NewIncidents,
}

impl QueryId for NewIncidentsSet {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

fragment!(NewIncidentsSet, self, out => {
    out.push_sql("INSERT INTO new_incidents (webhook, minute, opened) VALUES (");
    out.push_bind_param::<BigInt, _>(&self.webhook)?;
    out.push_sql(", ");
    out.push_bind_param::<BigInt, _>(&self.new.minute)?;
    out.push_sql(", ");
    out.push_bind_param::<BigInt, _>(&self.new.opened)?;
    out.push_sql(") ON CONFLICT (webhook) DO UPDATE SET minute = excluded.minute, opened = excluded.opened");
    Ok(())
});
