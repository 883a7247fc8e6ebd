//! The database keeps the contract of the gate's store.

use hookgate_storage::{Database, OpenMode};
use tempfile::TempDir;

fn fresh() -> (Database, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    (
        Database::open(directory.path(), OpenMode::Create).expect("a fresh store"),
        directory,
    )
}

hookgate_testkit::store_contract!(fresh);
