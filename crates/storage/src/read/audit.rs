//! The audit trail.

use diesel::{ExpressionMethods, QueryDsl, QueryResult, SelectableHelper};
use diesel_async::RunQueryDsl;
use hookgate_domain::AuditAct;
use hookgate_gate::AuditFilter;

use crate::connection::ReadConnection;
use crate::rows::AuditRow;
use crate::schema::people::audit;

/// Up to `most` entries that match the filter, with a number below `before`, newest first.
pub(crate) async fn audit_page(
    connection: &mut ReadConnection,
    filter: &AuditFilter,
    before: i64,
    most: i64,
) -> QueryResult<Vec<AuditRow>> {
    let mut query = audit::table
        .select(AuditRow::as_select())
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
    query.load(connection).await
}
