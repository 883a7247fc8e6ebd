//! Hookgate's store: webhooks, deliveries, incidents and people, in an embedded SQLite database or on a
//! PostgreSQL server. It never knows HTTP.
//!
//! ```text
//! ports ─► Database ── reads ──────► a pool of connections; URLs many at a time
//!              ├────── deliveries ─► commit: one thread takes all that waits, one transaction, one fsync, repeats
//!              └────── changes ────► commit on SQLite; on PostgreSQL serializable transactions beside it
//! ```
//!
//! Each subject has its rows, queries and statements in a folder of its own. Each query is one function over a
//! connection, and none of them blocks the writer. A query by a unique key has no LIMIT: SQLite plans a
//! statement with a bound limit anew each time.
//!
//! Every process that opens the store has a writer of its own (each server has one, and each run of the
//! command line), so nothing is assumed to stay the same between two transactions. The rules are in
//! `hookgate-domain`: a transaction here reads, asks the rule, and writes what it says.

mod address_sets;
mod audit;
mod backup;
mod commit;
mod connection;
mod copy;
mod counters;
mod database;
mod deliveries;
mod directory;
mod incidents;
mod locks;
mod migrations;
mod open;
mod people;
mod ports;
mod query_error;
mod refusals;
mod retention;
mod rows;
mod schema;
mod settings;
mod statement;
mod usage;
mod webhooks;

pub use backup::{BackupError, Restoring, backup_file, backup_to, verify_file};
pub use connection::postgres::{Address, AddressError, ConnectError, reach};
pub use copy::{Copied, CopyError, CopyStep, copy_store};
pub use database::Database;
pub use directory::access::{Exposed, Exposure};
pub use directory::files::{
    DEV_CA_KEY, DEV_GATE_KEY, SEALING_KEY, exposed_data, new_private_file, replace_private_file,
};
pub use directory::literal_path::{UnexpandedPath, literal_path};
pub use directory::lock::{LockError, ServerLock};
pub use open::{OpenError, OpenMode};
