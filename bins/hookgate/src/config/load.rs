//! The files of a configuration: the named one, and those that hold its secrets. The module does not know the meaning of the
//! values.

use std::path::{Path, PathBuf};

use hookgate_storage::Address;

use super::environment::Environment;
use super::keys::variable_of;
use super::values::{Recorded, Source, Values};
use crate::failure::Failure;
use crate::text_input::{line_file, text_file};

/// The key with the store's URL.
const URL: &str = "store.url";
/// The key with the file that holds the URL instead.
const URL_FILE: &str = "store.url_file";

impl Values {
    /// Loads the values of a configuration from its file, the environment and the defaults.
    pub(crate) fn load(file: &Path, environment: &Environment) -> Result<Self, Failure> {
        let text = text_file(file).map_err(|error| Failure::usage(format!("the configuration: {error}")))?;
        let mut directory = file.to_owned();
        directory.pop();
        let mut values = Self::of_text(&text, directory, |name| environment.value(name))
            .map_err(|error| Failure::usage(format!("{} is not TOML: {error}", file.display())))?;
        values.problems.extend(environment.unknown());
        values.read_store_url();
        values.file = Some(file.to_owned());
        Ok(values)
    }

    /// The files that hold a URL with a password, each with its key. A `store.url_file` always counts, since it is made for
    /// a secret, whatever it holds now.
    pub(super) fn password_files(&mut self) -> Result<Vec<(&'static str, PathBuf)>, Recorded> {
        if let Some(file) = self.path(URL_FILE)? {
            return Ok(vec![(URL_FILE, file)]);
        }
        let Some((url, Source::File)) = self.found.get(URL) else {
            return Ok(Vec::new());
        };
        let has_password = url.parse::<Address>().is_ok_and(|address| address.has_password());
        let file = self.file.clone().filter(|_| has_password);
        Ok(file.map(|file| (URL, file)).into_iter().collect())
    }

    /// Reads the store's URL from the file that `store.url_file` names, unless the URL itself comes from a source of higher
    /// priority.
    fn read_store_url(&mut self) {
        let Some((_, source)) = self.found.get(URL_FILE).cloned() else {
            return;
        };
        let is_set_outside = matches!(source, Source::Environment(_));
        match self.found.get(URL) {
            Some((_, Source::Environment(_))) if !is_set_outside => {
                self.found.remove(URL_FILE);
                return;
            }
            Some((_, Source::Environment(_))) => self.problems.push(format!(
                "{}: {} is set too; use only one",
                variable_of(URL_FILE),
                variable_of(URL)
            )),
            Some((_, Source::File)) if !is_set_outside => self
                .problems
                .push(format!("{URL_FILE}: {URL} is set too; use only one")),
            Some(_) | None => {}
        }
        let Ok(Some(file)) = self.path(URL_FILE) else {
            return;
        };
        self.read_once.push((URL_FILE, file.clone()));
        match line_file(&file) {
            Ok(url) => drop(self.found.insert(URL, (url.trim().to_owned(), source))),
            Err(error) => self.problems.push(format!("{URL_FILE}: {error}")),
        }
    }
}
