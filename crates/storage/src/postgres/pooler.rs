//! Finds out a connection pooler that shares sessions between its clients, as pgbouncer does by `pool_mode = transaction`.
//! Settings of a session, prepared statements and LISTEN would go to another client's session: durability would be whatever
//! that one has, so such a pooler is refused at start instead of failing now and then.

use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect_error::ConnectError;

/// Refuses the connections if one session of the server serves both clients, or two sessions serve one of them.
///
/// A pooler gives the session that was used last to the next client that asks, or lets the sessions take turns; the first is
/// seen by the second client, the other by the first.
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

/// The process of the server that answers this client.
async fn session(client: &Client) -> Result<Option<String>, tokio_postgres::Error> {
    let answer = client.simple_query("SELECT pg_backend_pid()").await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}
