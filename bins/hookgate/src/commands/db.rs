//! `hookgate db copy`: copies a store from one database to another.

use hookgate_storage::{Copied, CopyError, CopyStep, Exposed, OpenMode, ServerLock, copy_store};
use hookgate_wire::counted;
use serde_json::json;

use crate::cli::{DbCommand, Options};
use crate::config::{StorePlace, StoreUrl};
use crate::effect::Effect;
use crate::failure::Failure;
use crate::file_problem::exposed_sentence;
use crate::progress::Progress;
use crate::{app, output};

pub(crate) async fn run(options: &Options, command: DbCommand) -> Result<(), Failure> {
    let DbCommand::Copy { from, to } = command;
    for named in [&from, &to] {
        warn_if_exposed(named);
    }
    let (from, to) = (from.place, to.place);
    let _locks = [lock(&from)?, lock(&to)?];
    let source = app::open(&from, OpenMode::Existing).await?;
    let target = app::open(&to, OpenMode::Create).await?;
    let progress = Progress::start();
    let copied = copy_store(&source, &target, |step| match step {
        CopyStep::Copied { table, rows } => progress.tell(format_args!("{table}: {}", counted(rows, "row"))),
        CopyStep::Comparing { table } => progress.tell(format_args!("comparing {table}")),
    })
    .await?;
    drop(progress);
    source.close().await;
    target.close().await;
    Effect::of(format!("{to} is an exact copy of {from}")).report(show(options.json, &from, &to, &copied))
}

/// Warns if other users of the machine can open a file with a password.
fn warn_if_exposed(named: &StoreUrl) {
    if let Some(exposed) = named.file.as_deref().and_then(Exposed::find) {
        output::remark(&exposed_sentence(&exposed));
    }
}

fn show(json: bool, from: &StorePlace, to: &StorePlace, copied: &Copied) -> Result<(), Failure> {
    if json {
        let tables = copied.iter().map(|(table, (rows, sum))| {
            let what = json!({"rows": rows, "checksum": sum});
            ((*table).to_owned(), what)
        });
        let tables: serde_json::Map<_, _> = tables.collect();
        let all = json!({"from": from.to_string(), "to": to.to_string(), "tables": tables});
        return Ok(output::line(&output::json(&all)?)?);
    }
    for (table, (rows, sum)) in copied {
        output::line(&format!("{table:<18} {rows:>12}  {sum}"))?;
    }
    output::line(&format!("{to} is an exact copy of {from}"))?;
    Ok(())
}

/// Locks a directory so that no server starts on it meanwhile. Nodes of a database server must be stopped by hand.
fn lock(app: &StorePlace) -> Result<Option<ServerLock>, Failure> {
    Ok(match app {
        StorePlace::Directory(directory) => Some(ServerLock::acquire(directory)?),
        StorePlace::Server(_) => None,
    })
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::NotEmpty => Self::refused(error),
            CopyError::Differs { .. } => Self::failed(error),
            CopyError::Store(error) => error.into(),
        }
    }
}
