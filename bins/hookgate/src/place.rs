//! Where a command works: the store that `--data` or `--config` names, and what webhook URLs there start with.

use std::path::{Path, PathBuf};

use hookgate_domain::{Webhook, WebhookHandle, WebhookName};
use hookgate_gate::{Acting, Gate, Store};
use hookgate_storage::{Database, OpenMode};
use hookgate_transport::Addresses;

use crate::adapters;
use crate::cli::Cli;
use crate::config::{self, Config, Lists, StorePlace, Values};
use crate::failure::Failure;

/// Where the store remembers the public URL, for commands that know only the data directory.
const PUBLIC_URL: &str = "public_url";
/// What URLs start with when nobody has said so yet.
const FALLBACK_URL: &str = "https://localhost:8443";
/// Where the store remembers the console's address.
const CONSOLE_URL: &str = "console_url";
/// Where the console is when nobody has said so yet.
const FALLBACK_CONSOLE_URL: &str = "https://localhost:8444";
/// Where the store remembers which sealing key is its own.
const SEALING_KEY_FINGERPRINT: &str = "sealing_key";
/// Name of the sealing key in a data directory.
const SEALING_KEY: &str = "sealing.key";
/// What `hookgate dev` uses, and so what the other commands look for when nothing is named.
pub(crate) const DEV_DIRECTORY: &str = "hookgate-dev";

/// An open store with everything that a command needs.
pub(crate) struct Place {
    /// The use cases over the store.
    pub(crate) gate: Gate<Database>,
    /// What webhook URLs start with.
    pub(crate) public_url: String,
    /// Where the console is.
    pub(crate) console_url: String,
}

/// The configuration that `--config` names.
pub(crate) fn config(cli: &Cli) -> Result<Option<Config>, Failure> {
    let Some(file) = &cli.config else {
        return Ok(None);
    };
    Values::gather(file, &config::environment())?.read().map(Some)
}

/// How published lists of addresses are read here.
pub(crate) fn lists(cli: &Cli) -> Result<Lists, Failure> {
    match config(cli)? {
        Some(config) => Ok(config.lists),
        None => Lists::of_environment(),
    }
}

/// The data directory that `--data` names, or the one of `hookgate dev` here.
pub(crate) fn data_directory(cli: &Cli) -> PathBuf {
    cli.data.clone().unwrap_or_else(|| PathBuf::from(DEV_DIRECTORY))
}

impl Place {
    /// Opens the store that the command line names.
    pub(crate) async fn open(cli: &Cli) -> Result<Self, Failure> {
        match config(cli)? {
            Some(config) => Self::of_config(&config, OpenMode::Existing).await,
            None => Self::of_data(&data_directory(cli), OpenMode::Existing).await,
        }
    }

    /// Opens the store of a configuration.
    pub(crate) async fn of_config(config: &Config, mode: OpenMode) -> Result<Self, Failure> {
        let database = open(&config.store, mode).await?;
        let (ports, fingerprint) = adapters::ports(&config.sealing_key)?;
        check_sealing_key(&database, &fingerprint).await?;
        let gate = Gate::new(database, ports);
        Ok(Self {
            gate,
            public_url: config.public_url.clone(),
            console_url: config.console_url.clone(),
        })
    }

    /// Opens the store in a data directory.
    pub(crate) async fn of_data(directory: &Path, mode: OpenMode) -> Result<Self, Failure> {
        let database = Database::open(directory, mode)?;
        let public_url = database
            .setting(PUBLIC_URL)
            .await?
            .unwrap_or_else(|| FALLBACK_URL.to_owned());
        let console_url = database
            .setting(CONSOLE_URL)
            .await?
            .unwrap_or_else(|| FALLBACK_CONSOLE_URL.to_owned());
        Ok(Self {
            gate: Gate::new(database, adapters::ports(&directory.join(SEALING_KEY))?.0),
            public_url,
            console_url,
        })
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
pub(crate) async fn open(place: &StorePlace, mode: OpenMode) -> Result<Database, Failure> {
    Ok(match place {
        StorePlace::Directory(directory) => Database::open(directory, mode)?,
        StorePlace::Server(address) => Database::connect(address, mode).await?,
    })
}

/// Refuses a key that is not the one that the store's secrets are sealed with: another node may have made them.
async fn check_sealing_key(database: &Database, fingerprint: &str) -> Result<(), Failure> {
    match database.setting(SEALING_KEY_FINGERPRINT).await? {
        Some(known) if known == fingerprint => Ok(()),
        Some(_) => Err(Failure::usage(
            "store.sealing_key_file: this is not the key of this store; copy the file of a node that works",
        )),
        None => Ok(database.set_setting(SEALING_KEY_FINGERPRINT, fingerprint).await?),
    }
}

/// Remembers what addresses start with, for commands that know only the data directory.
pub(crate) async fn remember_addresses(database: &Database, addresses: &Addresses) -> Result<(), Failure> {
    database.set_setting(PUBLIC_URL, &addresses.gate).await?;
    Ok(database.set_setting(CONSOLE_URL, &addresses.console).await?)
}

/// Who acts on the command line: the user that the operating system knows. The environment is asked first, so it is what
/// people say and no proof.
pub(crate) fn acting() -> Acting {
    let named = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let by_number = || format!("uid {}", rustix::process::getuid().as_raw());
    Acting::command_line(named.unwrap_or_else(by_number))
}
