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
pub(crate) fn run(mut cli: Cli) -> Result<(), Failure> {
    environment::check(&cli)?;
    let command = std::mem::replace(&mut cli.command, Command::Migrate);
    match command {
        Command::Completions { shell } => completions::run(shell),
        Command::Config(command) => config::run(&cli, &command),
        Command::Dev(arguments) => block_on(dev::run(&cli, &arguments)),
        Command::Serve => block_on(serve::run(&cli)),
        Command::Webhook(command) => block_on(webhook::run(&cli, command)),
        Command::Deliveries(command) => block_on(deliveries::run(&cli, command)),
        Command::Incidents(command) => block_on(incidents::run(&cli, command)),
        Command::Member(command) => block_on(member::run(&cli, command)),
        Command::Token(command) => block_on(token::run(&cli, command)),
        Command::SignInLink { name } => block_on(member::sign_in_link(&cli, name.as_ref())),
        Command::Addresses(command) => block_on(addresses::run(&cli, command)),
        Command::Doctor => block_on(doctor::run(&cli)),
        Command::Audit(command) => block_on(audit::run(&cli, command)),
        Command::Db(command) => block_on(db::run(&cli, command)),
        Command::Backup { file } => backup::backup(&cli, &file),
        Command::Restore {
            file,
            verify,
            retire_all_urls,
        } => block_on(backup::restore(&cli, &file, verify, retire_all_urls)),
        Command::Migrate => block_on(migrate::run(&cli)),
    }
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?
        .block_on(command)
}
