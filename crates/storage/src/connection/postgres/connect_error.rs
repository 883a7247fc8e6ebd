//! Errors of connecting to a PostgreSQL server, and whether a retry may help.

use std::error::Error;

use tokio_postgres::error::SqlState;

use super::tls::RootsError;

/// States of a server that is starting, stopping or full for a moment.
const PASSING: [SqlState; 5] = [
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::TOO_MANY_CONNECTIONS,
    SqlState::CONNECTION_EXCEPTION,
];
/// Messages of pgbouncer about features that it does not pass on.
const POOLER_WORDS: [&str; 2] = ["unsupported startup parameter", "pooling mode"];
/// The advice where a pooler is in the way.
const POOLER: &str = "pgbouncer, or another connection pooler, is in front of PostgreSQL and shares sessions between clients (pool_mode \
    transaction or statement). Hookgate needs sessions of its own: set pool_mode = session for this database, or connect to \
    PostgreSQL itself";
/// The advice where a pooler lets the second connection wait for the first to end.
const SMALL_POOL: &str = "a second connection has to wait for the first to end. Either the server is overloaded, or the pool of pgbouncer, or \
    of another connection pooler, is too small: a node holds up to 10 connections, so raise default_pool_size, or connect to \
    PostgreSQL itself";
/// The advice where a pooler drops a part of the URL.
const DROPPED_OPTIONS: &str = "options of the URL names a search_path that the session does not have: pgbouncer, or another connection \
    pooler, drops it (ignore_startup_parameters). Name the schema by ALTER ROLE … SET search_path, or connect to PostgreSQL itself";

/// An error of connecting. It holds no password.
#[derive(Debug, thiserror::Error)]
#[error("can't connect to PostgreSQL: {text}")]
pub struct ConnectError {
    text: String,
    is_passing: bool,
}

impl ConnectError {
    /// `true` if a retry may help: the server is not there yet, starts, stops or is full. A wrong password or
    /// a certificate that can't be trusted is permanent.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        self.is_passing
    }

    /// A server that accepts connections and does not answer.
    pub(super) fn silent() -> Self {
        Self {
            text: "it does not answer".to_owned(),
            is_passing: true,
        }
    }

    /// A pooler that shares sessions between its clients.
    pub(super) fn pooler() -> Self {
        Self::lasting(POOLER.to_owned())
    }

    /// A pooler that has no place for a second connection.
    pub(super) fn small_pool() -> Self {
        Self::lasting(SMALL_POOL.to_owned())
    }

    /// A pooler that does not pass `options` on.
    pub(super) fn dropped_options() -> Self {
        Self::lasting(DROPPED_OPTIONS.to_owned())
    }

    const fn lasting(text: String) -> Self {
        Self {
            text,
            is_passing: false,
        }
    }
}

impl From<tokio_postgres::Error> for ConnectError {
    /// Includes the causes, because the error itself names only the failed step.
    fn from(error: tokio_postgres::Error) -> Self {
        let text = with_causes(&error);
        if POOLER_WORDS.iter().any(|words| text.contains(words)) {
            return Self::lasting(format!("{text}. {POOLER}"));
        }
        let is_passing = match error.code() {
            Some(code) => PASSING.contains(code),
            None => !is_lasting(&error),
        };
        Self { text, is_passing }
    }
}

impl From<diesel::ConnectionError> for ConnectError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::lasting(with_causes(&error))
    }
}

impl From<RootsError> for ConnectError {
    fn from(error: RootsError) -> Self {
        Self::lasting(with_causes(&error))
    }
}

/// `true` if TLS or the credentials are at fault, which no retry repairs.
fn is_lasting(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    ["TLS handshake", "authentication error", "invalid configuration"]
        .iter()
        .any(|words| text.contains(words))
        || causes(error).any(<dyn Error + 'static>::is::<rustls::Error>)
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<_> = causes(error).map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
