//! Connections to a PostgreSQL server, each set up so that what is answered is durable and nothing waits for ever.

mod address;
pub(crate) mod listener;
mod tls;

use std::error::Error;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, NoTls, Socket};

pub use address::{Address, AddressError};

/// How long a connection may take to be made, for each of the hosts.
const CONNECT: Duration = Duration::from_secs(3);
/// How long it may take in all until a connection can be used.
const OPEN: Duration = Duration::from_secs(10);
/// How long an answer may take, or it is a connection that leads nowhere: longer than a statement may run.
const ANSWER: Duration = Duration::from_secs(15);
/// How long bytes may stay unacknowledged before the system gives a connection up.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// How long a connection is idle before the system asks whether the other side is there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// What every session begins with. Durability is raised to what the promises need, never lowered; a node that stands still
/// in the middle of a transaction is cut off, because others may wait for what it has locked.
const SETUP: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; \
    SET statement_timeout = '10s'; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '3s'; \
    SET application_name = 'hookgate'; SET search_path = public; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// A connection as diesel's blocking side has it. It is used off the runtime only.
pub(crate) type PgConnection = AsyncConnectionWrapper<AsyncPgConnection>;

/// A connection with the task that moves its bytes.
pub(crate) struct Link {
    /// What queries run on.
    pub(crate) connection: PgConnection,
    task: JoinHandle<()>,
    runtime: Handle,
}

impl Address {
    /// How to connect: with bounds on all that may take time, and not to a standby, which can't write.
    fn patient(&self) -> tokio_postgres::Config {
        let mut config = self.config.clone();
        config
            .connect_timeout(CONNECT)
            .tcp_user_timeout(UNACKNOWLEDGED)
            .keepalives_idle(KEEPALIVE)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        config
    }
}

impl Link {
    /// Connects, on the runtime that calls it.
    pub(crate) async fn connect(address: &Address) -> Result<Self, ConnectError> {
        let config = address.patient();
        let opening = async {
            match &address.tls {
                Some(roots) => Self::open(&config, tls::connector(roots)?).await,
                None => Self::open(&config, NoTls).await,
            }
        };
        // A server that stands still takes connections, and says nothing on them.
        let opened = tokio::time::timeout(OPEN, opening).await;
        opened.unwrap_or_else(|_| Err(ConnectError("it does not answer".to_owned())))
    }

    /// Whether it leads nowhere any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.task.is_finished()
    }

    /// Cuts the connection if this is not dropped in time: a server that says nothing must not hold a caller for ever.
    pub(crate) fn deadline(&self) -> Deadline {
        let link = self.task.abort_handle();
        Deadline(
            self.runtime
                .spawn(async move {
                    tokio::time::sleep(ANSWER).await;
                    tracing::warn!("the database does not answer; a connection to it is cut");
                    link.abort();
                })
                .abort_handle(),
        )
    }

    async fn open<T>(config: &tokio_postgres::Config, tls: T) -> Result<Self, ConnectError>
    where
        T: MakeTlsConnect<Socket, TlsConnect: Send, Stream: Send + 'static>,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let (client, connection) = config.connect(tls).await?;
        let runtime = Handle::current();
        let task = runtime.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the database ended");
            }
        });
        Ok(Self {
            connection: set_up(client).await?,
            task,
            runtime,
        })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A session in the middle of a transaction ends with its connection.
        self.task.abort();
    }
}

async fn set_up(client: Client) -> Result<PgConnection, ConnectError> {
    use diesel_async::SimpleAsyncConnection;
    let mut connection = AsyncPgConnection::try_from(client).await?;
    connection
        .batch_execute(SETUP)
        .await
        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(PgConnection::from(connection))
}

/// Until when an answer has to come.
pub(crate) struct Deadline(AbortHandle);

impl Drop for Deadline {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why there is no connection. It holds no password.
#[derive(Debug, thiserror::Error)]
#[error("can't connect to PostgreSQL: {0}")]
pub struct ConnectError(String);

impl From<tokio_postgres::Error> for ConnectError {
    /// With its causes, because the error itself only says what was being done.
    fn from(error: tokio_postgres::Error) -> Self {
        Self(with_causes(&error))
    }
}

impl From<diesel::ConnectionError> for ConnectError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self(with_causes(&error))
    }
}

impl From<tls::RootsError> for ConnectError {
    fn from(error: tls::RootsError) -> Self {
        Self(with_causes(&error))
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let mut texts: Vec<_> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}
