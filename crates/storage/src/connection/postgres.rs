//! Connections to a PostgreSQL server, set up so that an answered commit is durable and every wait is
//! bounded.

mod address;
mod address_error;
mod connect_error;
pub(crate) mod listener;
mod parameters;
pub(crate) mod pipeline;
mod pooler;
mod tls;

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::result::QueryResult;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::methods::LoadQuery;
use hookgate_gate::LogInterval;
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, NoTls, Socket};

pub use address::Address;
pub use address_error::AddressError;
pub use connect_error::ConnectError;

/// Log interval for connections that do not answer.
static SILENT: LogInterval = LogInterval::new();

/// Timeout of connecting, for each of the hosts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Timeout of connecting and setup in all.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of a second connection after the first: less than [`OPEN_TIMEOUT`], so that a full pool of a
/// pooler is told from a server that does not answer.
const SECOND_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout of an answer, longer than a statement may run. The connection is cut then.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Time that bytes may stay unacknowledged before the system closes a connection.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle time of a connection before the system sends a keepalive.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// The driver's default, which applies if the URL sets none.
const DEFAULT_KEEPALIVE: Duration = Duration::from_hours(2);
/// Setup of every session. It raises durability to what the promises need, and never lowers it. A node that
/// stalls in the middle of a transaction is cut off, because others may wait for its locks. The server does
/// not end a session that rests in the pool: a delivery might be on its way to it.
///
/// The schema is the first of the search path that has a store, or else the first one, and from here on the
/// only one: a table in the rest of the path is never taken for a table of the store.
const SETUP: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; \
    SET statement_timeout = '10s'; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '3s'; \
    SELECT set_config('idle_session_timeout', '0', false) WHERE current_setting('idle_session_timeout', true) IS NOT NULL; \
    SELECT set_config('application_name', 'hookgate', false) WHERE current_setting('application_name') = ''; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local'); \
    DO $$ DECLARE found name; BEGIN \
    SELECT nspname INTO found FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
    WHERE pg_class.oid = to_regclass('__diesel_schema_migrations'); \
    found := coalesce(found, current_schema()); \
    IF found IS NULL THEN RAISE EXCEPTION 'no schema of search_path exists, or this user may not use it: make it by CREATE SCHEMA'; END IF; \
    PERFORM set_config('search_path', quote_ident(found), false); END $$";

/// Settings of a session that commits deliveries. Its statements are few, stay prepared, and find each row by
/// an index. A plan for each set of values would cost more than most of them. Statistics would mislead: tables
/// that were empty a moment ago are read as a whole until the server has analyzed them again.
const COMMIT_SETUP: &str = "SET plan_cache_mode = 'force_generic_plan'; SET enable_seqscan = off; \
    SET enable_hashjoin = off; SET enable_mergejoin = off";

/// The connection with diesel's blocking interface. It is used off the runtime's threads only.
pub(crate) type PgConnection = AsyncConnectionWrapper<AsyncPgConnection>;

/// A connection with the task that moves its bytes.
pub(crate) struct Link {
    /// The connection for queries.
    pub(crate) connection: PgConnection,
    task: AbortOnDrop,
    runtime: Handle,
    /// `true` if the state of its transaction is unknown.
    is_lost: bool,
}

impl Address {
    /// The driver's configuration: every wait has a timeout, and a standby, which can't write, is refused.
    fn driver_config(&self) -> tokio_postgres::Config {
        let mut config = self.config.clone();
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_keepalives_idle() == DEFAULT_KEEPALIVE {
            config.keepalives_idle(KEEPALIVE);
        }
        config
            .tcp_user_timeout(UNACKNOWLEDGED_TIMEOUT)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        config
    }
}

impl Link {
    /// Connects. The runtime that calls it drives the connection.
    pub(crate) async fn connect(address: &Address) -> Result<Self, ConnectError> {
        in_time(async { NewConnection::connect(address).await?.set_up().await }).await
    }

    /// Connects for the first time, and refuses a pooler that shares sessions between clients before anything
    /// is done.
    pub(crate) async fn first(address: &Address) -> Result<Self, ConnectError> {
        in_time(async {
            let first = NewConnection::connect(address).await?;
            let second = tokio::time::timeout(SECOND_TIMEOUT, NewConnection::connect(address)).await;
            let second = second.map_err(|_| ConnectError::small_pool())??;
            pooler::refuse_shared_sessions(&first.client, &second.client).await?;
            let search_path = address.config.get_options().and_then(parameters::search_path);
            pooler::refuse_dropped_options(&first.client, search_path).await?;
            first.set_up().await
        })
        .await
    }

