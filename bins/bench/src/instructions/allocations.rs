//! Allocations of a delivery, counted by the server itself with another allocator (the example `counted`).

use std::fs;
use std::path::Path;

use super::bounds;
use super::starter::in_place;
use super::subject::{DELIVERY, Load};
use crate::figures::Figures;
use xtask::process::{Outcome, cargo, run, target_directory};

const COUNTED_SERVER: &str = r#"env ALLOCATION_COUNTS="$OUTPUT" "$PROGRAM""#;

/// Builds the server. It is a debug build, which takes a fraction of the time: the optimizer removes hardly any
/// allocation.
pub(super) fn build() -> Outcome<()> {
    let example = [
        "build",
        "--locked",
        "--package",
        "hookgate",
        "--example",
        "counted",
    ];
    run(cargo().args(example))
}

/// The allocations of a delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allocations {
    count: f64,
    bytes: f64,
}

/// Names of the figures.
const COUNT: &str = "delivery.allocations";
const BYTES: &str = "delivery.allocated_bytes";

impl Allocations {
    /// `true` if one of them exceeds its bound.
    pub(super) fn is_exceeded(self) -> Outcome<bool> {
        Ok(bounds::is_exceeded(COUNT, self.count)? || bounds::is_exceeded(BYTES, self.bytes)?)
    }

    /// The smaller numbers of two counts.
    pub(super) fn least(self, other: Self) -> Self {
        Self {
            count: self.count.min(other.count),
            bytes: self.bytes.min(other.bytes),
        }
    }

    /// Adds them to the figures.
    pub(super) fn report(self, figures: &mut Figures) {
        figures.add(COUNT, self.count);
        figures.add(BYTES, self.bytes);
    }
}

/// Counts the allocations of a delivery and their bytes, with two servers: one for each load.
pub(super) fn count(scratch: &Path) -> Outcome<Allocations> {
    let program = target_directory().join("debug/examples/counted");
    let mut counted = Vec::new();
    for load in [Load::Single, Load::Double] {
        let directory = scratch.join(format!("{}.allocations-{load:?}", DELIVERY.name));
        fs::create_dir_all(&directory)?;
        let output = directory.join("counts");
        let starter = in_place(COUNTED_SERVER, &program, &output);
        let mut running = DELIVERY
            .system
            .start(scratch, &directory, DELIVERY.wanted, &starter)?;
        DELIVERY.send(&running, load)?;
        running.process.stop()?;
        counted.push(numbers(&fs::read_to_string(&output)?)?);
    }
    let each = |index: usize| (counted[1][index] - counted[0][index]) / DELIVERY.counted();
    Ok(Allocations {
        count: each(0),
        bytes: each(1),
    })
}

/// The number of allocations and their bytes.
fn numbers(text: &str) -> Outcome<[f64; 2]> {
    let (count, bytes) = text.trim().split_once(' ').ok_or("no counts of allocations")?;
    Ok([count.parse()?, bytes.parse()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_are_read() {
        assert_eq!(
            numbers("12 345\n").unwrap().map(f64::to_bits),
            [12.0, 345.0].map(f64::to_bits)
        );
        assert!(numbers("12\n").is_err());
        assert!(numbers("12 many\n").is_err());
    }
}
