//! Where a PostgreSQL server is: the URL that people know, with TLS that is checked or, in so many words, none.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Words of `sslmode` that mean TLS. Name and chain are checked with either.
const TLS: [&str; 2] = ["require", "verify-full"];
/// Words that would fall back to plain text, or not look whom they talk to.
const WEAK: [&str; 3] = ["allow", "prefer", "verify-ca"];

/// Where a server is, and how to sign in there.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    /// TLS with these roots; `None` is plain text.
    pub(super) tls: Option<Roots>,
}

/// Who may vouch for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// The CAs that the system trusts.
    System,
    /// Those in this PEM file.
    File(PathBuf),
}

/// Why a URL is no address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It would fall back to plain text, or not check the name.
    #[error(
        "sslmode={0} does not check whom it talks to: use sslmode=require (name and chain are checked), or sslmode=disable for plain text"
    )]
    Weak(String),
    /// A word that means nothing.
    #[error("sslmode={0} is unknown: use require or disable")]
    UnknownMode(String),
    /// An `@` besides the one before the hosts: it may stand in a password, whose half would then be taken for a host or an
    /// option, and be shown.
    #[error(
        "one @ stands before the hosts; anywhere else write @ as %40, and in a user or a password ? as %3F"
    )]
    UnclearAt,
    /// Roots without TLS.
    #[error("sslrootcert is set, and sslmode=disable: one of them is a mistake")]
    RootsWithoutTls,
    /// The rest of it.
    #[error("must be postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require: {0}")]
    Malformed(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let (front, query) = url.split_once('?').unwrap_or((url, ""));
        if front.matches('@').count() > 1 || query.contains('@') {
            return Err(AddressError::UnclearAt);
        }
        let (mut mode, mut roots) = (None, None);
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => roots = Some(PathBuf::from(value.into_owned())),
                _ => drop(rest.append_pair(&name, &value)),
            }
        }
        // Its parser takes a blank for a blank, and the serializer writes it as a plus.
        let rest = rest.finish().replace('+', "%20");
        let mut config: Config = format!("{front}?{rest}")
            .parse()
            .map_err(|error: tokio_postgres::Error| AddressError::Malformed(super::with_causes(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(AddressError::Malformed("no host is named".to_owned()));
        }
        let is_local = config
            .get_hosts()
            .iter()
            .all(|host| matches!(host, Host::Unix(_)));
        let tls = match mode.as_deref() {
            Some("disable") if roots.is_some() => return Err(AddressError::RootsWithoutTls),
            Some("disable") => None,
            Some(word) if WEAK.contains(&word) => return Err(AddressError::Weak(word.to_owned())),
            Some(word) if !TLS.contains(&word) => return Err(AddressError::UnknownMode(word.to_owned())),
            // A socket of this machine has no TLS.
            None if is_local => None,
            _ => Some(roots.map_or(Roots::System, Roots::File)),
        };
        config.ssl_mode(if tls.is_some() {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        Ok(Self { config, tls })
    }
}

impl fmt::Display for Address {
    /// Hosts and database, without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        for (place, host) in self.config.get_hosts().iter().enumerate() {
            let separator = if place > 0 { "," } else { "" };
            match host {
                Host::Tcp(name) => write!(f, "{separator}{name}")?,
                Host::Unix(path) => write!(f, "{separator}{}", path.display())?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(url: &str) -> Result<Option<Roots>, AddressError> {
        url.parse::<Address>().map(|address| address.tls)
    }

    #[test]
    fn tls_is_checked_unless_it_is_disabled_in_so_many_words() {
        let system = Ok(Some(Roots::System));
        assert_eq!(tls("postgres://u:p@db/h"), system);
        assert_eq!(tls("postgres://u:p@db/h?sslmode=require"), system);
        assert_eq!(tls("postgresql://u:p@db/h?sslmode=verify-full"), system);
        let own = Ok(Some(Roots::File("/etc/my ca.pem".into())));
        assert_eq!(tls("postgres://u:p@db/h?sslrootcert=/etc/my%20ca.pem"), own);
        assert_eq!(tls("postgres://u:p@db/h?sslmode=disable"), Ok(None));
        assert_eq!(tls("postgres:///h?host=/run/postgresql"), Ok(None));
        for weak in WEAK {
            let url = format!("postgres://u:p@db/h?sslmode={weak}");
            assert_eq!(tls(&url), Err(AddressError::Weak(weak.to_owned())));
        }
        assert_eq!(
            tls("postgres://u:p@db/h?sslmode=on"),
            Err(AddressError::UnknownMode("on".to_owned()))
        );
        assert_eq!(
            tls("postgres://u:p@db/h?sslmode=disable&sslrootcert=a"),
            Err(AddressError::RootsWithoutTls)
        );
        assert!(matches!(tls("postgres:///h"), Err(AddressError::Malformed(_))));
        assert!(matches!(
            tls("postgres://db:x/h"),
            Err(AddressError::Malformed(_))
        ));
    }

    #[test]
    fn half_a_password_is_no_host_and_no_option() {
        for url in [
            "postgres://u:se@cret@db/h",
            "postgres://u:se?cret@db/h",
            "postgres://u:p@db/h?application_name=a@b",
        ] {
            assert_eq!(tls(url), Err(AddressError::UnclearAt), "{url}");
        }
        assert!(tls("postgres://u:se%40c%3Fr/et@db/h?application_name=a%40b").is_ok());
    }

    #[test]
    fn neither_user_nor_password_is_shown() {
        let address: Address = "postgres://someone:secret@db1:5433,db2/hooks?options=-c%20work_mem%3D8MB"
            .parse()
            .unwrap();
        assert_eq!(address.config.get_options(), Some("-c work_mem=8MB"));
        assert_eq!(address.to_string(), "postgres://db1,db2/hooks");
        assert_eq!(format!("{address:?}"), "Address(postgres://db1,db2/hooks)");
    }
}
