//! Errors below the port, and the error that the port returns for each.

use std::fmt;
use std::sync::Arc;

use diesel::result::{DatabaseErrorKind, Error};
use hookgate_gate::{ActorError, StoreError};

/// A stored value that is no valid domain value. The error never holds the value, which may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CorruptRow {
    /// The table.
    pub(crate) table: &'static str,
    /// The row, by its public name.
    pub(crate) row: String,
    /// The column.
    pub(crate) column: &'static str,
}

impl CorruptRow {
    /// Names the column of a row, for `ok_or_else`.
    pub(crate) fn at(table: &'static str, row: impl fmt::Display, column: &'static str) -> Self {
        Self {
            table,
            row: row.to_string(),
            column,
        }
    }
}

impl From<CorruptRow> for StoreError {
    fn from(CorruptRow { table, row, column }: CorruptRow) -> Self {
        Self::Corrupt {
            what: format!("{table}, row {row}, column {column}"),
        }
    }
}

/// Errors of one piece of work in a transaction.
#[derive(Debug)]
pub(crate) enum QueryError {
    /// A row that it read is corrupt. Returned only before the work writes, so the transaction may go on.
    CorruptRow(CorruptRow),
    /// The actor may no longer act. Returned only before the work writes.
    Actor(ActorError),
    /// A statement failed: the transaction must be rolled back.
    Statement(Error),
}

impl QueryError {
    /// The error for the caller while the transaction goes on, or the failed statement that ends it.
    pub(crate) fn contained(self) -> Result<StoreError, Error> {
        match self {
            Self::CorruptRow(row) => Ok(row.into()),
            Self::Actor(error) => Ok(error.into()),
            Self::Statement(error) => Err(error),
        }
    }
}

impl From<CorruptRow> for QueryError {
    fn from(row: CorruptRow) -> Self {
        Self::CorruptRow(row)
    }
}

impl From<ActorError> for QueryError {
    fn from(error: ActorError) -> Self {
        Self::Actor(error)
    }
}

impl From<Error> for QueryError {
    fn from(error: Error) -> Self {
        Self::Statement(error)
    }
}

/// The caller's error for a failed statement. Several callers may share one failure.
pub(crate) fn store_error(what: &'static str, error: &Arc<Error>) -> StoreError {
    match **error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => StoreError::Conflict,
        Error::DeserializationError(_) => StoreError::Corrupt {
            what: format!("{what}: a column has the wrong type"),
        },
        _ => StoreError::Unavailable {
            what,
            source: Some(Box::new(Arc::clone(error))),
        },
    }
}

/// The caller's error if the cause is unknown.
pub(crate) fn unavailable(what: &'static str) -> StoreError {
    StoreError::Unavailable { what, source: None }
}

/// The same for a statement that has one caller, for `map_err`.
pub(crate) fn failed(what: &'static str) -> impl Fn(Error) -> StoreError {
    move |error| store_error(what, &Arc::new(error))
}
