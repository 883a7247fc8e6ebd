//! The configuration: one table of keys. Each value comes from the environment, the file or its default, in that order. All
//! problems are reported at once; the error of an unknown key names the nearest known key.

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
use values::{Recorded, parse};

pub(crate) use environment::{Environment, environment, refuse_unknown_variables};
pub(crate) use lists::Lists;
pub(crate) use proxies::{FrontSettings, check_trust};
pub use report::{ConfigReport, tell_configuration};
pub(crate) use store::{StorePlace, StoreUrl};
pub(crate) use values::{Source, Values};
pub(crate) use without_file::WithoutFile;

/// Output of `hookgate config init`.
pub(crate) const SAMPLE: &str = include_str!("../../../docs/hookgate.toml");

/// Values of `log.level`.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
const SEALING_KEY_FILE: &str = "store.sealing_key_file";

/// The configuration of a server.
#[derive(Debug)]
pub(crate) struct Config {
    /// Base of webhook URLs.
    pub(crate) public_url: String,
    /// Location of the store.
    pub(crate) store: StorePlace,
    /// The file with the key that seals signing secrets.
    pub(crate) sealing_key: PathBuf,
    /// Limits of the history.
    pub(crate) retention: Retention,
    /// Address of the gate.
    pub(crate) listen: SocketAddr,
    /// Address at which plain HTTP is refused, if any.
    pub(crate) plain_listen: Option<SocketAddr>,
    /// Time without a request after which the gate closes a connection.
    pub(crate) idle_timeout: Duration,
    /// The proxies in front of the gate.
    pub(crate) front: FrontSettings,
    /// The gate's certificate.
    pub(crate) certificate: CertificateFiles,
    /// Address of the console.
    pub(crate) console_listen: SocketAddr,
    /// The proxies in front of the console.
    pub(crate) console_front: FrontSettings,
    /// The console's own certificate.
    pub(crate) console_certificate: Option<CertificateFiles>,
    /// Base of the console's URLs.
    pub(crate) console_url: String,
    /// Minimum TLS version of both listeners.
    pub(crate) min_tls: MinTls,
    /// Settings for reading published lists.
    pub(crate) lists: Lists,
    /// Minimum level of log events.
    pub(crate) log_level: LevelFilter,
    /// Files that a server reads only at its start, by the key that names each.
    pub(crate) read_once: Vec<(&'static str, PathBuf)>,
    /// Files that hold a database password, by the key that the file sets or that names the file.
    password_files: Vec<(&'static str, PathBuf)>,
}

impl Values {
    /// The configuration, or all of its problems.
    pub(crate) fn read(self) -> Result<Config, Failure> {
        self.checked(Self::config)
    }

    fn config(&mut self) -> Result<Config, Recorded> {
        let store = self.store_place();
        let sealing_key = self.sealing_key(&store);
        let retention = self.retention();
        let console_listen = self.required("console.listen", parse::<SocketAddr>);
        let console_url = self.console_url(console_listen);
        let public_url = self.required("public_url", parse_public_url);
        let listen = self.required("gate.listen", parse::<SocketAddr>);
        let plain_listen = self.optional("gate.plain_listen", parse);
        let idle_timeout = self.required("gate.idle_seconds", parse_idle_seconds);
        let front = self.front("gate");
        let console_front = self.front("console");
        let min_tls = self.required("tls.min", parse);
        let lists = self.lists();
        let chain = self.required_path("gate.certificate");
        let key = self.required_path("gate.key");
        let console_certificate = self.console_certificate();
        let log_level = self.required("log.level", parse_level);
        let password_files = self.password_files();
        Ok(Config {
            public_url: public_url?,
            sealing_key: sealing_key?,
            store: store?,
            retention: retention?,
            listen: listen?,
            plain_listen: plain_listen?,
            idle_timeout: idle_timeout?,
            front: front?,
            console_front: console_front?,
            min_tls: min_tls?,
            lists: lists?,
            certificate: CertificateFiles {
                section: Some("gate"),
                chain: chain?,
                key: key?,
            },
            console_listen: console_listen?,
            console_certificate: console_certificate?,
            console_url: console_url?,
            log_level: log_level?,
            read_once: std::mem::take(&mut self.read_once),
            password_files: password_files?,
        })
    }

    fn store_place(&mut self) -> Result<StorePlace, Recorded> {
        let directory = self.directory().to_owned();
        self.required("store.url", |text| store::parse_store(text, &directory))
    }

    /// The file with the key. With a database server the setting is required, because every node needs the same key.
    fn sealing_key(&mut self, store: &Result<StorePlace, Recorded>) -> Result<PathBuf, Recorded> {
        let file = match (self.path(SEALING_KEY_FILE)?, store) {
            (Some(file), _) => file,
            (None, Ok(StorePlace::Directory(directory))) => directory.join(SEALING_KEY),
            (None, Ok(StorePlace::Server(_))) => {
                return Err(self.problem(format!(
                    "{SEALING_KEY_FILE}: is missing; with PostgreSQL every node needs a copy of one file"
                )));
            }
            (None, Err(recorded)) => return Err(*recorded),
        };
        self.read_once.push((SEALING_KEY_FILE, file.clone()));
        Ok(file)
    }

    /// Both of the console's files, or none of them.
    fn console_certificate(&mut self) -> Result<Option<CertificateFiles>, Recorded> {
        let chain = self.path("console.certificate");
        let key = self.path("console.key");
        let (missing, there) = match (chain?, key?) {
            (Some(chain), Some(key)) => {
                return Ok(Some(CertificateFiles {
                    section: Some("console"),
                    chain,
                    key,
                }));
            }
            (None, None) => return Ok(None),
            (Some(_), None) => ("key", "certificate"),
            (None, Some(_)) => ("certificate", "key"),
        };
        Err(self.problem(format!(
            "console.{missing}: is missing, and console.{there} is set"
        )))
    }

    /// The console's public URL; by default its address, with `localhost` instead of an unspecified address, which no
    /// browser can open.
    fn console_url(&mut self, listen: Result<SocketAddr, Recorded>) -> Result<String, Recorded> {
        if let Some(url) = self.optional("console.public_url", parse_public_url)? {
            return Ok(url);
        }
        let listen = listen?;
        Ok(if listen.ip().to_canonical().is_unspecified() {
            format!("https://localhost:{}", listen.port())
        } else {
            format!("https://{listen}")
        })
    }
}

/// Parses one of the documented words, in any case. `LevelFilter` itself accepts numbers too, and an empty text as `error`.
fn parse_level(text: &str) -> Result<LevelFilter, &'static str> {
    let is_word = LEVELS.iter().any(|word| word.eq_ignore_ascii_case(text));
    let level = text.parse().ok().filter(|_| is_word);
    level.ok_or("must be off, error, warn, info, debug or trace")
}

/// Parses a time that is long enough for clients to reuse connections, and short enough to release idle descriptors.
fn parse_idle_seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse::<u16>() {
        Ok(seconds @ 5..=3_600) => Ok(Duration::from_secs(seconds.into())),
        _ => Err("must be 5 to 3600 seconds"),
    }
}

/// Parses an https URL with host and optional port. Webhook paths are appended to it.
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
