//! The configuration: one table of keys; each value from the environment, the file or its default, in that order.
//! All problems are reported at once, and an unknown key is a problem that names the nearest known one.

mod environment;
mod files;
mod keys;
mod lists;
mod load;
mod not_toml;
mod proxies;
mod report;
mod retention;
mod store;
#[cfg(test)]
mod tests;
mod values;
mod without_file;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hookgate_gate::Retention;
use hookgate_storage::SEALING_KEY;
use hookgate_transport::tls::MinTls;
use tracing::level_filters::LevelFilter;

use crate::certificate_files::CertificateFiles;
use crate::failure::Failure;
use values::parse;

pub(crate) use environment::{Environment, environment, refuse_unknown_variables};
pub(crate) use files::sentence_on;
pub(crate) use lists::Lists;
pub(crate) use proxies::{FrontSettings, check_trust};
pub use report::{ConfigReport, tell_configuration};
pub(crate) use store::{StorePlace, StoreUrl};
pub(crate) use values::{Source, Values};
pub(crate) use without_file::WithoutFile;

/// What `hookgate config init` prints.
pub(crate) const SAMPLE: &str = include_str!("../../../docs/hookgate.toml");

/// What `log.level` may be.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
const SEALING_KEY_FILE: &str = "store.sealing_key_file";

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
    pub(crate) front: FrontSettings,
    /// The gate's certificate.
    pub(crate) certificate: CertificateFiles,
    /// Where the console listens.
    pub(crate) console_listen: SocketAddr,
    /// What stands in front of the console.
    pub(crate) console_front: FrontSettings,
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
    /// Files that a server reads at its start and never again, by the key that names each.
    pub(crate) read_once: Vec<(&'static str, PathBuf)>,
    /// Files that hold the password of a database, by the key that they set or that names them.
    password_files: Vec<(&'static str, PathBuf)>,
}

impl Values {
    /// The configuration, or all of its problems.
    pub(crate) fn read(self) -> Result<Config, Failure> {
        self.checked(Self::config)
    }

    fn config(&mut self) -> Config {
        let store = self.store_place();
        let sealing_key = self.sealing_key(&store);
        let retention = self.retention();
        let console_listen = self
            .required("console.listen", parse::<SocketAddr>)
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let console_url = self.console_url(console_listen);
        Config {
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
                section: Some("gate"),
                chain: self.required_path("gate.certificate"),
                key: self.required_path("gate.key"),
            },
            console_listen,
            console_certificate: self.console_certificate(),
            console_url,
            log_level: self
                .required("log.level", parse_level)
                .unwrap_or(LevelFilter::INFO),
            read_once: std::mem::take(&mut self.read_once),
            password_files: self.password_files(),
        }
    }

    fn store_place(&mut self) -> StorePlace {
        let directory = self.directory().to_owned();
        self.required("store.url", |text| store::parse_store(text, &directory))
            .unwrap_or_else(|| StorePlace::Directory(PathBuf::new()))
    }

    /// The file with the key. On a server's node it is named, because every node needs the same one.
    fn sealing_key(&mut self, store: &StorePlace) -> PathBuf {
        let file = match (self.path(SEALING_KEY_FILE), store) {
            (Some(file), _) => file,
            (None, StorePlace::Directory(directory)) => directory.join(SEALING_KEY),
            (None, StorePlace::Server(_)) => {
                self.problems.push(format!(
                    "{SEALING_KEY_FILE}: is missing; with PostgreSQL every node needs a copy of one file"
                ));
                PathBuf::new()
            }
        };
        self.read_once.push((SEALING_KEY_FILE, file.clone()));
        file
    }

    /// Both of the console's files, or none of them.
    fn console_certificate(&mut self) -> Option<CertificateFiles> {
        match (self.path("console.certificate"), self.path("console.key")) {
            (Some(chain), Some(key)) => Some(CertificateFiles {
                section: Some("console"),
                chain,
                key,
            }),
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
}

/// One of the documented words, in any case. The level's own rule takes an empty text for `error`, and numbers.
fn parse_level(text: &str) -> Result<LevelFilter, &'static str> {
    let is_word = LEVELS.iter().any(|word| word.eq_ignore_ascii_case(text));
    let level = text.parse().ok().filter(|_| is_word);
    level.ok_or("must be off, error, warn, info, debug or trace")
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
