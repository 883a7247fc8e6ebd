//! Macros for statements that run often: each is one fragment of SQL that stays prepared.

pub(crate) mod column_statement;
pub(crate) mod fragment;
pub(crate) mod row_insert;
pub(crate) mod row_update;
pub(crate) mod rows_insert;
