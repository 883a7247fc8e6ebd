//! The literal conditions of the partial indexes over incidents: an index is not used for a bound value.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::QueryId;
use diesel::sql_types::Bool;
use hookgate_domain::IncidentStatus;

use crate::statement::fragment::fragment;

macro_rules! conditions {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, QueryId)]
            pub(crate) struct $name;

            impl Expression for $name {
                type SqlType = Bool;
            }

            impl<Source> AppearsOnTable<Source> for $name {}

            impl<Source> SelectableExpression<Source> for $name {}

            impl ValidGrouping<()> for $name {
                type IsAggregate = is_aggregate::Never;
            }

            fragment!($name, self, out => {
                out.push_sql($sql);
                Ok(())
            });
        )+
    };
}

conditions! {
    /// Condition that an incident is not resolved.
    Unresolved = "status <> 'resolved'";
    /// Condition that an incident is resolved.
    Resolved = "status = 'resolved'";
}

/// The condition for a status, with that of the index of an embedded store that has it: open incidents have an index of
/// their own.
pub(crate) const fn of_status(status: IncidentStatus) -> &'static str {
    match status {
        IncidentStatus::Open => "status = 'open'",
        IncidentStatus::Acknowledged => "status = 'acknowledged' AND status <> 'open'",
        IncidentStatus::Resolved => "status = 'resolved' AND status <> 'open'",
    }
}
