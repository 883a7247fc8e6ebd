//! The files of a configuration: the one that is named, and those in which it keeps a secret. What they say is not known
//! here.

use std::path::{Path, PathBuf};

use hookgate_storage::Address;

use super::environment::Environment;
use super::keys::variable_of;
use super::values::{Source, Values};
use crate::failure::Failure;
use crate::text_input::{line_file, text_file};

/// Where the store is, in so many words.
const URL: &str = "store.url";
/// The file that says it instead.
const URL_FILE: &str = "store.url_file";

impl Values {
    /// Gathers the values for a configuration file from it, from the environment and from the defaults.
    pub(crate) fn load(file: &Path, environment: &Environment) -> Result<Self, Failure> {
        let text = text_file(file).map_err(|error| Failure::usage(format!("the configuration: {error}")))?;
        let directory = file.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut gathered = Self::of_text(&text, directory, |name| environment.value(name))
            .map_err(|error| Failure::usage(format!("{} is not TOML: {error}", file.display())))?;
        gathered.problems.extend(environment.unknown());
        gathered.read_store_url();
        gathered.file = Some(file.to_owned());
        Ok(gathered)
    }

    /// The files that a URL with a password was read from, by the key that it was found under. A file of its own is made for a
    /// secret, whatever it holds now.
    pub(super) fn password_files(&mut self) -> Vec<(&'static str, PathBuf)> {
        if let Some(file) = self.path(URL_FILE) {
            return vec![(URL_FILE, file)];
        }
        let Some((url, Source::File)) = self.found.get(URL) else {
            return Vec::new();
        };
        let has_password = url.parse::<Address>().is_ok_and(|address| address.has_password());
        let file = self.file.clone().filter(|_| has_password);
        file.map(|file| (URL, file)).into_iter().collect()
    }

    /// Takes the store's URL from the file that `store.url_file` names, unless the URL itself comes from where it counts
    /// more.
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
        let Some(file) = self.path(URL_FILE) else {
            return;
        };
        self.read_once.push((URL_FILE, file.clone()));
        match line_file(&file) {
            Ok(url) => drop(self.found.insert(URL, (url.trim().to_owned(), source))),
            Err(error) => self.problems.push(format!("{URL_FILE}: {error}")),
        }
    }
}
