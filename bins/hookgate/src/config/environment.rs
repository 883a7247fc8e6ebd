//! The variables of the environment that are a configuration's, by name. What they mean is in the table of keys.

use std::collections::BTreeMap;

use hookgate_domain::read_line;

use super::{KEYS, Values};

/// What the name of every variable begins with.
const PREFIX: &str = "HOOKGATE_";
/// What Kubernetes and Docker say by themselves of a service that is called `hookgate-gate` or `hookgate-console`, behind
/// the name of a section.
const OF_SERVICES: [&str; 2] = ["PORT", "SERVICE"];

/// The variables of this program, by name.
pub(crate) type Environment = BTreeMap<String, String>;

/// Those of this process.
pub(crate) fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .map(|(name, value)| (name, one_line(&value)))
        .collect()
}

/// The value as a file with one line would give it: `--env-file` and `$(cat FILE)` leave marks and carriage returns.
fn one_line(value: &str) -> String {
    read_line(value.as_bytes()).unwrap_or(value).to_owned()
}

/// The variable that sets a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

impl Values {
    /// Takes note of variables that are named like a key of some section, and are none.
    pub(super) fn check_variables(&mut self, environment: &Environment) {
        for name in environment.keys().filter(|name| is_of_a_section(name)) {
            let nearest = KEYS
                .iter()
                .map(|(key, _)| variable_of(key))
                .min_by_key(|known| strsim::damerau_levenshtein(known, name))
                .unwrap_or_default();
            if nearest != *name {
                self.problems
                    .push(format!("{name}: unknown variable; did you mean {nearest}?"));
            }
        }
    }
}

/// Whether a variable can only be meant for a section of the configuration.
fn is_of_a_section(name: &str) -> bool {
    let mut sections = KEYS.iter().filter_map(|(key, _)| key.split_once('.'));
    sections.any(|(section, _)| {
        name.strip_prefix(&format!("{}_", variable_of(section)))
            .is_some_and(|rest| !is_of_a_service(rest))
    })
}

fn is_of_a_service(rest: &str) -> bool {
    rest.split('_').any(|word| OF_SERVICES.contains(&word))
}
