//! The goals of a release: the measured figure, the bar that blocks a release, and the aim beyond it. Most are ratios
//! to other systems in the same rounds.

use std::io::Write;

use super::figures::Figures;
use xtask::process::Outcome;

/// One goal in a line, after a line of titles.
const GOALS: &str = include_str!("goals.txt");

struct Goal<'a> {
    /// A goal with several figures has several lines with the same number.
    number: &'a str,
    figure: &'a str,
    bar: Bound<'a>,
    aim: Bound<'a>,
    what: &'a str,
}

/// The bound of a figure, as `<= 3.0` or `>= 0.45`.
#[derive(Clone, Copy, Debug)]
struct Bound<'a> {
    text: &'a str,
    value: f64,
}

/// Adds the figures that are computed from several cases.
pub(crate) fn derive(figures: &mut Figures) {
    let quotient = |above: &str, below: &str| Some(figures.median(above)? / figures.median(below)?);
    let p50_ms_per_us = quotient("sqlite.fixed.p50_over_echo_ms", "disk.fdatasync_us");
    let database = quotient(
        "postgres.keepalive.database_cpu_us",
        "postgres.single.database_cpu_us",
    );
    if let Some(ratio) = p50_ms_per_us {
        figures.add("sqlite.fixed.p50_over_echo_fsyncs", ratio * 1000.0);
    }
    if let Some(ratio) = database {
        figures.add("postgres.batching.database_cpu_ratio", ratio);
    }
}

/// Prints a line for each goal, if the run measured at least one.
pub(crate) fn print(figures: &Figures, out: &mut impl Write) -> Outcome<()> {
    let goals = goals()?;
    if goals.iter().all(|goal| figures.median(goal.figure).is_none()) {
        return Ok(());
    }
    writeln!(
        out,
        "\ngoal {:<46} {:>9} {:>9} {:>9}",
        "", "bar", "aim", "measured"
    )?;
    for goal in goals {
        let (number, what, bar, aim) = (goal.number, goal.what, goal.bar.text, goal.aim.text);
        let (measured, verdict) = match figures.median(goal.figure) {
            Some(value) => (format!("{value:.2}"), goal.verdict(value)),
            None => ("-".to_owned(), "not measured in this run"),
        };
        writeln!(
            out,
            "{number:>4} {what:<46} {bar:>9} {aim:>9} {measured:>9}  {verdict}"
        )?;
    }
    Ok(())
}

fn goals() -> Outcome<Vec<Goal<'static>>> {
    GOALS.lines().skip(1).map(Goal::read).collect()
}

impl<'a> Goal<'a> {
    fn read(line: &'a str) -> Outcome<Self> {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [number, figure, bar, aim, what] = columns[..] else {
            return Err(format!("not a goal: {line}").into());
        };
        Ok(Self {
            number,
            figure,
            bar: Bound::read(bar)?,
            aim: Bound::read(aim)?,
            what,
        })
    }

    fn verdict(&self, value: f64) -> &'static str {
        if self.aim.holds(value) {
            "met aim"
        } else if self.bar.holds(value) {
            "met bar"
        } else {
            "missed"
        }
    }
}

impl<'a> Bound<'a> {
    fn read(text: &'a str) -> Outcome<Self> {
        let number = text.strip_prefix("<= ").or_else(|| text.strip_prefix(">= "));
        let value = number.ok_or_else(|| format!("not a bound: {text}"))?.parse()?;
        Ok(Self { text, value })
    }

    fn holds(self, value: f64) -> bool {
        if self.text.starts_with('<') {
            value <= self.value
        } else {
            value >= self.value
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_knows_its_side() {
        let most = Goal::read("2 | figure | <= 3.0 | <= 2.2 | ").unwrap();
        assert_eq!(
            [2.2, 2.9, 3.1].map(|value| most.verdict(value)),
            ["met aim", "met bar", "missed"]
        );
        let least = Goal::read("1 | figure | >= 0.33 | >= 0.45 | ").unwrap();
        assert_eq!(
            [0.5, 0.33, f64::NAN].map(|value| least.verdict(value)),
            ["met aim", "met bar", "missed"]
        );
    }

    #[test]
    fn every_aim_is_beyond_its_bar() {
        let goals = goals().unwrap();
        assert_eq!(goals.last().unwrap().number, "20");
        for goal in goals {
            assert_eq!(goal.verdict(goal.aim.value), "met aim", "{}", goal.figure);
            assert_eq!(goal.verdict(goal.bar.value), "met bar", "{}", goal.figure);
        }
    }

    #[test]
    fn what_is_made_of_several_cases_needs_all_of_them() {
        let mut figures = Figures::default();
        figures.add("sqlite.fixed.p50_over_echo_ms", 0.3);
        derive(&mut figures);
        assert_eq!(figures.median("sqlite.fixed.p50_over_echo_fsyncs"), None);
        figures.add("disk.fdatasync_us", 100.0);
        derive(&mut figures);
        let mut printed = Vec::new();
        print(&figures, &mut printed).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains("3.00  met bar"), "{printed}");
    }
}
