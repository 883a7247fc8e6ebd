//! The end of a batch's transaction on PostgreSQL: whether anything may be stored after an error.

use diesel::result::{DatabaseErrorKind, Error};

use crate::commit::backend::Aborted;
use crate::connection::is_lost_race;

/// The reason for a rollback after a write that failed. If the server refused the write, the `COMMIT` behind it had no
/// effect. Any other error, such as that of a broken connection, leaves the outcome open once `COMMIT` is on its way.
pub(super) fn refused_write(error: Error, is_committing: bool) -> Aborted {
    if is_committing && !is_from_server(&error) {
        Aborted::Transaction(error)
    } else {
        Aborted::Job(error)
    }
}

/// The reason for a rollback after a `COMMIT` that failed. It may have taken effect: a failover proxy answers with an
/// error if it loses the server before the answer. Only a serialization failure is certain. A deadlock would be, but
/// diesel has no kind for that error.
pub(super) fn refused_commit(error: Error) -> Aborted {
    if is_lost_race(&error) {
        Aborted::Job(error)
    } else {
        Aborted::Transaction(error)
    }
}

/// `true` if the server answered with this error.
const fn is_from_server(error: &Error) -> bool {
    use DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
    match error {
        Error::DatabaseError(kind, _) => !matches!(kind, ClosedConnection | UnableToSendCommand),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: DatabaseErrorKind) -> Error {
        Error::DatabaseError(kind, Box::new(String::new()))
    }

    fn may_be_stored(aborted: &Aborted) -> bool {
        matches!(aborted, Aborted::Transaction(_))
    }

    #[test]
    fn a_write_leaves_the_outcome_open_only_without_the_servers_word() {
        use DatabaseErrorKind::{ClosedConnection, UnableToSendCommand, UniqueViolation, Unknown};
        for kind in [UniqueViolation, Unknown] {
            assert!(!may_be_stored(&refused_write(error(kind), true)));
        }
        for broken in [
            error(ClosedConnection),
            error(UnableToSendCommand),
            Error::NotFound,
        ] {
            assert!(may_be_stored(&refused_write(broken, true)));
        }
        assert!(!may_be_stored(&refused_write(error(UnableToSendCommand), false)));
    }

    #[test]
    fn a_commit_leaves_the_outcome_open_unless_it_lost_a_race() {
        use DatabaseErrorKind::{SerializationFailure, UnableToSendCommand, UniqueViolation, Unknown};
        assert!(!may_be_stored(&refused_commit(error(SerializationFailure))));
        for kind in [UnableToSendCommand, UniqueViolation, Unknown] {
            assert!(may_be_stored(&refused_commit(error(kind))));
        }
    }
}
