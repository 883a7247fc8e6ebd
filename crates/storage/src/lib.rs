//! Hookgate's store: webhooks, deliveries, incidents and people, in an embedded SQLite database or on a
//! PostgreSQL server. It never knows HTTP.
//!
//! ```text
//! Database ── reads ───────► read/   a pool of connections; URLs many at a time
//!     ├────── deliveries ──► writer/ one thread: takes all that waits, one transaction, one fsync, answers, repeats
//!     └────── changes ─────► writer/ on SQLite; on PostgreSQL serializable transactions beside it
//!                              └──► write/  the statements
//! ```
//!
//! Every process that opens the store has a writer of its own (each server has one, and each run of the
//! command line), so nothing is assumed to stay the same between two transactions. The rules are in
//! `hookgate-domain`: a transaction here reads, asks the rule, and writes what it says.

mod access;
mod acting;
mod address_sets;
mod backup;
mod connection;
mod copy;
mod database;
mod files;
mod incidents;
mod literal_path;
mod lock;
mod lookups;
mod migrations;
mod open;
mod people;
mod postgres;
mod query_error;
mod read;
mod rows;
mod schema;
mod searches;
mod store;
mod write;
mod writer;

pub use access::{Exposed, Exposure};
pub use backup::{BackupError, Restoring, backup_file, backup_to, verify_file};
pub use copy::{Copied, CopyError, CopyStep, copy_store};
pub use database::Database;
pub use files::{
    DEV_CA_KEY, DEV_GATE_KEY, SEALING_KEY, exposed_data, new_private_file, replace_private_file,
};
pub use literal_path::{UnexpandedPath, literal_path};
pub use lock::{LockError, ServerLock};
pub use open::{OpenError, OpenMode};
pub use postgres::{Address, AddressError, ConnectError, reach};
