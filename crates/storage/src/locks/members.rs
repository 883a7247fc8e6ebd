//! The lock of the members: changes of members and changes by members wait for each other.

use diesel::connection::SimpleConnection;
use diesel::result::QueryResult;

use crate::connection::Connection;

/// Lock of the members while a change runs.
#[derive(Clone, Copy)]
pub(crate) enum LockMode {
    /// For a change of anything else. Such changes run at the same time.
    Shared,
    /// For the change of a member.
    Exclusive,
}

/// Makes changes of members and changes by members wait for each other. Must be the first statement of a
/// transaction.
///
/// A removal reads which URLs the member was shown, and a change reads whether its member exists, so each of
/// them makes the other one repeat. A slow removal would refuse quick changes for as long as it runs, however
/// often they are repeated. A table lock queues them instead, and it is the one statement that is served
/// before the snapshot of the transaction is taken.
pub(crate) fn lock_members(connection: &mut Connection, mode: LockMode) -> QueryResult<()> {
    // SQLite runs one writing transaction at a time.
    let Connection::Postgres(link) = connection else {
        return Ok(());
    };
    link.connection.batch_execute(match mode {
        LockMode::Shared => "LOCK TABLE members IN ROW SHARE MODE",
        LockMode::Exclusive => "LOCK TABLE members IN EXCLUSIVE MODE",
    })
}
