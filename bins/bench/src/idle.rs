//! Cost of an idle connection: resident memory with 2,000 of them, each after one delivery, minus that without.

use std::path::Path;

use super::figures::Figures;
use super::generator::Generator;
use super::systems::{Running, System, Wanted};
use xtask::process::{Outcome, say};

/// A gate gives one source some more than these.
const CONNECTIONS: f64 = 2_000.0;

pub(super) fn round(scratch: &Path, round: usize, figures: &mut Figures) -> Outcome<()> {
    for system in [System::Echo, System::Sqlite, System::Nginx] {
        let name = system.name();
        let directory = scratch.join(format!("{name}.idle-{round}"));
        let running = system.start(scratch, &directory, Wanted::Accepted, &[])?;
        let kib = per_connection_kib(&running)?;
        say(&format!(
            "round {round}: {name}.idle {kib:.1} KiB for a connection"
        ));
        figures.add(format!("{name}.memory.per_idle_connection_kib"), kib);
    }
    Ok(())
}

fn per_connection_kib(running: &Running) -> Outcome<f64> {
    // Enough deliveries to fill the store's page cache, over few connections: the memory of both must neither be
    // counted nor be free for later use.
    let warm = ["--connections", "8", "--seconds", "5"];
    Generator::start("closed", &running.target, &warm)?.send()?;
    let before = running.process.resident_mib()?;
    let count = CONNECTIONS.to_string();
    let open = Generator::start("idle", &running.target, &["--connections", &count])?;
    let with = running.process.resident_mib()?;
    open.go()?;
    Ok((with - before) * 1024.0 / CONNECTIONS)
}
