//! A change for the writer: any write that is no delivery. The writer runs it, and answers it after the
//! commit.

use std::sync::Arc;

use diesel::result::{Error, QueryResult};
use hookgate_gate::StoreError;
use tokio::sync::oneshot;

use crate::connection::Connection;
use crate::query_error::{QueryError, store_error, unavailable};

/// A write that is no delivery.
pub(super) trait Change: Send {
    /// Runs it inside a transaction and stores the outcome. An error rolls the transaction back.
    fn run(&mut self, connection: &mut Connection) -> QueryResult<()>;

    /// Sends the outcome, after the commit.
    fn answer(self: Box<Self>);

    /// Sends the error because of which nothing was stored.
    fn fail(self: Box<Self>, error: &Arc<Error>);
}

/// A change with the channel for its result.
pub(super) struct PendingChange<T, W> {
    what: &'static str,
    work: W,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> PendingChange<T, W> {
    /// A change; `what` names it in errors.
    pub(super) fn new(what: &'static str, work: W, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self {
            what,
            work,
            outcome: None,
            reply,
        }
    }
}

impl<T: Send, W: FnMut(&mut Connection) -> Result<T, QueryError> + Send> Change for PendingChange<T, W> {
    fn run(&mut self, connection: &mut Connection) -> QueryResult<()> {
        self.outcome = match (self.work)(connection) {
            Ok(done) => Some(Ok(done)),
            Err(error) => Some(Err(error.contained()?)),
        };
        Ok(())
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or_else(|| Err(unavailable(self.what)));
        // The caller may have left; the change stands.
        let _ = self.reply.send(outcome);
    }

    fn fail(self: Box<Self>, error: &Arc<Error>) {
        let _ = self.reply.send(Err(store_error(self.what, error)));
    }
}
