//! Statements that are sent together, without waiting for each other's answer. It knows nothing of their text.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};

use diesel::result::{Error, QueryResult};

/// The order of statements that are sent together.
///
/// Behind a statement that failed, the answer to every later one is only that the transaction is aborted. That answer
/// may be seen first: both arrive after the first future was polled and before the second is. So each statement waits
/// for its answer unless an earlier one has failed, and the first error in statement order is the one that says why.
pub(crate) struct Pipeline {
    sent: Cell<usize>,
    /// The first statement that has failed so far, by its place.
    failed: Cell<usize>,
}

impl Pipeline {
    /// An order without statements.
    pub(crate) const fn new() -> Self {
        Self {
            sent: Cell::new(0),
            failed: Cell::new(usize::MAX),
        }
    }

    /// Runs the next statement; join these futures in the order of the statements (`biased`).
    ///
    /// A statement is sent when its future is polled first, but not behind one that failed already: what could not be
    /// sent must not be missing in what is committed.
    ///
    /// # Errors
    /// Its own, or [`Error::RollbackTransaction`] if an earlier statement failed.
    pub(crate) async fn run<T>(&self, statement: impl Future<Output = QueryResult<T>>) -> QueryResult<T> {
        let place = self.sent.replace(self.sent.get() + 1);
        let mut statement = pin!(statement);
        poll_fn(|context| {
            if self.failed.get() < place {
                return Poll::Ready(Err(Error::RollbackTransaction));
            }
            let done = ready!(statement.as_mut().poll(context));
            if done.is_err() {
                self.failed.set(place);
            }
            Poll::Ready(done)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use diesel::result::DatabaseErrorKind;
    use tokio::sync::oneshot;

    use super::*;

    type Answer = oneshot::Sender<QueryResult<()>>;

    /// A statement that marks in `sent` that it is sent, and the sender of its answer.
    fn statement(sent: &Cell<bool>) -> (Answer, impl Future<Output = QueryResult<()>>) {
        let (answer, received) = oneshot::channel();
        let statement = async {
            sent.set(true);
            received.await.unwrap()
        };
        (answer, statement)
    }

    fn error(message: &str) -> Error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
    }

    #[test]
    fn the_first_error_is_that_of_the_first_statement_that_failed() {
        let (pipeline, sent) = (Pipeline::new(), Cell::new(false));
        let (first_answer, first) = statement(&sent);
        let (second_answer, second) = statement(&sent);
        let mut joined = pin!(async { tokio::join!(biased; pipeline.run(first), pipeline.run(second)) });
        let mut context = Context::from_waker(Waker::noop());
        assert!(joined.as_mut().poll(&mut context).is_pending());
        second_answer.send(Err(error("aborted"))).unwrap();
        assert!(
            joined.as_mut().poll(&mut context).is_pending(),
            "the first is not answered yet"
        );
        first_answer.send(Err(error("refused"))).unwrap();
        let Poll::Ready((first, second)) = joined.as_mut().poll(&mut context) else {
            panic!("both are answered")
        };
        assert_eq!((first, second), (Err(error("refused")), Err(error("aborted"))));
    }

    /// A `COMMIT` that waits for its turn to be prepared is not sent if the statement before it could not be.
    #[test]
    fn nothing_is_sent_or_awaited_behind_a_statement_that_failed() {
        let (pipeline, sent, late_sent) = (Pipeline::new(), Cell::new(false), Cell::new(false));
        let (first_answer, first) = statement(&sent);
        let (second_answer, second) = statement(&sent);
        let (prepared, turn) = oneshot::channel();
        let third = async {
            turn.await.unwrap();
            late_sent.set(true);
            Ok(())
        };
        let mut joined = pin!(async {
            tokio::join!(biased; pipeline.run(first), pipeline.run(second), pipeline.run(third))
        });
        let mut context = Context::from_waker(Waker::noop());
        assert!(joined.as_mut().poll(&mut context).is_pending());
        second_answer.send(Err(error("not sent"))).unwrap();
        prepared.send(()).unwrap();
        assert!(joined.as_mut().poll(&mut context).is_pending());
        first_answer.send(Ok(())).unwrap();
        let Poll::Ready(answers) = joined.as_mut().poll(&mut context) else {
            panic!("the first is answered")
        };
        assert_eq!(
            answers,
            (Ok(()), Err(error("not sent")), Err(Error::RollbackTransaction))
        );
        assert!(!late_sent.get());
    }
}
