//! From the start of the server to the first delivery, with one webhook and an empty history.

use std::path::Path;

use super::figures::Figures;
use super::generator::{Target, first_answer_ms};
use super::node::{Site, certificates};
use xtask::process::{Outcome, say};

pub(super) fn round(scratch: &Path, round: usize, figures: &mut Figures) -> Outcome<()> {
    let directory = scratch.join(format!("sqlite.start-{round}"));
    let site = Site::on_sqlite(&directory, &certificates(scratch)?)?;
    site.command(&["migrate"])?;
    let target = Target::new(site.address, &[site.webhook()?], 201, &directory.join("paths"))?;
    let ms = first_answer_ms(&target, &site.serving())?;
    say(&format!("round {round}: sqlite.start {ms:.1} ms"));
    figures.add("sqlite.start.first_delivery_ms", ms);
    Ok(())
}
