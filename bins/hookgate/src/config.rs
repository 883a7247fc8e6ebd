//! The configuration: one table of keys; each value from the environment, the file or its default, in that order.
//! All problems are reported at once, and an unknown key is a problem that names the nearest known one.

mod environment;
mod files;
mod gather;
mod lists;
mod not_toml;
mod proxies;
mod store;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use hookgate_gate::Retention;
use hookgate_storage::literal_path;
use hookgate_transport::tls::MinTls;
use tracing::level_filters::LevelFilter;

use crate::failure::Failure;
use crate::server::CertificateFiles;

use environment::variable_of;
pub(crate) use environment::{Environment, environment};
pub(crate) use lists::Lists;
use not_toml::NotToml;
pub(crate) use proxies::Front;
pub(crate) use store::{StorePlace, StoreUrl};
use store::{parse_store, shown};
pub use told::{Told, tell_configuration};

/// What `hookgate config init` prints.
pub(crate) const SAMPLE: &str = include_str!("../../../docs/hookgate.toml");

const DAY: Duration = Duration::from_hours(24);
const GIBIBYTE: u64 = 1 << 30;

/// Every key, with its default; `None` must be given or may be left out, as `read` decides.
const KEYS: [(&str, Option<&str>); 27] = [
    ("public_url", None),
    ("store.url", None),
    ("store.url_file", None),
    ("store.sealing_key_file", None),
    ("store.keep_days", Some("90")),
    ("store.keep_payload_days", Some("30")),
    ("store.keep_gib", Some("10")),
    ("gate.listen", Some("0.0.0.0:8443")),
    ("gate.certificate", None),
    ("gate.key", None),
    ("gate.plain_listen", None),
    ("gate.idle_seconds", Some("75")),
    ("gate.trusted_proxies", None),
    ("gate.forwarded", Some("none")),
    ("gate.proxy_protocol", Some("false")),
    ("console.listen", Some("127.0.0.1:8444")),
    ("console.public_url", None),
    ("console.certificate", None),
    ("console.key", None),
    ("console.trusted_proxies", None),
    ("console.forwarded", Some("none")),
    ("console.proxy_protocol", Some("false")),
    ("tls.min", Some("1.2")),
    ("addresses.refresh_hours", Some("6")),
    ("addresses.ca", None),
    ("addresses.private_targets", None),
    ("log.level", Some("info")),
];

/// The configuration of a server.
#[derive(Debug)]
pub(crate) struct Config {
    /// What webhook URLs start with.
    pub(crate) public_url: String,
    /// Where the store is.
    pub(crate) store: StorePlace,
    /// The file with the key that seals signing secrets.
    pub(crate) sealing_key: PathBuf,
    /// How long the history is kept.
    pub(crate) retention: Retention,
    /// Where the gate listens.
    pub(crate) listen: SocketAddr,
    /// Where plain HTTP is refused, if anywhere.
    pub(crate) plain_listen: Option<SocketAddr>,
    /// Time without a request after which the gate closes a connection.
    pub(crate) idle_timeout: Duration,
    /// What stands in front of the gate.
    pub(crate) front: Front,
    /// The gate's certificate.
    pub(crate) certificate: CertificateFiles,
    /// Where the console listens.
    pub(crate) console_listen: SocketAddr,
    /// What stands in front of the console.
    pub(crate) console_front: Front,
    /// The console's own certificate.
    pub(crate) console_certificate: Option<CertificateFiles>,
    /// What the console's addresses start with.
    pub(crate) console_url: String,
    /// The oldest version of TLS that both listeners speak.
    pub(crate) min_tls: MinTls,
    /// How published lists of addresses are read.
    pub(crate) lists: Lists,
    /// What is logged.
    pub(crate) log_level: LevelFilter,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// An environment variable.
    Environment(String),
    /// The configuration file.
    File,
    /// Nobody set it.
    Default,
}

