//! `hookgate config`: prints a sample, checks the configuration and shows it. It starts nothing and changes nothing.

use hookgate_domain::invisible::with_hidden_shown;
use serde_json::json;

use crate::cli::{ConfigCommand, Options};
use crate::config::{SAMPLE, Source, Values, environment};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(options: &Options, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Init => output::line(SAMPLE.trim_end())?,
        ConfigCommand::Check => {
            let config = load(options)?.read()?;
            config.check_files()?;
            let warnings = config.exposed_files();
            let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
            if options.json {
                output::line(&output::json(&json!({"valid": true, "warnings": warnings}))?)?;
            } else {
                for warning in &warnings {
                    output::remark(&with_hidden_shown(warning));
                }
                output::line("the configuration is valid")?;
            }
        }
        ConfigCommand::Show { sources } => show(&load(options)?, options.json, *sources)?,
    }
    Ok(())
}

fn load(options: &Options) -> Result<Values, Failure> {
    let file = options
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
