//! The commands: one module each. This module only selects one.

mod addresses;
mod audit;
mod backup;
mod completions;
mod config;
mod db;
mod deliveries;
mod dev;
mod doctor;
mod environment;
mod incidents;
mod member;
mod migrate;
mod serve;
mod token;
mod usage;
mod webhook;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// Runs the command that the command line names.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let Cli { options, command } = cli;
    environment::check(&options, &command)?;
    match command {
        Command::Completions { shell } => completions::run(shell),
        Command::Config(command) => config::run(&options, &command),
        Command::Dev(arguments) => block_on(dev::run(&options, &arguments)),
        Command::Serve => block_on(serve::run(&options)),
        Command::Webhook(command) => block_on(webhook::run(&options, command)),
        Command::Deliveries(command) => block_on(deliveries::run(&options, command)),
        Command::Incidents(command) => block_on(incidents::run(&options, command)),
        Command::Member(command) => block_on(member::run(&options, command)),
        Command::Token(command) => block_on(token::run(&options, command)),
        Command::SignInLink { name } => block_on(member::sign_in_link(&options, name.as_ref())),
        Command::Addresses(command) => block_on(addresses::run(&options, command)),
        Command::Doctor => block_on(doctor::run(&options)),
        Command::Audit(command) => block_on(audit::run(&options, command)),
        Command::Db(command) => block_on(db::run(&options, command)),
        Command::Backup { file } => backup::backup(&options, &file),
        Command::Restore {
            file,
            verify,
            retire_all_urls,
        } => block_on(backup::restore(&options, &file, verify, retire_all_urls)),
        Command::Migrate => block_on(migrate::run(&options)),
    }
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?
        .block_on(command)
}
