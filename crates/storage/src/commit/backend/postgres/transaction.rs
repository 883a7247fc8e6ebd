//! The transaction of a batch on PostgreSQL, and whether anything may be stored after an error.

use diesel::result::{DatabaseErrorKind, Error};

use super::PostgresBackend;
use crate::commit::backend::Aborted;
use crate::commit::job::Job;
use crate::connection::{Connection, is_lost_race};
use crate::usage::off_record::OffRecord;

impl<'r> PostgresBackend<'_, 'r> {
    /// Runs work in a transaction that begins with the locks and reads for these jobs. The work ends with
    /// [`finish`](crate::commit::backend::CommitBackend::finish), which commits. An error rolls it back.
    pub(in super::super::super) fn transaction(
        connection: &mut Connection,
        jobs: &'r mut [Job],
        off_record: &mut OffRecord,
        work: impl FnOnce(PostgresBackend<'_, 'r>, &'r mut [Job]) -> Result<(), Aborted>,
    ) -> Result<(), Aborted> {
        let begun = PostgresBackend::begin(connection, jobs, off_record);
        let done = begun
            .map_err(Aborted::Transaction)
            .and_then(|backend| work(backend, jobs));
        if done.is_ok() {
            off_record.committed();
        } else {
            off_record.rolled_back();
            if let Connection::Postgres(link) = connection {
                // Without an answer the batch may be committed. The connection is broken then, so that nothing is
                // repeated.
                let _ = link.roll_back();
            }
        }
        done
    }
}

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
