//! The location of a store in configuration and arguments, and its form without secrets.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hookgate_storage::{Address, AddressError, literal_path};

use crate::text_input::line_file;

/// Location of a store.
#[derive(Clone, Debug)]
pub(crate) enum StorePlace {
    /// Embedded, in this directory.
    Directory(PathBuf),
    /// On a PostgreSQL server.
    Server(Box<Address>),
}

impl Display for StorePlace {
    /// The location without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(directory) => directory.display().fmt(f),
            Self::Server(address) => address.fmt(f),
        }
    }
}

/// A store as an argument names it. `@FILE` keeps a password out of the process list.
#[derive(Clone, Debug)]
pub(crate) struct StoreUrl {
    /// The store.
    pub(crate) place: StorePlace,
    /// The file that the URL was read from.
    pub(crate) file: Option<PathBuf>,
}

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            None => parse_store(text, Path::new("")).map(|place| Self { place, file: None }),
            Some(file) => {
                let file = literal_path(file).map_err(|error| error.to_string())?;
                let text = line_file(&file).map_err(|error| error.to_string())?;
                parse_store(text.trim(), Path::new("")).map(|place| Self {
                    place,
                    file: Some(file),
                })
            }
        }
    }
}

/// Parses a store's URL; a relative path is relative to `directory`.
pub(super) fn parse_store(text: &str, directory: &Path) -> Result<StorePlace, String> {
    match text.split_once(':') {
        Some(("sqlite", path)) if is_url_of_others(path) => {
            Err("must be sqlite:DIRECTORY: one colon, a directory, and no options".to_owned())
        }
        Some(("sqlite", path)) if !path.is_empty() => literal_path(path)
            .map(|path| StorePlace::Directory(directory.join(path)))
            .map_err(|error| error.to_string()),
        Some(("postgres" | "postgresql", _)) => text
            .parse()
            .map(|address: Address| StorePlace::Server(Box::new(address.relative_to(directory))))
            .map_err(|error: AddressError| error.to_string()),
        _ => Err("must be sqlite:DIRECTORY or postgres://…".to_owned()),
    }
}

/// `true` if other programs would not read the path as a directory, but as a host, a store in memory, or with options.
fn is_url_of_others(path: &str) -> bool {
    (path.starts_with("//") && !path.starts_with("///")) || path == ":memory:" || path.contains('?')
}

/// A value without its password, for output.
pub(super) fn shown(key: &str, value: &str) -> String {
    if key == "store.url" && !value.starts_with("sqlite:") {
        let address = value.parse::<Address>();
        return address.map_or_else(|_| "(not an address)".to_owned(), |address| address.to_string());
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(shown("store.url", "postgres://u:secret@db/h"), "postgres://db/h");
        assert_eq!(
            shown("store.url", "postgres://u:sec ret@@:db"),
            "(not an address)"
        );
        assert_eq!(shown("store.url", "sqlite:/var/lib"), "sqlite:/var/lib");
    }

    #[test]
    fn an_argument_names_a_store_or_a_file_that_does() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("url");
        for saved in [
            "postgres://u:secret@db/h\n",
            "\u{feff}postgres://u:secret@db/h\r\n",
        ] {
            std::fs::write(&file, saved).unwrap();
            let named: StoreUrl = format!("@{}", file.display()).parse().unwrap();
            assert_eq!(named.place.to_string(), "postgres://db/h");
        }
        assert_eq!("sqlite:a/b".parse::<StoreUrl>().unwrap().place.to_string(), "a/b");
        for wrong in [
            "",
            "a/b",
            "sqlite:",
            "mysql://x",
            "@/nowhere",
            "@~/url",
            "sqlite:~/data",
            "sqlite://data",
            "sqlite::memory:",
            "sqlite:data?mode=ro",
            "sqlite:$HOME/data",
            "postgres://h?sslmode=prefer",
        ] {
            assert!(wrong.parse::<StoreUrl>().is_err(), "{wrong}");
        }
    }
}
