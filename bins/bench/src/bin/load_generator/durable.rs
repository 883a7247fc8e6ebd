//! Latency of one `fdatasync` on this disk: the unit in which the latency of a durable answer is expressed.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use tokio::time::Instant;

use crate::Outcome;

/// Repetitions; the median counts.
const TIMES: usize = 301;
const PAGE: [u8; 8 * 1024] = [0x5a; 8 * 1024];

/// Microseconds until a page that overwrites another one of the file is on disk. A commit does the same in a log that
/// is reused.
pub(crate) fn median_us(path: &Path) -> Outcome<f64> {
    let mut file = File::create(path)?;
    for _ in 0..TIMES {
        file.write_all(&PAGE)?;
    }
    file.sync_all()?;
    drop(file);
    let mut file = File::options().write(true).open(path)?;
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = Instant::now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    Ok(took[TIMES / 2].as_secs_f64() * 1e6)
}
