//! `hookgate backup` and `hookgate restore`: the embedded store as one file.

use std::path::{Path, PathBuf};

use hookgate_storage::{BackupError, backup_file, restore_file, verify_file};
use serde_json::json;

use crate::cli::Cli;
use crate::config::StorePlace;
use crate::failure::{Failure, with_sources};
use crate::{output, place};

pub(crate) fn backup(cli: &Cli, file: &Path) -> Result<(), Failure> {
    backup_file(&directory(cli)?, file)?;
    tell(
        cli,
        "backup",
        file,
        "the sealing key is not in it: keep a copy of that file elsewhere",
    )
}

pub(crate) fn restore(cli: &Cli, file: &Path, only_verify: bool) -> Result<(), Failure> {
    if only_verify {
        verify_file(file)?;
        return tell(cli, "verified", file, "the backup is whole");
    }
    let directory = directory(cli)?;
    restore_file(file, &directory)?;
    let hint = "put the sealing key there too, or signing secrets can't be opened";
    tell(cli, "restored", &directory, hint)
}

fn directory(cli: &Cli) -> Result<PathBuf, Failure> {
    match place::config(cli)?.map(|config| config.store) {
        None => Ok(place::data_directory(cli)),
        Some(StorePlace::Directory(directory)) => Ok(directory),
        Some(StorePlace::Server(_)) => Err(Failure::usage(
            "this store is on a PostgreSQL server: back it up by pg_basebackup or pg_dump, or copy it by `hookgate db copy`",
        )),
    }
}

fn tell(cli: &Cli, word: &str, path: &Path, hint: &str) -> Result<(), Failure> {
    let text = if cli.json {
        json!({word: path}).to_string()
    } else {
        format!("{word}: {} ({hint})", path.display())
    };
    Ok(output::line(&text)?)
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let text = with_sources(&error);
        match error {
            BackupError::IsThere { .. } => Self::refused(text),
            BackupError::Missing { .. } => Self::not_found(text),
            BackupError::Damaged { .. } | BackupError::Database { .. } | BackupError::Files { .. } => {
                Self::failed(text)
            }
        }
    }
}
