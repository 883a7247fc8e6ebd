//! The audit trail.

use diesel::{ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl};
use hookgate_domain::AuditAct;
use hookgate_gate::AuditFilter;

use crate::connection::{Connection, columns, on};
use crate::rows::AuditRow;
use crate::schema::people::audit;

/// Up to `most` entries that match the filter, with a number below `before`, newest first.
pub(crate) fn audit_page(
    connection: &mut Connection,
    filter: &AuditFilter,
    before: i64,
    most: i64,
) -> QueryResult<Vec<AuditRow>> {
    on!(connection, c => {
        let mut query = audit::table
            .select(columns::<AuditRow>())
            .filter(audit::id.lt(before))
            .order(audit::id.desc())
            .limit(most)
            .into_boxed();
        if let Some(act) = filter.act.map(AuditAct::as_str) {
            query = query.filter(audit::act.eq(act));
        }
        if let Some(subject) = &filter.subject {
            query = query.filter(audit::subject_id.eq(subject));
        }
        if let Some(actor) = &filter.actor {
            query = query.filter(audit::actor_id.eq(actor));
        }
        if let Some(key) = &filter.request {
            query = query.filter(audit::request_key.eq(key.as_str()));
        }
        query.load(c)
    })
}
