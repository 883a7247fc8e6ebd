//! Variables of the environment that a command would ignore. A variable that no command knows is refused; so is one that a
//! person expects to act on this command, and that does not. What concerns other commands is left alone, because a server and the
//! commands beside it may share an environment.

use crate::cli::{Cli, Command};
use crate::config::{Environment, WithoutFile, environment, refuse_unknown_variables};
use crate::failure::Failure;
use crate::output;

/// Refuses, or remarks on, what the environment says in vain.
///
/// # Errors
/// All variables that are unknown, or that the command would go against.
pub(super) fn check(cli: &Cli) -> Result<(), Failure> {
    let environment = environment();
    match &cli.command {
        // They read nothing, or need a file, with which every variable is read.
        Command::Completions { .. } | Command::Config(_) | Command::Serve => Ok(()),
        // Their arguments name everything.
        Command::Db(_) | Command::Restore { verify: true, .. } => refuse_unknown_variables(&environment),
        Command::Dev(_) => {
            refuse_unknown_variables(&environment)?;
            check_dev(&environment)
        }
        _ if cli.config.is_some() => Ok(()),
        _ => {
            refuse_unknown_variables(&environment)?;
            check_command(&environment, cli.is_data_typed)
        }
    }
}

fn check_dev(environment: &Environment) -> Result<(), Failure> {
    let ignored = WithoutFile(environment).ignored_by_dev();
    if ignored.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{}: not used by `hookgate dev`, which listens where --gate and --console say and keeps everything in --data; unset it, \
         or use `hookgate serve --config FILE`",
        ignored.join(", ")
    )))
}

/// A store that was typed wins over the one that the environment names, as an option wins over its variable.
fn check_command(environment: &Environment, is_data_typed: bool) -> Result<(), Failure> {
    let ignored = WithoutFile(environment).ignored_by_commands();
    let (store, urls) = (ignored.store.join(", "), ignored.urls.join(", "));
    if !store.is_empty() && !is_data_typed {
        return Err(Failure::usage(format!(
            "{store}: used only with --config FILE, and no file is given. Give it, or give the data directory with --data DIR"
        )));
    }
    if !store.is_empty() {
        output::remark(&format!("{store} is not used: --data names the store."));
    }
    if !urls.is_empty() {
        output::remark(&format!(
            "{urls} is not used without --config FILE: URLs begin with the address that the server of this store last used."
        ));
    }
    Ok(())
}
