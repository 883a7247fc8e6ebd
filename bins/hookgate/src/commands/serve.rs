//! `hookgate serve`: the server in production.

use std::time::Duration;

use hookgate_storage::{ServerLock, reach};
use tokio::time::{Instant, sleep};

use crate::app::{self, App};
use crate::cli::Options;
use crate::config::StorePlace;
use crate::failure::Failure;
use crate::logging;
use crate::server::{FilesAtStart, Plan, Server};

/// Time that a server waits for its database at the start: after a reboot, or with compose, both start together.
const DATABASE_WAIT: Duration = Duration::from_secs(30);
/// Pause between two attempts. Each failed attempt is logged.
const DATABASE_PAUSE: Duration = Duration::from_secs(3);

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let needs_file = || {
        Failure::usage(
            "serve needs --config FILE; `hookgate config init` prints one, `hookgate dev` needs none",
        )
    };
    let file = options.config.clone().ok_or_else(needs_file)?;
    let mut config = app::config(options)?.ok_or_else(needs_file)?;
    logging::start(config.log_level);
    // Checked before anything is locked, awaited or migrated: a server that can't start must change nothing.
    config.check_files()?;
    let read_once = std::iter::once(("--config", file)).chain(std::mem::take(&mut config.read_once));
    let configuration = FilesAtStart::remember(read_once)?;
    // A directory has one server; a database server may have many nodes.
    let _lock = match &config.store {
        StorePlace::Directory(directory) => Some(ServerLock::acquire(directory)?),
        StorePlace::Server(_) => None,
    };
    tracing::info!(store = %config.store, "starting");
    await_database(&config.store).await?;
    let app = App::of_config(&config).await?;
    for problem in config.exposed_files() {
        tracing::warn!("{problem}");
    }
    let plan = Plan {
        listen: config.listen,
        plain_listen: config.plain_listen,
        idle_timeout: Some(config.idle_timeout),
        public_url: Some(config.public_url),
        ca: None,
        min_tls: config.min_tls,
        certificate: config.certificate,
        console_listen: config.console_listen,
        console_certificate: config.console_certificate,
        console_url: Some(config.console_url),
        retention: config.retention,
        front: config.front,
        console_front: config.console_front,
        lists: config.lists,
        configuration: Some(configuration),
    };
    let server = Server::bind(app.gate, plan).await?;
    app::remember_addresses(server.gate().store(), server.addresses()).await?;
    server.run().await
}

/// Waits until the database server can be reached. An error that waiting can't fix, such as a wrong password, is returned at
/// once.
async fn await_database(store: &StorePlace) -> Result<(), Failure> {
    let StorePlace::Server(address) = store else {
        return Ok(());
    };
    let deadline = Instant::now() + DATABASE_WAIT;
    while let Err(error) = reach(address).await {
        if !error.is_passing() || Instant::now() >= deadline {
            return Err(Failure::unreachable(error));
        }
        tracing::warn!(%error, "the database can't be reached yet; trying again");
        sleep(DATABASE_PAUSE).await;
    }
    Ok(())
}
