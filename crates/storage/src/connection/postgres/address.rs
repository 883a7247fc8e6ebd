//! Address of a PostgreSQL server: the usual URL. TLS is verified, and off only by `sslmode=disable` or on a
//! Unix socket.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::address_error::AddressError;
use super::connect_error::ConnectError;
use super::parameters;
use super::tls::{self, Roots};
use crate::directory::literal_path::literal_path;

/// Values of `sslmode` that mean TLS. Name and chain are verified with either.
const TLS: [&str; 2] = ["require", "verify-full"];
/// Values that would fall back to plain text, or not verify the server.
const WEAK: [&str; 3] = ["allow", "prefer", "verify-ca"];

/// Address of a server and the credentials for it.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    /// TLS with these roots; `None` is plain text.
    pub(super) tls: Option<Roots>,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let (front, query) = url.split_once('?').unwrap_or((url, ""));
        if front.matches('@').count() > 1 || query.contains('@') {
            return Err(AddressError::UnclearAt);
        }
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| front.starts_with(scheme))
        {
            return Err(AddressError::Malformed);
        }
        let Query { mode, roots, rest } = Query::read(query)?;
        let mut config: Config = format!("{front}?{rest}")
            .parse()
            .map_err(|_| AddressError::Malformed)?;
        if config.get_hosts().is_empty() {
            return Err(AddressError::NoHost);
        }
        let is_local = config
            .get_hosts()
            .iter()
            .all(|host| matches!(host, Host::Unix(_)));
        let tls = match mode.as_deref() {
            Some("disable") if roots.is_some() => return Err(AddressError::RootsWithoutTls),
            Some("disable") => None,
            Some(word) if !TLS.contains(&word) => {
                let weak = WEAK.into_iter().find(|weak| *weak == word);
                return Err(weak.map_or(AddressError::UnknownMode, AddressError::Weak));
            }
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

impl Address {
    /// Resolves a relative `sslrootcert` against this directory.
    #[must_use]
    pub fn relative_to(mut self, directory: &Path) -> Self {
        if let Some(Roots::File(path)) = &mut self.tls {
            *path = directory.join(&*path);
        }
        self
    }

    /// `true` if it holds a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Reads the files that the address names, as a connection does, without connecting.
    ///
    /// # Errors
    /// [`ConnectError`] if they can't be used.
    pub fn check_files(&self) -> Result<(), ConnectError> {
        if let Some(roots) = &self.tls {
            tls::connector(roots)?;
        }
        Ok(())
    }
}

/// The query of the URL, behind the `?`.
#[derive(Default)]
struct Query {
    mode: Option<String>,
    roots: Option<PathBuf>,
    /// Parameters for the driver.
    rest: String,
}

impl Query {
    fn read(query: &str) -> Result<Self, AddressError> {
        let mut read = Self::default();
        let mut rest = form_urlencoded::Serializer::new(String::new());
        let mut names = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let known = match &*name {
                "sslmode" => {
                    read.mode = Some(value.into_owned());
                    "sslmode"
                }
                "sslrootcert" => {
                    read.roots = Some(literal_path(&*value).map_err(AddressError::Path)?);
                    "sslrootcert"
                }
                _ => {
                    rest.append_pair(&name, &value);
                    parameters::check(&name, &value)?
                }
            };
            if names.contains(&known) {
                return Err(AddressError::Twice(known));
            }
            names.push(known);
        }
        // The driver decodes `%20` as a blank, but not the plus that the serializer writes.
        read.rest = rest.finish().replace('+', "%20");
        Ok(read)
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
        // Without a name it is the database of the user's name, and the user is not shown.
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
    use crate::directory::literal_path::UnexpandedPath;

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
            assert_eq!(tls(&url), Err(AddressError::Weak(weak)));
        }
        assert_eq!(
            tls("postgres://u:p@db/h?sslmode=on"),
            Err(AddressError::UnknownMode)
        );
        assert_eq!(
            tls("postgres://u:p@db/h?sslmode=disable&sslrootcert=a"),
            Err(AddressError::RootsWithoutTls)
        );
        assert_eq!(tls("postgres:///h"), Err(AddressError::NoHost));
        assert_eq!(tls("postgres://db:x/h"), Err(AddressError::Malformed));
        assert_eq!(
            tls("postgres://u:p@db/h?sslmode=require&sslmode=disable"),
            Err(AddressError::Twice("sslmode"))
        );
        assert_eq!(
            tls("postgres://u:p@db/h?sslrootcert=~/ca.pem"),
            Err(AddressError::Path(UnexpandedPath::Home))
        );
    }

    #[test]
    fn an_error_repeats_nothing_of_the_url() {
        const SECRET: &str = "hunter2-Zq7";
        for url in [
            "postgres://db/h?SECRET=1",
            "postgres://db/h?SECRET",
            "postgres://db/h?password=a&SECRET=b",
            "postgres://u:SECRET/h",
            "postgres://u:SECRET",
            "postgres:user=u password=SECRET",
            "postgres:SECRET",
            "postgres://u:a@SECRET@db/h",
            "postgres://u:%FFSECRET%@db:SECRET/h",
            "postgres://u:p@db/h?sslmode=SECRET",
            "postgres://u:p@db/h?connect_timeout=SECRET",
            "postgres://u:p@db/h?options=-cstatement_timeout=SECRET",
            "postgres://u:p@db/h?sslmode=disable&sslrootcert=SECRET",
            "postgres://u:p@db/h?sslrootcert=$SECRET",
            "postgres://u:p@/h?user=SECRET",
        ] {
            let url = url.replace("SECRET", SECRET);
            let error = url.parse::<Address>().expect_err("no address");
            let told = format!("{error} {error:?}");
            assert!(!told.contains("hunter2") && !told.contains("Zq7"), "{told}");
        }
    }

    #[test]
    fn a_relative_file_is_one_of_a_directory() {
        let address: Address = "postgres://u:p@db/h?sslrootcert=ca.pem"
            .parse()
            .expect("an address");
        let rooted = address.relative_to(Path::new("/etc/hookgate"));
        assert_eq!(rooted.tls, Some(Roots::File("/etc/hookgate/ca.pem".into())));
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
