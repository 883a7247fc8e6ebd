//! Commands without a configuration file: the settings that they take from the environment, and the report on those that
//! they ignore.

use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

use super::environment::Environment;
use super::lists::Lists;
use super::parse_level;
use super::values::{Source, Values};
use crate::failure::Failure;

/// Settings that name a store, which differs from that of `--data`.
const STORE_SETTINGS: [&str; 3] = ["store.url", "store.url_file", "store.sealing_key_file"];
/// Settings with the base of URLs, which commands show.
const URL_SETTINGS: [&str; 2] = ["public_url", "console.public_url"];
/// Prefixes of the settings that `hookgate dev` takes.
const DEV_PREFIXES: [&str; 2] = ["addresses.", "log."];
const LOG_LEVEL: &str = "log.level";

/// Settings from the environment, without a configuration file.
pub(crate) struct WithoutFile<'a>(pub(crate) &'a Environment);

/// Variables that seem to affect a command, but do not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ignored {
    /// Variables that name another store than the command's.
    pub(crate) store: Vec<String>,
    /// Variables that set other URLs than the command shows.
    pub(crate) urls: Vec<String>,
}

impl WithoutFile<'_> {
    /// Reads the settings of published lists.
    pub(crate) fn lists(&self) -> Result<Lists, Failure> {
        self.values().checked(Values::lists)
    }

    /// The log level, if the environment sets one.
    pub(crate) fn log_level(&self) -> Result<Option<LevelFilter>, Failure> {
        self.values().checked(|values| {
            let is_set = matches!(values.found.get(LOG_LEVEL), Some((_, Source::Environment(_))));
            let level = values.optional(LOG_LEVEL, parse_level)?;
            Ok(level.filter(|_| is_set))
        })
    }

    /// Variables that a command on a store ignores. Other settings of a server don't concern such a command.
    pub(crate) fn ignored_by_commands(&self) -> Ignored {
        let set = |names: &[&str]| {
            let found = self.0.keys().filter(|(key, _)| names.contains(key));
            found.map(|(_, variable)| variable).collect()
        };
        Ignored {
            store: set(&STORE_SETTINGS),
            urls: set(&URL_SETTINGS),
        }
    }

    /// Variables that `hookgate dev` ignores: all settings of a server that it does not take.
    pub(crate) fn ignored_by_dev(&self) -> Vec<String> {
        let is_taken = |key: &str| DEV_PREFIXES.iter().any(|section| key.starts_with(section));
        let ignored = self.0.keys().filter(|(key, _)| !is_taken(key));
        ignored.map(|(_, variable)| variable).collect()
    }

    fn values(&self) -> Values {
        Values::of_table(&toml::Table::new(), PathBuf::new(), |name| self.0.value(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(names: &[&str]) -> Environment {
        Environment::of(names.iter().map(|name| ((*name).to_owned(), "x".to_owned())))
    }

    #[test]
    fn a_store_that_a_command_does_not_work_on_is_told() {
        let environment = environment(&[
            "HOOKGATE_STORE_URL_FILE",
            "HOOKGATE_PUBLIC_URL",
            "HOOKGATE_GATE_LISTEN",
            "HOOKGATE_LOG_LEVEL",
            "HOOKGATE_DATA",
        ]);
        let without = WithoutFile(&environment);
        let ignored = without.ignored_by_commands();
        assert_eq!(ignored.store, ["HOOKGATE_STORE_URL_FILE"]);
        assert_eq!(ignored.urls, ["HOOKGATE_PUBLIC_URL"]);
        assert_eq!(
            without.ignored_by_dev(),
            [
                "HOOKGATE_PUBLIC_URL",
                "HOOKGATE_STORE_URL_FILE",
                "HOOKGATE_GATE_LISTEN"
            ]
        );
    }

    #[test]
    fn what_is_taken_is_checked() {
        let environment = environment(&["HOOKGATE_LOG_LEVEL", "HOOKGATE_ADDRESSES_REFRESH_HOURS"]);
        let without = WithoutFile(&environment);
        let level = without.log_level().unwrap_err();
        assert_eq!(
            level.message(),
            "HOOKGATE_LOG_LEVEL: must be off, error, warn, info, debug or trace"
        );
        let lists = without.lists().unwrap_err();
        assert_eq!(
            lists.message(),
            "HOOKGATE_ADDRESSES_REFRESH_HOURS: must be 1 to 720 hours"
        );
        let none = Environment::default();
        assert_eq!(WithoutFile(&none).log_level().unwrap(), None);
    }
}