/// The values as they were found, by key.
pub(crate) struct Values {
    found: BTreeMap<&'static str, (String, Source)>,
    problems: Vec<String>,
    directory: PathBuf,
}

impl Values {
    /// The values that a text and the environment give; relative paths start at this directory. No file is read.
    fn of_text(
        text: &str,
        directory: PathBuf,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, NotToml> {
        let table: toml::Table = text.parse().map_err(|error| NotToml::new(text, &error))?;
        let mut gathered = Self {
            found: BTreeMap::new(),
            problems: Vec::new(),
            directory,
        };
        gathered.add_table("", &table);
        for (key, default) in KEYS {
            let variable = variable_of(key);
            if let Some(value) = environment(&variable) {
                gathered.found.insert(key, (value, Source::Environment(variable)));
            } else if let Some(default) = default {
                gathered
                    .found
                    .entry(key)
                    .or_insert_with(|| (default.to_owned(), Source::Default));
            }
        }
        Ok(gathered)
    }

    /// Every value with its key and source, in the order of the keys; an address of a server without user and password.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, String, &Source)> {
        self.found
            .iter()
            .map(|(key, (value, source))| (*key, shown(key, value), source))
    }

    /// The configuration, or all of its problems.
    pub(crate) fn read(mut self) -> Result<Config, Failure> {
        let store = self.store_place();
        let sealing_key = self.sealing_key(&store);
        let retention = self.retention();
        let console_listen = self
            .required("console.listen", parse::<SocketAddr>)
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let console_url = self.console_url(console_listen);
        let config = Config {
            public_url: self.required("public_url", parse_public_url).unwrap_or_default(),
            sealing_key,
            store,
            retention,
            listen: self
                .required("gate.listen", parse::<SocketAddr>)
                .unwrap_or_else(|| SocketAddr::from(([0; 4], 0))),
            plain_listen: self.optional("gate.plain_listen", parse),
            idle_timeout: self
                .required("gate.idle_seconds", parse_idle_seconds)
                .unwrap_or_default(),
            front: self.front("gate"),
            console_front: self.front("console"),
            min_tls: self.required("tls.min", parse).unwrap_or_default(),
            lists: self.lists(),
            certificate: CertificateFiles {
                chain: self.required_path("gate.certificate"),
                key: self.required_path("gate.key"),
            },
            console_listen,
            console_certificate: self.console_certificate(),
            console_url,
            log_level: self.required("log.level", parse).unwrap_or(LevelFilter::INFO),
        };
        if self.problems.is_empty() {
            Ok(config)
        } else {
            Err(Failure::usage(self.problems.join("\n")))
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

    fn store_place(&mut self) -> StorePlace {
        let directory = self.directory.clone();
        let parse = |text: &str| parse_store(text, &directory);
        self.required("store.url", parse)
            .unwrap_or_else(|| StorePlace::Directory(PathBuf::new()))
    }

    /// The file with the key. On a server's node it is named, because every node needs the same one.
    fn sealing_key(&mut self, store: &StorePlace) -> PathBuf {
        match (self.path("store.sealing_key_file"), store) {
            (Some(file), _) => file,
            (None, StorePlace::Directory(directory)) => directory.join("sealing.key"),
            (None, StorePlace::Server(_)) => {
                self.problems.push(
                    "store.sealing_key_file: is missing; with PostgreSQL every node needs a copy of one file"
                        .to_owned(),
                );
                PathBuf::new()
            }
        }
    }

    /// Both of the console's files, or none of them.
    fn console_certificate(&mut self) -> Option<CertificateFiles> {
        match (self.path("console.certificate"), self.path("console.key")) {
            (Some(chain), Some(key)) => Some(CertificateFiles { chain, key }),
            (None, None) => None,
            (chain, _) => {
                let (missing, there) = if chain.is_some() {
                    ("key", "certificate")
                } else {
                    ("certificate", "key")
                };
                self.problems.push(format!(
                    "console.{missing}: is missing, and console.{there} is set"
                ));
                None
            }
        }
    }

    /// The console's public URL, or where it listens. Nobody can open "every address", so that is `localhost`.
    fn console_url(&mut self, listen: SocketAddr) -> String {
        let listening = || {
            if listen.ip().to_canonical().is_unspecified() {
                format!("https://localhost:{}", listen.port())
            } else {
                format!("https://{listen}")
            }
        };
        self.optional("console.public_url", parse_public_url)
            .unwrap_or_else(listening)
    }

    fn retention(&mut self) -> Retention {
        let default = Retention::default();
        let days = |text: &str| {
            parse::<u16>(text).and_then(|days| {
                if days == 0 {
                    Err("must be 1 or more".to_owned())
                } else {
                    Ok(DAY * days.into())
                }
            })
        };
        let bytes = |text: &str| {
            let gib = parse::<u64>(text)?;
            NonZeroU64::new(gib.saturating_mul(GIBIBYTE)).ok_or_else(|| "must be 1 or more".to_owned())
        };
        Retention {
            deliveries: self
                .required("store.keep_days", days)
                .unwrap_or(default.deliveries),
            payloads: self
                .required("store.keep_payload_days", days)
                .unwrap_or(default.payloads),
            bytes: self.required("store.keep_gib", bytes).unwrap_or(default.bytes),
        }
    }

    fn optional<T, E: Display>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let (text, source) = self.found.get(key)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                let whose = if let Source::Environment(variable) = source {
                    variable
                } else {
                    key
                };
                self.problems.push(format!("{whose}: {error}"));
                None
            }
        }
    }

    fn required<T, E: Display>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        if !self.found.contains_key(key) {
            self.problems.push(format!("{key}: is missing"));
        }
        self.optional(key, parse)
    }

    fn path(&mut self, key: &str) -> Option<PathBuf> {
        let directory = self.directory.clone();
        self.optional(key, |text| literal_path(text).map(|path| directory.join(path)))
    }

    fn required_path(&mut self, key: &str) -> PathBuf {
        if !self.found.contains_key(key) {
            self.problems.push(format!("{key}: is missing"));
        }
        self.path(key).unwrap_or_default()
    }
}

