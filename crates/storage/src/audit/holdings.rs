//! Numbers of entries of the audit trail, by actor and act. Actors without an ID, the command line and
//! Hookgate itself, count as one for each kind, because their names prove nothing.

use diesel::prelude::*;
use hookgate_people::ActorKind;

use super::statements::FAILED;
use crate::connection::{Connection, RunQueryDsl};
use crate::schema::people::{audit, audit_holdings};

/// Number of entries of an actor for one act.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub(crate) struct AuditHolding {
    pub(crate) actor: String,
    pub(crate) act: String,
    pub(crate) entries: i64,
}

/// Counts the entries from `first` to before `end`, without failed sign-ins.
pub(crate) fn holdings_count(connection: &mut Connection, first: i64, end: i64) -> QueryResult<()> {
    holdings_add(connection, (first, end), 1)
}

/// Subtracts these entries before they are removed.
pub(crate) fn holdings_discount(connection: &mut Connection, first: i64, end: i64) -> QueryResult<()> {
    holdings_add(connection, (first, end), -1)?;
    let gone = audit_holdings::table.filter(audit_holdings::entries.le(0));
    diesel::delete(gone).execute(connection).map(drop)
}

fn holdings_add(connection: &mut Connection, (first, end): (i64, i64), sign: i64) -> QueryResult<()> {
    let query = format!(
        "INSERT INTO audit_holdings (actor, act, entries) \
         SELECT coalesce(actor_id, actor_kind), act, {sign} * count(*) FROM audit \
         WHERE id >= {first} AND id < {end} AND act <> '{FAILED}' GROUP BY 1, 2 \
         ON CONFLICT (actor, act) DO UPDATE SET entries = audit_holdings.entries + excluded.entries"
    );
    diesel::sql_query(query).execute(connection).map(drop)
}

/// The actor and act with the most entries.
pub(crate) fn largest_holding(connection: &mut Connection) -> QueryResult<Option<AuditHolding>> {
    audit_holdings::table
        .order(audit_holdings::entries.desc())
        .limit(1)
        .get_result(connection)
        .optional()
}

/// The numbers of the oldest entries of a holding.
pub(crate) fn oldest_held(
    connection: &mut Connection,
    holding: &AuditHolding,
    most: i64,
) -> QueryResult<Vec<i64>> {
    let of_act = audit::table.filter(audit::act.eq(&holding.act));
    let oldest = of_act.select(audit::id).order(audit::id).limit(most);
    if ActorKind::ALL.iter().any(|kind| kind.as_str() == holding.actor) {
        oldest
            .filter(audit::actor_kind.eq(&holding.actor))
            .load(connection)
    } else {
        oldest.filter(audit::actor_id.eq(&holding.actor)).load(connection)
    }
}

/// Sets the number of entries of a holding. Zero removes the holding.
pub(crate) fn holding_set(
    connection: &mut Connection,
    holding: &AuditHolding,
    entries: i64,
) -> QueryResult<()> {
    let one = audit_holdings::table
        .filter(audit_holdings::actor.eq(&holding.actor))
        .filter(audit_holdings::act.eq(&holding.act));
    let done = if entries > 0 {
        diesel::update(one)
            .set(audit_holdings::entries.eq(entries))
            .execute(connection)
    } else {
        diesel::delete(one).execute(connection)
    };
    done.map(drop)
}
