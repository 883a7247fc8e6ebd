//! Detects a connection pooler that shares sessions between its clients, as pgbouncer does by `pool_mode =
//! transaction`. Settings of a session, prepared statements and LISTEN would go to another client's session,
//! and durability would depend on that session. Such a pooler is refused at start instead of failing now and
//! then.

use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect_error::ConnectError;

/// Refuses the connections if one session of the server serves both clients, or two sessions serve one of
/// them.
///
/// A pooler gives the session that was used last to the next client, or rotates the sessions. The second
/// client detects the former, the first client the latter.
pub(super) async fn refuse_shared_sessions(first: &Client, second: &Client) -> Result<(), ConnectError> {
    let (one, again) = (session(first).await?, session(first).await?);
    second.batch_execute("BEGIN").await?;
    let other = session(second).await?;
    let is_shared = one != again || one == other || one != session(first).await?;
    second.batch_execute("ROLLBACK").await?;
    if is_shared {
        return Err(ConnectError::pooler());
    }
    Ok(())
}

/// Refuses a connection whose session has another `search_path` than the URL's `options` set: pgbouncer drops
/// `options` if `ignore_startup_parameters` says so, and the store would be looked for in another schema.
pub(super) async fn refuse_dropped_options(
    client: &Client,
    search_path: Option<&str>,
) -> Result<(), ConnectError> {
    let Some(search_path) = search_path else {
        return Ok(());
    };
    let found = value(client, "SHOW search_path").await?;
    if found.as_deref() == Some(search_path) {
        Ok(())
    } else {
        Err(ConnectError::dropped_options())
    }
}

/// PID of the server's process that answers this client.
async fn session(client: &Client) -> Result<Option<String>, tokio_postgres::Error> {
    value(client, "SELECT pg_backend_pid()").await
}

/// The one value of a query's result.
async fn value(client: &Client, query: &str) -> Result<Option<String>, tokio_postgres::Error> {
    let answer = client.simple_query(query).await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}
