//! Reads the command line: decides between `--data` and `--config`, and words the errors.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory, Error, FromArgMatches};

use hookgate_domain::leaks::may_hold_secret;

use super::{Cli, ConfigCommand};
use crate::failure::Failure;

/// clap's error text before an unexpected argument.
const UNEXPECTED: &str = "unexpected argument '";
/// The text in place of a secret.
const HIDDEN: &str = "(hidden)";
/// Parts that clap adds to an error for people at a terminal.
const FOR_PEOPLE: [&str; 2] = ["\n\nUsage:", "\n\nFor more information"];

impl Cli {
    /// Parses a command line, the program's name first. On an error, prints it and returns the exit code.
    pub(crate) fn read(arguments: &[OsString]) -> Result<Self, ExitCode> {
        let mut command = Self::command();
        command
            .try_get_matches_from_mut(arguments)
            .and_then(|matches| Self::of_matches(&matches, &mut command))
            .map_err(|error| report(&error, arguments))
    }

    /// Decides between `--data` and `--config`: arguments win over the environment.
    fn of_matches(matches: &ArgMatches, command: &mut Command) -> Result<Self, Error> {
        let mut cli = Self::from_arg_matches(matches).map_err(|error| error.format(command))?;
        let is_typed = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
        cli.options.is_data_typed = is_typed("data");
        if let Some(sentence) = ignored_option(&cli, is_typed) {
            return Err(command.error(ErrorKind::ArgumentConflict, sentence));
        }
        if cli.options.data.is_none() || cli.options.config.is_none() {
            return Ok(cli);
        }
        let both = match (is_typed("data"), is_typed("config")) {
            (true, false) => {
                cli.options.config = None;
                return Ok(cli);
            }
            (false, true) => {
                cli.options.data = None;
                return Ok(cli);
            }
            (true, true) => "--data and --config are both given; use only one",
            (false, false) => "HOOKGATE_DATA and HOOKGATE_CONFIG are both set; use only one",
        };
        Err(command.error(ErrorKind::ArgumentConflict, both))
    }
}

/// The error for a typed `--data` or `--config` that the command does not use.
fn ignored_option(cli: &Cli, is_typed: impl Fn(&str) -> bool) -> Option<String> {
    let instead = match &cli.command {
        super::Command::Completions { .. } | super::Command::Config(ConfigCommand::Init) => {
            "this command uses no store"
        }
        super::Command::Db(_) => "`db copy` takes its stores from --from and --to",
        _ => return None,
    };
    let typed = ["data", "config"].into_iter().find(|name| is_typed(name))?;
    Some(format!("--{typed} can't be used here: {instead}"))
}

/// Prints the error of a command line, or the help that it asks for.
fn report(error: &Error, arguments: &[OsString]) -> ExitCode {
    if error.use_stderr() && wants_json(arguments) {
        return Failure::usage(hide(&sentence(error), arguments)).report(true);
    }
    // clap quotes the arguments that it rejects. Its own coloured output is used only if it holds no secret.
    let text = error.render().to_string();
    let hidden = hide(&text, arguments);
    if hidden != text {
        return Failure::usage(hide(&sentence(error), arguments)).report(false);
    }
    // If standard error is closed, nobody can read the error.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
}

/// Replaces secrets that were typed as arguments: URLs of webhooks, tokens, passwords in URLs of databases.
fn hide(text: &str, arguments: &[OsString]) -> String {
    let mut hidden = text.to_owned();
    // An unexpected argument may be a secret that was meant for standard input.
    if let Some((before, rest)) = text.split_once(UNEXPECTED)
        && let Some((argument, behind)) = rest.split_once('\'')
        && !argument.starts_with('-')
    {
        hidden = format!("{before}{UNEXPECTED}{HIDDEN}'{behind}");
    }
    for argument in arguments {
        let argument = argument.to_string_lossy();
        for part in parts(&argument).into_iter().filter(|part| is_secret(part)) {
            hidden = hidden.replace(part, HIDDEN);
        }
    }
    hidden
}

/// The parts of an argument that clap may quote alone: the name of an option, its value, and each of several values.
fn parts(argument: &str) -> Vec<&str> {
    let (name, value) = argument.split_once('=').unwrap_or(("", argument));
    let mut parts = vec![argument, value, name];
    parts.extend(value.split([',', ' ']));
    parts
}

/// `true` if a text may hold a secret of Hookgate, or a login.
fn is_secret(text: &str) -> bool {
    let is_login = text
        .split_once("://")
        .is_some_and(|(_, rest)| rest.contains(['@', ':']));
    is_login || may_hold_secret(text.as_bytes())
}

fn wants_json(arguments: &[OsString]) -> bool {
    let options = arguments.iter().take_while(|argument| *argument != "--");
    options.into_iter().any(|argument| argument == "--json")
}

/// The error in one line.
fn sentence(error: &Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing; --help lists them".to_owned();
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let end = FOR_PEOPLE.iter().filter_map(|begin| text.find(begin)).min();
    let lines = text[..end.unwrap_or(text.len())].lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
