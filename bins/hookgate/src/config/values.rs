//! Values from the environment, the file or the defaults, in that order, with the problems of reading them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hookgate_storage::literal_path;

use super::keys::{KEYS, is_section, unknown, variable_of};
use super::not_toml::NotToml;
use super::store::shown;
use crate::failure::Failure;

/// The age after which payloads are deleted, unless deliveries are deleted earlier.
const KEEP_PAYLOAD_DAYS: &str = "store.keep_payload_days";
const KEEP_DAYS: &str = "store.keep_days";

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// An environment variable.
    Environment(String),
    /// The configuration file.
    File,
    /// The default, since the key is not set.
    Default,
}

/// The sign that a value is missing because of a problem that is on the list. Only [`Values::problem`] makes one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recorded(());

/// The values, by key.
pub(crate) struct Values {
    pub(super) found: BTreeMap<&'static str, (String, Source)>,
    pub(super) problems: Vec<String>,
    /// Files that a server reads only at its start, by the key that names each.
    pub(super) read_once: Vec<(&'static str, PathBuf)>,
    /// The configuration file, if there is one.
    pub(super) file: Option<PathBuf>,
    directory: PathBuf,
}

impl Values {
    /// The values from a text and the environment. Relative paths start at `directory`. No file is read.
    pub(super) fn of_text(
        text: &str,
        directory: PathBuf,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, NotToml> {
        let table: toml::Table = text.parse().map_err(|error| NotToml::new(text, &error))?;
        Ok(Self::of_table(&table, directory, environment))
    }

    /// The values from a parsed file, which may be empty, and the environment.
    pub(super) fn of_table(
        table: &toml::Table,
        directory: PathBuf,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut values = Self {
            found: BTreeMap::new(),
            problems: Vec::new(),
            read_once: Vec::new(),
            file: None,
            directory,
        };
        values.add_table("", table);
        for (key, default) in KEYS {
            let variable = variable_of(key);
            if let Some(value) = environment(&variable) {
                values.found.insert(key, (value, Source::Environment(variable)));
            } else if let Some(default) = default {
                values
                    .found
                    .entry(key)
                    .or_insert_with(|| (default.to_owned(), Source::Default));
            }
        }
        values.lower_payload_default();
        values
    }

    /// Lowers the default age of payloads to that of deliveries, since a payload is deleted with its delivery.
    fn lower_payload_default(&mut self) {
        let days = |key| self.found.get(key).and_then(|(days, _)| days.parse::<u16>().ok());
        let (Some(keep @ 1..), Some(payload)) = (days(KEEP_DAYS), days(KEEP_PAYLOAD_DAYS)) else {
            return;
        };
        if let Some((text, Source::Default)) = self.found.get_mut(KEEP_PAYLOAD_DAYS) {
            *text = payload.min(keep).to_string();
        }
    }

    /// Every value with its key and source, sorted by key. The address of a database server is shown without user and
    /// password.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, String, &Source)> {
        self.found
            .iter()
            .map(|(key, (value, source))| (*key, shown(key, value), source))
    }

    /// The value that `read` makes, or all problems.
    pub(super) fn checked<T>(
        mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Recorded>,
    ) -> Result<T, Failure> {
        match read(&mut self) {
            Ok(value) if self.problems.is_empty() => Ok(value),
            Ok(_) | Err(Recorded(())) => Err(Failure::usage(self.problems.join("\n"))),
        }
    }

    /// Records a problem. Reading goes on, so that all problems are reported at once.
    pub(super) fn problem(&mut self, sentence: String) -> Recorded {
        self.problems.push(sentence);
        Recorded(())
    }

    /// Base of relative paths.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The name of the key for error messages: the variable if its value comes from the environment.
    pub(super) fn name_of(&self, key: &str) -> String {
        match self.found.get(key) {
            Some((_, Source::Environment(variable))) => variable.clone(),
            _ => key.to_owned(),
        }
    }

    fn add_table(&mut self, prefix: &str, table: &toml::Table) {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            match (value, KEYS.iter().find(|(known, _)| *known == key)) {
                (toml::Value::Table(table), None) if !table.is_empty() => self.add_table(&key, table),
                (toml::Value::Table(_), None) if is_section(&key) => {}
                (_, None) => self.problems.push(unknown(&key)),
                (value, Some((known, _))) => match scalar(value).or_else(|| list_of(known, value)) {
                    Some(text) => drop(self.found.insert(known, (text, Source::File))),
                    None => self.problems.push(format!("{key}: must be a single value")),
                },
            }
        }
    }

    /// The value of an optional key. A value that can't be parsed is a problem.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Recorded> {
        let Some((text, _)) = self.found.get(key) else {
            return Ok(None);
        };
        parse(text)
            .map(Some)
            .map_err(|error| self.problem(format!("{}: {error}", self.name_of(key))))
    }

    /// The value of a required key.
    pub(super) fn required<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, Recorded> {
        let value = self.optional(key, parse)?;
        value.ok_or_else(|| self.missing(key))
    }

    /// The path of an optional key.
    pub(super) fn path(&mut self, key: &str) -> Result<Option<PathBuf>, Recorded> {
        let directory = self.directory.clone();
        self.optional(key, |text| literal_path(text).map(|path| directory.join(path)))
    }

    /// The path of a required key.
    pub(super) fn required_path(&mut self, key: &str) -> Result<PathBuf, Recorded> {
        let path = self.path(key)?;
        path.ok_or_else(|| self.missing(key))
    }

    fn missing(&mut self, key: &str) -> Recorded {
        self.problem(format!("{key}: is missing"))
    }
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Joins a list of texts, for a key that may have several values.
fn list_of(key: &str, value: &toml::Value) -> Option<String> {
    if !key.ends_with(".trusted_proxies") && !key.ends_with(".private_targets") {
        return None;
    }
    let texts: Option<Vec<&str>> = value.as_array()?.iter().map(toml::Value::as_str).collect();
    texts.map(|texts| texts.join(", "))
}

/// Parses a value with `FromStr`; the error is its text.
pub(super) fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{error}"))
}
