//! `hookgate config`: creates, checks and shows the configuration. It starts nothing and changes nothing.

use hookgate_domain::invisible::with_hidden_shown;
use serde_json::json;

use crate::cli::{Cli, ConfigCommand};
use crate::config::{SAMPLE, Source, Values, environment};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(cli: &Cli, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Init => output::line(SAMPLE.trim_end())?,
        ConfigCommand::Check => {
            let config = load(cli)?.read()?;
            config.check_files()?;
            let warnings = config.exposed_files();
            let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
            if cli.json {
                output::line(&output::json(&json!({"valid": true, "warnings": warnings}))?)?;
            } else {
                for warning in &warnings {
                    output::remark(&with_hidden_shown(warning));
                }
                output::line("the configuration is valid")?;
            }
        }
        ConfigCommand::Show { sources } => show(&load(cli)?, cli.json, *sources)?,
    }
    Ok(())
}

fn load(cli: &Cli) -> Result<Values, Failure> {
    let file = cli
        .config
        .as_ref()
        .ok_or_else(|| Failure::usage("name the file with --config FILE"))?;
    Values::load(file, &environment())
}

fn show(values: &Values, as_json: bool, sources: bool) -> Result<(), Failure> {
    let name = |source: &Source| match source {
        Source::Environment(variable) => variable.clone(),
        Source::File => "file".to_owned(),
        Source::Default => "default".to_owned(),
    };
    if as_json {
        let all: serde_json::Map<_, _> = values
            .iter()
            .map(|(key, value, source)| (key.to_owned(), json!({"value": value, "source": name(source)})))
            .collect();
        return Ok(output::line(&output::json(&all)?)?);
    }
    for (key, value, source) in values.iter() {
        let from = if sources {
            format!("  # {}", name(source))
        } else {
            String::new()
        };
        output::line(&format!("{key} = {value:?}{from}"))?;
    }
    Ok(())
}
