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

/// Spread of the echo beyond which a figure that is compared with it gets no verdict: the difference may be noise.
const MOST_SPREAD: f64 = 0.3;
/// The advice for figures without a verdict.
const TOO_NOISY: &str = "too noisy: the echo itself differed by more than 30 % between rounds. Stop other work on this \
                         machine until the load average before each round is low, or add rounds: `--rounds 15`.";

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
    let own_cpu_us = |case: &str| {
        let cpu_us = |system: &str| figures.median(&format!("{system}.{case}.cpu_us"));
        Some(cpu_us("sqlite")? - cpu_us("echo")?)
    };
    let own_cpu = own_cpu_us("keepalive_1024").zip(own_cpu_us("keepalive"));
    if let Some((many, few)) = own_cpu {
        figures.add("sqlite.keepalive_1024.own_cpu_ratio", many / few);
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
    let mut is_noisy = false;
    for goal in goals {
        let (number, what, bar, aim) = (goal.number, goal.what, goal.bar.text, goal.aim.text);
        let (measured, verdict) = match figures.median(goal.figure) {
            Some(value) if spread_of_echo(figures, goal.figure) > MOST_SPREAD => {
                is_noisy = true;
                (format!("{value:.2}"), "too noisy")
            }
            Some(value) => (format!("{value:.2}"), goal.verdict(value)),
            None => ("-".to_owned(), "not measured in this run"),
        };
        writeln!(
            out,
            "{number:>4} {what:<46} {bar:>9} {aim:>9} {measured:>9}  {verdict}"
        )?;
    }
    if is_noisy {
        writeln!(out, "{TOO_NOISY}")?;
    }
    Ok(())
}

/// The spread of the echo in the case and the measure of a figure: `echo.keepalive.rate` for
/// `sqlite.keepalive.rate_vs_echo`. 0 if the echo was not measured.
fn spread_of_echo(figures: &Figures, figure: &str) -> f64 {
    let mut parts = figure.splitn(3, '.');
    let (Some(_), Some(case), Some(measure)) = (parts.next(), parts.next(), parts.next()) else {
        return 0.0;
    };
    let measures = [
        ("rate_", "rate"),
        ("cpu_", "cpu_us"),
        ("own_cpu_", "cpu_us"),
        ("p50_", "p50_ms"),
        ("p99_", "p99_ms"),
    ];
    let measure = measures.iter().find(|(start, _)| measure.starts_with(start));
    measure
        .and_then(|(_, measure)| figures.spread(&format!("echo.{case}.{measure}")))
        .unwrap_or(0.0)
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
        assert_eq!(goals.last().unwrap().number, "21");
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

    #[test]
    fn a_figure_with_a_noisy_echo_gets_no_verdict() {
        let printed = |echo: [f64; 2], measure: &str| {
            let mut figures = Figures::default();
            for value in echo {
                figures.add("sqlite.keepalive.rate_vs_echo", 0.5);
                figures.add(format!("echo.keepalive.{measure}"), value);
            }
            let mut printed = Vec::new();
            print(&figures, &mut printed).unwrap();
            String::from_utf8(printed).unwrap()
        };
        let (quiet, noisy) = (printed([100.0, 129.0], "rate"), printed([100.0, 150.0], "rate"));
        assert!(
            quiet.contains("0.50  met aim") && !quiet.contains(TOO_NOISY),
            "{quiet}"
        );
        assert!(
            noisy.contains("0.50  too noisy") && noisy.ends_with(&format!("{TOO_NOISY}\n")),
            "{noisy}"
        );
        let elsewhere = printed([100.0, 150.0], "p99_ms");
        assert!(elsewhere.contains("0.50  met aim"), "{elsewhere}");
    }

    #[test]
    fn every_comparison_with_the_echo_finds_its_spread() {
        for goal in goals().unwrap() {
            if !goal.figure.contains("echo")
                && !goal.figure.contains("unsynced")
                && !goal.figure.contains("own_cpu")
            {
                continue;
            }
            let case = goal.figure.split('.').nth(1).unwrap();
            let mut figures = Figures::default();
            for measure in ["rate", "cpu_us", "p50_ms", "p99_ms"] {
                figures.add(format!("echo.{case}.{measure}"), 1.0);
                figures.add(format!("echo.{case}.{measure}"), 3.0);
            }
            assert!(
                spread_of_echo(&figures, goal.figure) > MOST_SPREAD,
                "{}",
                goal.figure
            );
        }
    }
}
