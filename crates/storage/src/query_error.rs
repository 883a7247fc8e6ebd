//! What can go wrong below the port, and what the port says of it.

use std::fmt;
use std::sync::Arc;

use diesel::result::{DatabaseErrorKind, Error};
use hookgate_gate::{ActorError, StoreError};

/// A stored value that no domain value can be made of. It never holds the value: that may be anything.
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

/// Why one piece of work in a transaction failed.
#[derive(Debug)]
pub(crate) enum QueryError {
    /// What it read is damaged. Raised only while it has written nothing, so the transaction may go on.
    CorruptRow(CorruptRow),
    /// Who acts may no longer. Raised only while nothing is written.
    Actor(ActorError),
    /// A statement failed: the transaction has to be given up.
    Statement(Error),
}

impl QueryError {
    /// What the caller learns while the transaction goes on, or the failed statement that ends it.
    pub(crate) fn contained(self) -> Result<StoreError, Error> {
        match self {
            Self::CorruptRow(damage) => Ok(damage.into()),
            Self::Actor(error) => Ok(error.into()),
            Self::Statement(error) => Err(error),
        }
    }
}

impl From<CorruptRow> for QueryError {
    fn from(damage: CorruptRow) -> Self {
        Self::CorruptRow(damage)
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

/// What the caller learns of a failed statement; several callers may share one failure.
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

/// What the caller learns when nothing below says why.
pub(crate) fn unavailable(what: &'static str) -> StoreError {
    StoreError::Unavailable { what, source: None }
}

/// The same for a statement that has one caller, for `map_err`.
pub(crate) fn failed(what: &'static str) -> impl Fn(Error) -> StoreError {
    move |error| store_error(what, &Arc::new(error))
}
