//! `hookgate migrate`: creates a missing store, and migrates an older one to this version's schema.

use serde_json::json;

use crate::cli::Options;
use crate::effect::Effect;
use crate::failure::Failure;
use crate::{app, output};

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let location = app::create(options).await?;
    let text = if options.json {
        output::json(&json!({"store": location.to_string(), "migrated": true}))?
    } else {
        format!("the store in {location} has this version's schema")
    };
    Effect::of("the store has this version's schema").report(output::line(&text).map_err(Failure::from))
}
