//! Environment variables that a command would ignore. An unknown variable is an error, and so is one that seems to affect
//! this command but does not. Variables of other commands are allowed, because a server and the commands beside it may share
//! an environment.

use crate::cli::{Command, Options};
use crate::config::{Environment, WithoutFile, environment, refuse_unknown_variables};
use crate::failure::Failure;
use crate::output;

/// Refuses unknown variables and those that contradict the command, and reports other variables without effect.
///
/// # Errors
/// All variables that are unknown, or that the command would contradict.
pub(super) fn check(options: &Options, command: &Command) -> Result<(), Failure> {
    let environment = environment();
    match command {
        // These commands read no variables, or require a file, and reading the file checks the variables.
        Command::Completions { .. } | Command::Config(_) | Command::Serve => Ok(()),
        // The arguments of these commands name everything.
        Command::Db(_) | Command::Restore { verify: true, .. } => refuse_unknown_variables(&environment),
        Command::Dev(_) => {
            refuse_unknown_variables(&environment)?;
            check_dev(&environment)
        }
        _ if options.config.is_some() => Ok(()),
        _ => {
            refuse_unknown_variables(&environment)?;
            check_command(&environment, options.is_data_typed)
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

/// A typed data directory wins over the store of the environment, as an option wins over its variable.
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
