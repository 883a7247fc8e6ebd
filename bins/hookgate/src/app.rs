//! The store that a command works on, as `--data` or `--config` names it, and the base of its webhook URLs.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use hookgate_admin::Addresses;
use hookgate_domain::{Webhook, WebhookHandle, WebhookName};
use hookgate_gate::{ActorContext, Gate, Seal, Store};
use hookgate_people::MemberName;
use hookgate_storage::{Database, OpenMode, SEALING_KEY};

use crate::adapters::{self, NoKey};
use crate::cli::Options;
use crate::config::{self, Config, Lists, StorePlace, Values, WithoutFile};
use crate::failure::Failure;
use crate::sealing::{self, KeyFile};

/// Setting of the store with the public URL, for commands that know only the data directory.
const PUBLIC_URL: &str = "public_url";
/// Setting of the store with the limit on open files of its server.
const DESCRIPTOR_LIMIT: &str = "descriptor_limit";
/// The value of that setting if there is no limit.
const NO_LIMIT: &str = "";
/// Base of webhook URLs if neither a configuration nor the store has one.
const FALLBACK_URL: &str = "https://localhost:8443";
/// Setting of the store with the console's URL.
const CONSOLE_URL: &str = "console_url";
/// URL of the console if neither a configuration nor the store has one.
const FALLBACK_CONSOLE_URL: &str = "https://localhost:8444";
/// Data directory of `hookgate dev`, and so the default of the other commands.
pub(crate) const DEV_DIRECTORY: &str = "hookgate-dev";

/// An open store with everything that a command needs.
pub(crate) struct App {
    /// The use cases over the store.
    pub(crate) gate: Gate<Database>,
    /// Base of webhook URLs.
    pub(crate) public_url: String,
    /// URL of the console.
    pub(crate) console_url: String,
    /// `true` if a configuration or a server set the console's URL, so that output may link to it.
    is_console_known: bool,
}

/// The configuration that `--config` names.
pub(crate) fn config(options: &Options) -> Result<Option<Config>, Failure> {
    let Some(file) = &options.config else {
        return Ok(None);
    };
    Values::load(file, &config::environment())?.read().map(Some)
}

/// Settings for reading published lists.
pub(crate) fn lists(options: &Options) -> Result<Lists, Failure> {
    match config(options)? {
        Some(config) => Ok(config.lists),
        None => WithoutFile(&config::environment()).lists(),
    }
}

/// The data directory that `--data` names, or the one of `hookgate dev` here.
pub(crate) fn data_directory(options: &Options) -> PathBuf {
    options
        .data
        .clone()
        .unwrap_or_else(|| PathBuf::from(DEV_DIRECTORY))
}

impl App {
    /// Opens the store that the command line names.
    pub(crate) async fn open(options: &Options) -> Result<Self, Failure> {
        let found = Found::of(options).await?;
        let key = sealing::unlock(&found.database, &found.key, OpenMode::Existing).await?;
        found.sealed_by(key.seal().map_err(Failure::failed)?).await
    }

    /// Opens the store that the command line names for inspection, with its sealing key or without. Also returns the
    /// problems of the key, in sentences.
    pub(crate) async fn inspect(options: &Options) -> Result<(Self, Vec<String>), Failure> {
        let found = Found::of(options).await?;
        let key = match sealing::unlock(&found.database, &found.key, OpenMode::Existing).await {
            Ok(key) => key,
            Err(failure) => return Ok((found.sealed_by(NoKey).await?, vec![failure.message().to_owned()])),
        };
        let unopened = sealing::unopened(&found.database, &key).await?;
        let sentences = unopened.into_iter().map(|webhook| {
            format!(
                "it does not open the signing secret of {webhook}, which another key sealed: its deliveries fail. Run \
                 `hookgate webhook edit {webhook} --signature standard-webhooks` for a new secret"
            )
        });
        let sentences = sentences.collect();
        Ok((
            found.sealed_by(key.seal().map_err(Failure::failed)?).await?,
            sentences,
        ))
    }

    /// Opens the store of a configuration; creates a missing store.
    pub(crate) async fn of_config(config: &Config) -> Result<Self, Failure> {
        Found::of_config(config, OpenMode::Create).await?.with_key().await
    }

    /// Opens the store in a data directory; creates a missing store.
    pub(crate) async fn of_data(directory: &Path) -> Result<Self, Failure> {
        Found::of_data(directory, OpenMode::Create)?.with_key().await
    }

    /// The console's page at this path, as a field of the output; `None` if the console's URL is not known.
    pub(crate) fn console_page(&self, path: impl Display) -> Option<(&'static str, String)> {
        self.is_console_known
            .then(|| ("console", format!("{}/{path}", self.console_url)))
    }

    /// The webhook that an argument names: by handle, or by a name that only one webhook has.
    pub(crate) async fn webhook(&self, argument: &str) -> Result<Webhook, Failure> {
        let not_found = || Failure::not_found("no such webhook; `hookgate webhook list` shows them");
        let store = self.gate.store();
        if let Ok(handle) = argument.parse::<WebhookHandle>() {
            return store.webhook_by_handle(handle).await?.ok_or_else(not_found);
        }
        let name: WebhookName = argument.parse().map_err(|_| not_found())?;
        let mut found = store.webhooks_by_name(&name).await?;
        match (found.pop(), found.is_empty()) {
            (Some(webhook), true) => Ok(webhook),
            (None, _) => Err(not_found()),
            (Some(_), false) => Err(Failure::usage(
                "several webhooks have this name; use the handle (`hookgate webhook list`)",
            )),
        }
    }
}

