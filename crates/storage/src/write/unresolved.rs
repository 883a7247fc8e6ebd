//! The condition of the index over incidents that are not resolved, word for word: the index is not used for a bound value.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::QueryId;
use diesel::sql_types::Bool;

use super::fragment::fragment;

/// Whether an incident is not resolved.
#[derive(Clone, Copy, QueryId)]
pub(crate) struct Unresolved;

impl Expression for Unresolved {
    type SqlType = Bool;
}

impl<Source> AppearsOnTable<Source> for Unresolved {}

impl<Source> SelectableExpression<Source> for Unresolved {}

impl ValidGrouping<()> for Unresolved {
    type IsAggregate = is_aggregate::Never;
}

fragment!(Unresolved, self, out => {
    out.push_sql("status <> 'resolved'");
    Ok(())
});
