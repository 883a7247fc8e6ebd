//! `hookgate serve`: the server in production.

use hookgate_storage::ServerLock;

use crate::cli::Cli;
use crate::config::StorePlace;
use crate::failure::Failure;
use crate::logging;
use crate::place::{self, Place};
use crate::server::{Plan, Server};

pub(crate) async fn run(cli: &Cli) -> Result<(), Failure> {
    let config = place::config(cli)?.ok_or_else(|| {
        Failure::usage(
            "serve needs --config FILE; `hookgate config init` prints one, `hookgate dev` needs none",
        )
    })?;
    logging::start(config.log_level);
    // A directory has one server; a database server has as many nodes as are wanted.
    let _lock = match &config.store {
        StorePlace::Directory(directory) => Some(ServerLock::acquire(directory)?),
        StorePlace::Server(_) => None,
    };
    let place = Place::of_config(&config).await?;
    let plan = Plan {
        listen: config.listen,
        plain_listen: config.plain_listen,
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
    };
    let server = Server::bind(place.gate, plan).await?;
    place::remember_addresses(server.gate().store(), server.addresses()).await?;
    server.run().await
}
