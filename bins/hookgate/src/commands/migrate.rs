//! `hookgate migrate`: makes the store where there is none, and brings an older one to this version's schema.

use hookgate_storage::OpenMode;
use serde_json::json;

use crate::cli::Cli;
use crate::config::StorePlace;
use crate::failure::Failure;
use crate::{output, place};

pub(crate) async fn run(cli: &Cli) -> Result<(), Failure> {
    let place = match place::config(cli)? {
        Some(config) => config.store,
        None => StorePlace::Directory(place::data_directory(cli)),
    };
    let database = place::open(&place, OpenMode::Create).await?;
    database.close().await;
    let text = if cli.json {
        json!({"store": place.to_string(), "migrated": true}).to_string()
    } else {
        format!("the store in {place} has this version's schema")
    };
    Ok(output::line(&text)?)
}
