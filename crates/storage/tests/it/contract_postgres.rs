//! A store on a PostgreSQL server keeps the contract of the gate's store.

use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::postgres::Postgres;

async fn fresh() -> (Database, ()) {
    let url = Postgres::shared().database().expect("a database");
    let address = url.parse().expect("an address");
    let database = Database::connect(&address, OpenMode::Create).await;
    (database.expect("a fresh store"), ())
}

hookgate_testkit::store_contract!(fresh);
