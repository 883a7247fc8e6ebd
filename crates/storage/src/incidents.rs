//! Incidents and their events: rows, queries, statements, and the actions of people.

pub(crate) mod action;
pub(crate) mod conditions;
pub(crate) mod event_row;
pub(crate) mod events;
pub(crate) mod new_incidents;
pub(crate) mod queries;
pub(crate) mod row;
pub(crate) mod runs;
pub(crate) mod statements;
pub(crate) mod update;
