//! The report on a configuration from its text alone; the fuzzer runs it.

use std::path::PathBuf;

use super::values::Values;

/// A configuration as `config show` and `config check` print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigReport {
    /// Every value that is set or has a default, by key.
    pub shown: Vec<(&'static str, String)>,
    /// The configuration as a log line would show it, or all of its problems.
    pub outcome: Result<String, String>,
}

/// Reports on the text of a configuration file with these variables of the environment. The files that it names are not read.
///
/// # Errors
/// The message for a text that is not TOML.
pub fn tell_configuration(
    text: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<ConfigReport, String> {
    let values = Values::of_text(text, PathBuf::new(), environment).map_err(|error| error.to_string())?;
    Ok(ConfigReport {
        shown: values.iter().map(|(key, value, _)| (key, value)).collect(),
        outcome: match values.read() {
            Ok(config) => Ok(format!("{config:?}")),
            Err(failure) => Err(failure.message().to_owned()),
        },
    })
}
