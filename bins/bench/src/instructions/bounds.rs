//! Bounds of the counts: the counts of the program when they were last written, with some room.

use std::fmt::Write;
use std::fs;

use crate::figures::Figures;
use xtask::process::{Outcome, root, say};

/// One bound in a line, as `figure | count`, after a line of titles.
const BOUNDS: &str = include_str!("bounds.txt");
/// Path of the file with the bounds.
const FILE: &str = "bins/bench/src/instructions/bounds.txt";
const TITLES: &str = "figure                         | count\n";
/// Allowed excess of a count over its bound: more than counts differ between runs, and between recent compilers.
const ROOM: f64 = 0.05;

#[derive(Debug, PartialEq)]
struct Bound<'a> {
    figure: &'a str,
    count: f64,
}

/// `true` if a count exceeds the bound of this figure.
pub(super) fn is_exceeded(figure: &str, count: f64) -> Outcome<bool> {
    let bounds = read(BOUNDS)?;
    let bound = bounds.iter().find(|bound| bound.figure == figure);
    Ok(bound.is_some_and(|bound| !bound.holds(count)))
}

/// Compares the figures with the bounds, and fails if one exceeds its bound.
pub(super) fn check(figures: &Figures) -> Outcome<()> {
    let verdicts = compare(&read(BOUNDS)?, figures)?;
    for verdict in &verdicts {
        say(&verdict.line);
    }
    if verdicts.iter().all(|verdict| verdict.holds) {
        return Ok(());
    }
    Err("a request costs more than its bound; if it has to, `cargo xtask bench instructions --write` sets new bounds".into())
}

/// Makes the figures the new bounds.
pub(super) fn write(figures: &Figures) -> Outcome<()> {
    say(&format!("writing {FILE}"));
    Ok(fs::write(root().join(FILE), text(figures)?)?)
}

/// The comparison of one figure with its bound.
#[derive(Debug)]
struct Verdict {
    holds: bool,
    line: String,
}

/// Compares every figure. A bound without a figure, or a figure without a bound, is an error.
fn compare(bounds: &[Bound<'_>], figures: &Figures) -> Outcome<Vec<Verdict>> {
    let without = figures
        .names()
        .find(|name| bounds.iter().all(|bound| bound.figure != *name));
    if let Some(figure) = without {
        return Err(format!("{figure} has no bound").into());
    }
    let verdict = |bound: &Bound<'_>| {
        let figure = bound.figure;
        let count = figures
            .median(figure)
            .ok_or_else(|| format!("{figure} was not measured"))?;
        let holds = bound.holds(count);
        let above = count / bound.count - 1.0;
        let verdict = if holds { "ok" } else { "exceeded" };
        let line = format!(
            "{figure}: {count:.1}, {:+.1} % of the bound: {verdict}",
            above * 100.0
        );
        Ok(Verdict { holds, line })
    };
    bounds.iter().map(verdict).collect()
}

fn read(text: &str) -> Outcome<Vec<Bound<'_>>> {
    text.lines().skip(1).map(Bound::read).collect()
}

/// The file of these bounds.
fn text(figures: &Figures) -> Outcome<String> {
    let mut text = TITLES.to_owned();
    for name in figures.names() {
        let count = figures.median(name).ok_or("a figure without a value")?;
        writeln!(text, "{name:<30} | {count:.1}")?;
    }
    Ok(text)
}

impl<'a> Bound<'a> {
    fn holds(&self, count: f64) -> bool {
        count <= self.count * (1.0 + ROOM)
    }

    fn read(line: &'a str) -> Outcome<Self> {
        let (figure, count) = line
            .split_once('|')
            .ok_or_else(|| format!("not a bound: {line}"))?;
        let count: f64 = count.trim().parse().map_err(|_| format!("not a count: {line}"))?;
        if !(count.is_finite() && count > 0.0) {
            return Err(format!("not a count: {line}").into());
        }
        Ok(Self {
            figure: figure.trim(),
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(counts: &[(&str, f64)]) -> Figures {
        let mut figures = Figures::default();
        for (name, count) in counts {
            figures.add(*name, *count);
        }
        figures
    }

    #[test]
    fn the_bounds_can_be_read() {
        let bounds = read(BOUNDS).unwrap();
        for figure in [
            "delivery.instructions",
            "refusal.unknown.instructions",
            "delivery.allocations",
        ] {
            assert!(bounds.iter().any(|bound| bound.figure == figure), "{figure}");
        }
        for line in [
            "delivery.instructions",
            "a | many",
            "a | 0",
            "a | -1",
            "a | NaN",
            "a | inf",
        ] {
            assert!(read(&format!("{TITLES}{line}\n")).is_err(), "{line}");
        }
    }

    #[test]
    fn a_count_may_exceed_its_bound_by_its_room() {
        let bounds = [Bound {
            figure: "a",
            count: 1000.0,
        }];
        for (count, expected) in [(1.0, true), (1049.0, true), (1051.0, false), (f64::NAN, false)] {
            let verdicts = compare(&bounds, &figures(&[("a", count)])).unwrap();
            assert_eq!(verdicts[0].holds, expected, "{count}");
        }
        assert!(compare(&bounds, &figures(&[])).is_err(), "not measured");
        let other = figures(&[("a", 1000.0), ("b", 1.0)]);
        assert!(compare(&bounds, &other).is_err(), "no bound");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let measured = figures(&[("a.instructions", 88_512.34), ("b.allocations", 61.0)]);
        let text = text(&measured).unwrap();
        let expected = [("a.instructions", 88_512.3), ("b.allocations", 61.0)];
        let expected = expected.map(|(figure, count)| Bound { figure, count });
        assert_eq!(read(&text).unwrap(), expected);
        assert!(compare(&expected, &measured).unwrap().iter().all(|one| one.holds));
    }
}
