//! The database keeps the contract of the gate's store.

use std::future::{Ready, ready};

use hookgate_storage::{Database, OpenMode};
use tempfile::TempDir;

fn fresh() -> Ready<(Database, TempDir)> {
    let directory = tempfile::tempdir().expect("a directory");
    let database = Database::open(directory.path(), OpenMode::Create);
    ready((database.expect("a fresh store"), directory))
}

hookgate_testkit::store_contract!(fresh);