/// Whether keys begin with this.
fn is_section(name: &str) -> bool {
    let mut sections = KEYS.iter().filter_map(|(key, _)| key.split_once('.'));
    sections.any(|(section, _)| section == name)
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

/// A list of texts as one, for a key that may have several.
fn list_of(key: &str, value: &toml::Value) -> Option<String> {
    if !key.ends_with(".trusted_proxies") && !key.ends_with(".private_targets") {
        return None;
    }
    let texts: Option<Vec<&str>> = value.as_array()?.iter().map(toml::Value::as_str).collect();
    texts.map(|texts| texts.join(", "))
}

fn unknown(key: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !key.chars().all(is_name) {
        return "a key is unknown, and no name: is a value on the left of its =?".to_owned();
    }
    let nearest = KEYS
        .iter()
        .map(|(known, _)| *known)
        .min_by_key(|known| strsim::damerau_levenshtein(known, key));
    format!(
        "{key}: unknown key; did you mean {}?",
        nearest.unwrap_or_default()
    )
}

fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// A time that no client takes for a hang-up, and that holds no descriptor for ever.
fn parse_idle_seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse::<u16>() {
        Ok(seconds @ 5..=3_600) => Ok(Duration::from_secs(seconds.into())),
        _ => Err("must be 5 to 3600 seconds"),
    }
}

/// An https URL of scheme, host and maybe port: webhook paths are put behind it.
fn parse_public_url(text: &str) -> Result<String, &'static str> {
    let authority = text
        .strip_prefix("https://")
        .ok_or("must start with https://")?
        .trim_end_matches('/');
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if authority.is_empty() || !authority.chars().all(fits) {
        return Err("must be https:// and a host, without path or query");
    }
    Ok(format!("https://{authority}"))
}
