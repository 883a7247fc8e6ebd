//! `hookgate migrate`: makes the store where there is none, and brings an older one to this version's schema.

use serde_json::json;

use crate::cli::Cli;
use crate::effect::Effect;
use crate::failure::Failure;
use crate::{output, place};

pub(crate) async fn run(cli: &Cli) -> Result<(), Failure> {
    let place = place::create(cli).await?;
    let text = if cli.json {
        output::json(&json!({"store": place.to_string(), "migrated": true}))?
    } else {
        format!("the store in {place} has this version's schema")
    };
    Effect::of("the store has this version's schema").told(output::line(&text).map_err(Failure::from))
}