/// Opens the store at this place.
pub(crate) async fn open(app: &StorePlace, mode: OpenMode) -> Result<Database, Failure> {
    Ok(match app {
        StorePlace::Directory(directory) => Database::open(directory, mode)?,
        StorePlace::Server(address) => Database::connect(address, mode).await?,
    })
}

/// A store before its sealing key is known.
struct Found {
    database: Database,
    key: KeyFile,
    /// URLs of gate and console from a configuration; `None` leaves them to the store's settings.
    addresses: Option<[String; 2]>,
}

impl Found {
    async fn of(options: &Options) -> Result<Self, Failure> {
        match config(options)? {
            Some(config) => Self::of_config(&config, OpenMode::Existing).await,
            None => Self::of_data(&data_directory(options), OpenMode::Existing),
        }
    }

    async fn of_config(config: &Config, mode: OpenMode) -> Result<Self, Failure> {
        Ok(Self {
            database: open(&config.store, mode).await?,
            key: KeyFile {
                path: config.sealing_key.clone(),
                setting: Some("store.sealing_key_file"),
            },
            addresses: Some([&config.public_url, &config.console_url].map(Clone::clone)),
        })
    }

    fn of_data(directory: &Path, mode: OpenMode) -> Result<Self, Failure> {
        Ok(Self {
            database: Database::open(directory, mode)?,
            key: KeyFile {
                path: directory.join(SEALING_KEY),
                setting: None,
            },
            addresses: None,
        })
    }

    /// The app, with the store's sealing key, which is created if there never was one.
    async fn with_key(self) -> Result<App, Failure> {
        let key = sealing::unlock(&self.database, &self.key, OpenMode::Create).await?;
        self.sealed_by(key.seal().map_err(Failure::failed)?).await
    }

    async fn sealed_by(self, seal: impl Seal + 'static) -> Result<App, Failure> {
        let (public_url, console_url) = match self.addresses {
            Some([gate, console]) => (Some(gate), Some(console)),
            None => (
                self.database.setting(PUBLIC_URL).await?,
                self.database.setting(CONSOLE_URL).await?,
            ),
        };
        Ok(App {
            gate: Gate::new(self.database, adapters::ports(seal)),
            public_url: public_url.unwrap_or_else(|| FALLBACK_URL.to_owned()),
            is_console_known: console_url.is_some(),
            console_url: console_url.unwrap_or_else(|| FALLBACK_CONSOLE_URL.to_owned()),
        })
    }
}

/// Creates the store that the command line names, or migrates it to this version's schema, and creates its sealing key
/// unless it has one.
pub(crate) async fn create(options: &Options) -> Result<StorePlace, Failure> {
    let (found, app) = if let Some(config) = config(options)? {
        (Found::of_config(&config, OpenMode::Create).await?, config.store)
    } else {
        let directory = data_directory(options);
        let found = Found::of_data(&directory, OpenMode::Create)?;
        (found, StorePlace::Directory(directory))
    };
    let unlocked = sealing::unlock(&found.database, &found.key, OpenMode::Create).await;
    found.database.close().await;
    unlocked.map(|_| app)
}

/// Stores the URLs of gate and console, for commands that know only the data directory.
pub(crate) async fn remember_addresses(database: &Database, addresses: &Addresses) -> Result<(), Failure> {
    database.set_setting(PUBLIC_URL, &addresses.gate).await?;
    Ok(database.set_setting(CONSOLE_URL, &addresses.console).await?)
}

/// Stores the limit on open files of the server that started last; `None` if there is no limit.
pub(crate) async fn remember_descriptors(database: &Database, limit: Option<u64>) -> Result<(), Failure> {
    let text = limit.map_or_else(|| NO_LIMIT.to_owned(), |limit| limit.to_string());
    Ok(database.set_setting(DESCRIPTOR_LIMIT, &text).await?)
}

/// Limit on open files of the server that started last; `None` if no server stored one, or if there is no limit.
pub(crate) async fn descriptors(database: &Database) -> Result<Option<u64>, Failure> {
    match database.setting(DESCRIPTOR_LIMIT).await?.as_deref() {
        None | Some(NO_LIMIT) => Ok(None),
        Some(limit) => limit.parse().map(Some).map_err(|error| {
            Failure::failed(format!(
                "the store's setting {DESCRIPTOR_LIMIT} is damaged ({error}); restart the server, which writes it again"
            ))
        }),
    }
}

/// The actor of the command line: the user name of the operating system. The environment comes first, so the name is a claim
/// and no proof. A name that no member could have is left out, because it may hold a secret or a control character.
pub(crate) fn command_line_actor() -> ActorContext {
    let named = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok()?.parse::<MemberName>().ok());
    let by_number = || format!("uid {}", rustix::process::getuid().as_raw());
    ActorContext::command_line(named.map_or_else(by_number, |name| name.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_descriptor_limit_is_read_as_stored_and_a_damaged_one_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(directory.path(), OpenMode::Create).unwrap();
        assert_eq!(descriptors(&database).await.unwrap(), None);
        for limit in [Some(1_024), None] {
            remember_descriptors(&database, limit).await.unwrap();
            assert_eq!(descriptors(&database).await.unwrap(), limit);
        }
        database.set_setting(DESCRIPTOR_LIMIT, "many").await.unwrap();
        let failure = descriptors(&database).await.unwrap_err();
        assert!(failure.message().contains("damaged"), "{}", failure.message());
    }
}
