//! `hookgate migrate`: makes the store where there is none, and brings an older one to this version's schema.

use hookgate_storage::{Database, OpenMode};
use serde_json::json;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::{output, place};

pub(crate) async fn run(cli: &Cli) -> Result<(), Failure> {
    let directory = match place::config(cli)? {
        Some(config) => config.store,
        None => place::data_directory(cli),
    };
    let database = Database::open(&directory, OpenMode::Create)?;
    database.close().await;
    let text = if cli.json {
        json!({"store": directory, "migrated": true}).to_string()
    } else {
        format!("the store in {} has this version's schema", directory.display())
    };
    Ok(output::line(&text)?)
}
