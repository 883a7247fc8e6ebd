//! `hookgate backup` and `hookgate restore`: the embedded store as one file.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use hookgate_domain::WebhookState;
use hookgate_gate::{Gate, PageSize, Store};
use hookgate_storage::{
    BackupError, Database, Exposed, OpenMode, Restoring, backup_file, backup_to, verify_file,
};
use serde_json::json;

use crate::adapters::{self, NoKey};
use crate::cli::Options;
use crate::config::StorePlace;
use crate::effect::{Effect, require_output};
use crate::failure::{Failure, with_sources};
use crate::file_problem::exposed_sentence;
use crate::{app, output};

/// The file name that means standard output or standard input.
const STREAM: &str = "-";
const KEEP_THE_KEY: &str = "The sealing key is not in the backup: keep a copy of that file elsewhere.";

pub(crate) fn backup(options: &Options, file: &Path) -> Result<(), Failure> {
    let directory = directory(options)?;
    if file == Path::new(STREAM) {
        return stream(&directory);
    }
    backup_file(&directory, file)?;
    let text = if options.json {
        output::json(&json!({"backup": file}))?
    } else {
        format!("backup: {}", file.display())
    };
    Effect::of(format!("the backup {} was written", file.display()))
        .report(output::line(&text).map_err(Failure::from))?;
    if !options.json {
        output::remark(KEEP_THE_KEY);
    }
    Ok(())
}

/// Writes the backup to standard output, and nothing else.
fn stream(directory: &Path) -> Result<(), Failure> {
    let out = std::io::stdout();
    if out.is_terminal() {
        return Err(Failure::usage(
            "standard output is a terminal; send the backup to a file or a program",
        ));
    }
    require_output()?;
    backup_to(directory, out.lock())?;
    output::remark(KEEP_THE_KEY);
    Ok(())
}

/// Restores a backup as a new store, and ends all of its sessions.
pub(crate) async fn restore(
    options: &Options,
    file: &Path,
    only_verify: bool,
    retire: bool,
) -> Result<(), Failure> {
    if let Some(exposed) = Exposed::find(file).filter(|_| file != Path::new(STREAM)) {
        output::remark(&exposed_sentence(&exposed));
    }
    if only_verify {
        return verify(options, file);
    }
    let directory = directory(options)?;
    let restoring = begin(file, &directory)?;
    let database = Database::open(restoring.directory(), OpenMode::Migrate)?;
    let sessions = database.end_all_sessions().await?;
    // URLs are not sealed, so the sealing key is not needed.
    let gate = Gate::new(database, adapters::ports(NoKey));
    let retired = if retire { retire_all_urls(&gate).await? } else { 0 };
    gate.store().close().await;
    drop(gate);
    restoring.publish()?;
    let restored = Restored { sessions, retired };
    Effect::of(format!("the store was restored to {}", directory.display())).report(restored.tell(
        options.json,
        &directory,
        retire,
    ))
}

fn verify(options: &Options, file: &Path) -> Result<(), Failure> {
    if file == Path::new(STREAM) {
        return Err(Failure::usage(
            "--verify needs a file: a pipe can be read only once",
        ));
    }
    verify_file(file)?;
    let text = if options.json {
        output::json(&json!({"verified": file}))?
    } else {
        format!("verified: {} is a complete backup", file.display())
    };
    Ok(output::line(&text)?)
}

fn begin(file: &Path, directory: &Path) -> Result<Restoring, Failure> {
    if file == Path::new(STREAM) {
        let input = std::io::stdin();
        if input.is_terminal() {
            return Err(Failure::usage(
                "standard input is a terminal; name the backup file, or pipe it in",
            ));
        }
        return Ok(Restoring::begin(
            input.lock(),
            Path::new("standard input"),
            directory,
        )?);
    }
    let backup = File::open(file).map_err(|error| match error.kind() {
        ErrorKind::NotFound => BackupError::Missing {
            path: file.to_owned(),
        }
        .into(),
        _ => Failure::failed(format!("can't read {}: {error}", file.display())),
    })?;
    Ok(Restoring::begin(backup, file, directory)?)
}

/// Gives every active webhook a new URL that nobody is shown, so that the URLs of the backup stop working.
async fn retire_all_urls(gate: &Gate<Database>) -> Result<usize, Failure> {
    let (mut retired, mut after) = (0, None);
    loop {
        let page = gate.store().webhook_page(after, PageSize::MAX).await?;
        let Some(last) = page.last() else {
            return Ok(retired);
        };
        after = Some(last.handle);
        let active = page
            .iter()
            .filter(|webhook| matches!(webhook.state, WebhookState::Active(_)));
        for webhook in active {
            gate.regenerate(&app::command_line_actor(), webhook.handle)
                .await?;
            retired += 1;
        }
    }
}

/// Counts of sessions, links and URLs that ended in a restored store.
struct Restored {
    /// Sessions and sign-in links.
    sessions: usize,
    /// URLs.
    retired: usize,
}

impl Restored {
    fn tell(&self, json: bool, directory: &Path, retire: bool) -> Result<(), Failure> {
        if json {
            let object =
                json!({"restored": directory, "sessions_ended": self.sessions, "urls_retired": self.retired});
            return Ok(output::line(&output::json(&object)?)?);
        }
        output::line(&format!("restored to {}", directory.display()))?;
        output::remark("Copy sealing.key there, or the server does not start.");
        output::remark(&format!(
            "Sessions and sign-in links were ended: {}.",
            self.sessions
        ));
        if retire {
            output::remark(&format!(
                "URLs retired: {}. Run `hookgate webhook regenerate` for each webhook, and give its sender the new URL.",
                self.retired
            ));
        } else {
            output::remark(
                "URLs that were revoked or regenerated after this backup work again: regenerate them now. Restoring with \
                 --retire-all-urls retires all of them.",
            );
        }
        output::remark(
            "Tokens that were revoked, members that were removed and passwords that were changed after this backup are \
             valid again too: look through `token list` and `member list`.",
        );
        Ok(())
    }
}

fn directory(options: &Options) -> Result<PathBuf, Failure> {
    match app::config(options)?.map(|config| config.store) {
        None => Ok(app::data_directory(options)),
        Some(StorePlace::Directory(directory)) => Ok(directory),
        Some(StorePlace::Server(_)) => Err(Failure::usage(
            "this store is on a PostgreSQL server: back it up with pg_basebackup or pg_dump, or copy it with `hookgate db copy`",
        )),
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let text = with_sources(&error);
        match error {
            BackupError::IsThere { .. } => Self::refused(text),
            BackupError::Missing { .. } => Self::not_found(text),
            BackupError::Locked(error) => error.into(),
            BackupError::Damaged { .. }
            | BackupError::Database { .. }
            | BackupError::Files { .. }
            | BackupError::Output(_) => Self::failed(text),
        }
    }
}
