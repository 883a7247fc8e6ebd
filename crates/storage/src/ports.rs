//! Implementations of the gate's ports on a [`Database`](crate::Database). Each method maps to a read or a change.

mod address_sets;
mod people;
mod searches;
mod store;

use hookgate_gate::StoreError;
use hookgate_people::NewAudit;

use crate::Database;
use crate::audit::statements::audit_insert;
use crate::connection::Connection;
use crate::people::actor::audited;
use crate::query_error::QueryError;

impl Database {
    /// Runs a change for an actor, with its entry of the audit trail. `None` if other changes made it
    /// impossible.
    pub(crate) async fn audited<T: Send + 'static>(
        &self,
        what: &'static str,
        audit: NewAudit,
        work: impl Fn(&mut Connection) -> Result<Option<T>, QueryError> + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let work = move |connection: &mut Connection| audited(connection, &audit, &work);
        self.change(what, work).await
    }

    /// Stores a sign-in, with its entry of the audit trail. `None` if other changes made it impossible.
    pub(crate) async fn signed_in(
        &self,
        what: &'static str,
        audit: NewAudit,
        work: impl Fn(&mut Connection) -> Result<Option<()>, QueryError> + Send + 'static,
    ) -> Result<Option<()>, StoreError> {
        let work = move |connection: &mut Connection| {
            let done = work(connection)?;
            if done.is_some() {
                audit_insert(connection, &audit)?;
            }
            Ok(done)
        };
        self.change(what, work).await
    }
}
