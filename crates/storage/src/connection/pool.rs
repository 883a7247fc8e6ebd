//! A bounded pool of connections. Work on them runs off the runtime's threads.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{
    BuildError, Manager, Metrics, Object, PoolConfig, RecycleError, RecycleResult, Timeouts,
};
use hookgate_gate::StoreError;

use super::postgres::{Address, ConnectError, Link};
use super::{Connection, sqlite};
use crate::query_error::{QueryError, failed};

/// A pool of connections.
pub(crate) type Pool = deadpool::managed::Pool<Opener>;

/// Connections that look URLs up for senders. Nothing else uses them, so that no page, export or metric is ever ahead
/// of a delivery.
const GATE_CONNECTIONS: usize = 2;
/// Connections to a file that read for people and their tools.
pub(crate) const FILE_CONNECTIONS: usize = 2;
/// Connections of a node to a server for people, their tools and changes, beside those that commit.
const SERVER_CONNECTIONS: usize = 6;
/// Timeout for getting, opening and checking a connection.
const POOL_TIMEOUT: Duration = Duration::from_secs(5);

/// The work that the connections of a pool are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Look-ups that senders wait for.
    Gate,
    /// Everything else.
    People,
}

/// Builds a pool of connections, which are opened on demand.
pub(crate) fn pool(opener: Opener, purpose: Purpose) -> Result<Pool, BuildError> {
    let most = match (purpose, &opener) {
        (Purpose::Gate, _) => GATE_CONNECTIONS,
        (Purpose::People, Opener::Sqlite(_)) => FILE_CONNECTIONS,
        (Purpose::People, Opener::Postgres(_)) => SERVER_CONNECTIONS,
    };
    let timeouts = Timeouts {
        wait: Some(POOL_TIMEOUT),
        create: Some(POOL_TIMEOUT),
        recycle: Some(POOL_TIMEOUT),
    };
    let config = PoolConfig {
        timeouts,
        ..PoolConfig::new(most)
    };
    Pool::builder(opener)
        .config(config)
        .runtime(Runtime::Tokio1)
        .build()
}

/// Opens connections of one kind.
pub(crate) enum Opener {
    /// Read-only, to the database file at this path.
    Sqlite(String),
    /// To the server at this address.
    Postgres(Box<Address>),
}

/// Errors of opening a connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenConnectionError {
    #[error(transparent)]
    Sqlite(#[from] diesel::ConnectionError),
    #[error(transparent)]
    Postgres(#[from] ConnectError),
    #[error("the connection is broken")]
    Broken,
    #[error("the thread that opens it ended")]
    Thread(#[from] tokio::task::JoinError),
}

impl Manager for Opener {
    type Type = Connection;
    type Error = OpenConnectionError;

    async fn create(&self) -> Result<Connection, OpenConnectionError> {
        match self {
            Self::Sqlite(path) => {
                let path = path.clone();
                let opened = tokio::task::spawn_blocking(move || sqlite::open_reader(&path)).await?;
                Ok(Connection::Sqlite(opened?))
            }
            Self::Postgres(address) => Ok(Connection::Postgres(Box::new(
                Box::pin(Link::connect(address)).await?,
            ))),
        }
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<OpenConnectionError> {
        if connection.is_broken() {
            return Err(RecycleError::Backend(OpenConnectionError::Broken));
        }
        Ok(())
    }
}

/// Runs work that may be repeated or dropped on a connection of the pool, off the runtime's threads. `what`
/// names it in errors.
pub(crate) async fn run<T: Send + 'static>(
    pool: &Pool,
    what: &'static str,
    work: impl FnOnce(&mut Connection) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, StoreError> {
    run_within(pool, what, None, work).await
}

/// The same with a time limit of `longest`, or the usual one if it is `None`.
pub(crate) async fn run_within<T: Send + 'static>(
    pool: &Pool,
    what: &'static str,
    longest: Option<Duration>,
    work: impl FnOnce(&mut Connection) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, StoreError> {
    let mut object = pool.get().await.map_err(|error| unreachable(what, error))?;
    let done = tokio::task::spawn_blocking(move || {
        let _deadline = match longest {
            Some(longest) => object.deadline_after(longest),
            None => object.deadline(),
        };
        let done = work(&mut object);
        if object.is_broken() {
            // The pool opens another one instead of checking a broken one.
            drop(Object::take(object));
        }
        done
    });
    match done.await.map_err(|error| unreachable(what, error))? {
        Ok(done) => Ok(done),
        Err(fault) => Err(fault.contained().unwrap_or_else(failed(what))),
    }
}

fn unreachable(what: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable {
        what,
        source: Some(Box::new(error)),
    }
}