    /// Prepares the session for the statements of commits.
    pub(crate) async fn set_up_for_commits(mut self) -> Result<Self, ConnectError> {
        in_time(async {
            diesel_async::SimpleAsyncConnection::batch_execute(&mut *self.connection, COMMIT_SETUP)
                .await
                .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(self)
        })
        .await
    }

    /// `true` if the connection is closed, or if the state of its transaction is unknown.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_lost || self.task.0.is_finished()
    }

    /// Runs statements in one round trip: those that are joined in a [`Pipeline`](pipeline::Pipeline) are sent without
    /// waiting for each other's answer.
    pub(crate) fn pipeline<'a, F: Future>(
        &'a self,
        statements: impl FnOnce(&'a AsyncPgConnection) -> F,
    ) -> F::Output {
        self.runtime.block_on(statements(&self.connection))
    }

    /// All rows of a query.
    pub(crate) fn all_rows<'query, U: Send>(
        &mut self,
        query: impl LoadQuery<'query, AsyncPgConnection, U> + 'query,
    ) -> QueryResult<Vec<U>> {
        let rows = diesel_async::RunQueryDsl::load(query, &mut *self.connection);
        self.runtime.block_on(rows)
    }

    /// Rolls a transaction back that was begun in a pipeline. The server answers in order: if it answers this,
    /// it has run or refused everything that was sent before, and no `COMMIT` is still on its way.
    pub(crate) fn roll_back(&mut self) -> QueryResult<()> {
        let done = self.connection.batch_execute("ROLLBACK");
        self.is_lost |= done.is_err();
        done
    }

    /// Cuts the connection unless the deadline is dropped in time: a server that does not answer must not
    /// block a caller forever.
    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline_after(ANSWER_TIMEOUT)
    }

    /// The same with a limit of `longest`.
    pub(crate) fn deadline_after(&self, longest: Duration) -> Deadline {
        let link = self.task.0.abort_handle();
        Deadline(
            self.runtime
                .spawn(async move {
                    tokio::time::sleep(longest).await;
                    if let Some(left_out) = SILENT.line() {
                        tracing::warn!(
                            left_out,
                            "the database does not answer; a connection to it is cut"
                        );
                    }
                    link.abort();
                })
                .abort_handle(),
        )
    }
}

/// A connection before its setup.
struct NewConnection {
    client: Client,
    task: AbortOnDrop,
}

impl NewConnection {
    async fn connect(address: &Address) -> Result<Self, ConnectError> {
        let config = address.driver_config();
        match &address.tls {
            Some(roots) => Self::open(&config, tls::connector(roots)?).await,
            None => Self::open(&config, NoTls).await,
        }
    }

    async fn open<T>(config: &tokio_postgres::Config, tls: T) -> Result<Self, ConnectError>
    where
        T: MakeTlsConnect<Socket, TlsConnect: Send, Stream: Send + 'static>,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let (client, connection) = config.connect(tls).await?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the database ended");
            }
        });
        Ok(Self {
            client,
            task: AbortOnDrop(task),
        })
    }

    async fn set_up(self) -> Result<Link, ConnectError> {
        use diesel_async::SimpleAsyncConnection;
        let mut connection = AsyncPgConnection::try_from(self.client).await?;
        connection
            .batch_execute(SETUP)
            .await
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        Ok(Link {
            connection: PgConnection::from(connection),
            task: self.task,
            runtime: Handle::current(),
            is_lost: false,
        })
    }
}

/// Aborts the task of a connection when it is dropped, so that a session in the middle of a transaction ends.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Bounds the time of opening: a stalled server accepts connections, and does not answer on them.
async fn in_time<T>(opening: impl Future<Output = Result<T, ConnectError>>) -> Result<T, ConnectError> {
    let opened = tokio::time::timeout(OPEN_TIMEOUT, opening).await;
    opened.unwrap_or_else(|_| Err(ConnectError::silent()))
}

/// Connects and disconnects.
///
/// # Errors
/// [`ConnectError`]; [`ConnectError::is_passing`] says whether a retry may help.
pub async fn reach(address: &Address) -> Result<(), ConnectError> {
    in_time(NewConnection::connect(address)).await.map(drop)
}

/// Deadline of an answer. Dropping it cancels it.
pub(crate) struct Deadline(AbortHandle);

impl Drop for Deadline {
    fn drop(&mut self) {
        self.0.abort();
    }
}
