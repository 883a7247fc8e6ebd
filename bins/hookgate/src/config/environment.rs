//! The environment variables of this program, by name. A variable is known, or an error that names the nearest known one.
//! The table of keys has their meaning.

use std::collections::BTreeMap;

use hookgate_domain::text::read_line;

use super::keys::{KEYS, PREFIX, nearest, variable_of};
use crate::failure::Failure;

/// Variables that set an option.
const OPTIONS: [&str; 2] = ["HOOKGATE_DATA", "HOOKGATE_CONFIG"];
/// The variable that holds a webhook's URL in the snippets for senders.
const SENDER_URL: &str = "HOOKGATE_URL";
/// Prefix of the variables of Hookgate's own tests.
const TEST_PREFIX: &str = "HOOKGATE_TEST_";
/// Protocols of a Kubernetes service.
const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// The variables of this program, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

/// The variables of this process.
pub(crate) fn environment() -> Environment {
    let all = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    Environment::of(all)
}

/// Refuses unknown variables.
///
/// # Errors
/// All unknown variables, each with the nearest known one.
pub(crate) fn refuse_unknown_variables(environment: &Environment) -> Result<(), Failure> {
    let unknown: Vec<_> = environment.unknown().collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Failure::usage(unknown.join("\n")))
    }
}

impl Environment {
    /// Selects the variables of this program.
    pub(super) fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(
            variables
                .into_iter()
                .filter(|(name, _)| name.starts_with(PREFIX))
                .map(|(name, value)| (name, one_line(&value)))
                .collect(),
        )
    }

    /// The value of a variable.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// The keys of the configuration whose variable is set, each with the variable's name.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'static str, String)> {
        KEYS.iter()
            .map(|(key, _)| (*key, variable_of(key)))
            .filter(|(_, variable)| self.0.contains_key(variable))
    }

    /// The error of each unknown variable.
    pub(super) fn unknown(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|(name, value)| {
            let known = KEYS.iter().map(|(key, _)| variable_of(key));
            let nearest = nearest(name, known.chain(OPTIONS.map(str::to_owned)))?;
            (nearest != *name && !is_of_others(name, value))
                .then(|| format!("{name}: unknown variable; did you mean {nearest}?"))
        })
    }
}

/// The value as a file with one line would give it: `--env-file` and `$(cat FILE)` leave byte-order marks and carriage
/// returns.
fn one_line(value: &str) -> String {
    read_line(value.as_bytes()).unwrap_or(value).to_owned()
}

/// `true` if a variable is meant for other readers: senders, tests, and containers next to a service whose name begins with
/// `hookgate`.
fn is_of_others(name: &str, value: &str) -> bool {
    name == SENDER_URL || name.starts_with(TEST_PREFIX) || is_of_a_service(name, value)
}

/// `true` if Kubernetes sets such a variable for a service: `…_SERVICE_HOST`, `…_SERVICE_PORT`, `…_SERVICE_PORT_HTTPS`,
/// `…_PORT` and `…_PORT_8443_TCP_ADDR`. For `…_PORT`, only the URL in its value rules out a mistyped name.
fn is_of_a_service(name: &str, value: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    let is_link = words
        .windows(3)
        .any(|part| part[0] == "PORT" && part[1].parse::<u16>().is_ok() && PROTOCOLS.contains(&part[2]));
    let is_endpoint = words
        .windows(2)
        .any(|part| part == ["SERVICE", "HOST"] || part == ["SERVICE", "PORT"]);
    is_link || is_endpoint || (words.last() == Some(&"PORT") && value.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(variables: &[(&str, &str)]) -> Vec<String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Environment::of(variables.iter().map(owned)).unknown().collect()
    }

    #[test]
    fn a_variable_that_nothing_reads_names_the_nearest() {
        for (name, nearest) in [
            ("HOOKGATE_PUBLIC_ULR", "HOOKGATE_PUBLIC_URL"),
            ("HOOKGATE_PUBLICURL", "HOOKGATE_PUBLIC_URL"),
            ("HOOKGATE_STORE__URL", "HOOKGATE_STORE_URL"),
            ("HOOKGATE_GATE_LISTN", "HOOKGATE_GATE_LISTEN"),
            ("HOOKGATE_LOGLEVEL", "HOOKGATE_LOG_LEVEL"),
            ("HOOKGATE_LOG", "HOOKGATE_LOG_LEVEL"),
            ("HOOKGATE_DATA_DIR", "HOOKGATE_DATA"),
            ("HOOKGATE_CONFIG_FILE", "HOOKGATE_CONFIG"),
        ] {
            let said = format!("{name}: unknown variable; did you mean {nearest}?");
            assert_eq!(unknown(&[(name, "x")]), [said]);
        }
        assert_eq!(
            unknown(&[("HOOKGATE_GATE_PORT", "8443")]).len(),
            1,
            "no service's"
        );
        assert!(unknown(&[("HOOK_GATE_URL", "x"), ("PATH", "x")]).is_empty());
    }

    #[test]
    fn known_variables_and_those_of_others_pass() {
        let keys: Vec<_> = KEYS.iter().map(|(key, _)| variable_of(key)).collect();
        let all: Vec<_> = keys.iter().map(|name| (&**name, "x")).collect();
        assert!(unknown(&all).is_empty());
        for name in [
            "HOOKGATE_URL",
            "HOOKGATE_DATA",
            "HOOKGATE_CONFIG",
            "HOOKGATE_TEST_SCALE",
            "HOOKGATE_PORT",
            "HOOKGATE_SERVICE_HOST",
            "HOOKGATE_GATE_PORT",
            "HOOKGATE_GATE_PORT_8443_TCP_ADDR",
            "HOOKGATE_CONSOLE_SERVICE_HOST",
            "HOOKGATE_STORE_RW_SERVICE_HOST",
            "HOOKGATE_GATE_LB_PORT_8443_TCP_ADDR",
            "HOOKGATE_CONSOLE_SERVICE_PORT_HTTPS",
        ] {
            assert!(unknown(&[(name, "tcp://10.0.0.1:8443")]).is_empty(), "{name}");
        }
    }
}
