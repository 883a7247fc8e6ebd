//! The literal conditions of the partial indexes over incidents by dedup key: an index is not used for a
//! bound value.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::QueryId;
use diesel::sql_types::Bool;

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
