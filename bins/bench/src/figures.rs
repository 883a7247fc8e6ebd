//! The measured figures by name, each with its value in every round.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Map, Value, json};

use xtask::process::Outcome;

/// Figures as `system.case.figure`.
#[derive(Debug, Default)]
pub(crate) struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    /// Adds the value of one round.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64) {
        self.0.entry(name.into()).or_default().push(value);
    }

    /// The names of all figures.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The median over the rounds, if it was measured.
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(|values| median(values))
    }

    /// The spread over the rounds, if it was measured.
    pub(crate) fn spread(&self, name: &str) -> Option<f64> {
        self.0.get(name).map(|values| spread(values))
    }

    /// One object with the median of each figure, and its spread if it was measured more than once.
    pub(crate) fn json(&self) -> Value {
        let mut object = Map::new();
        for (name, values) in &self.0 {
            object.insert(name.clone(), json!(median(values).map(rounded)));
            if values.len() > 1 {
                object.insert(format!("{name}_spread"), json!(rounded(spread(values))));
            }
        }
        Value::Object(object)
    }

    /// Prints a line for each figure.
    pub(crate) fn print(&self, out: &mut impl Write) -> Outcome<()> {
        for (name, values) in &self.0 {
            let value = median(values).map_or(0.0, rounded);
            if values.len() > 1 {
                let percent = 100.0 * spread(values);
                writeln!(out, "{name:<42} {value:>12}  spread {percent:.0} %")?;
            } else {
                writeln!(out, "{name:<42} {value:>12}")?;
            }
        }
        Ok(())
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Largest minus smallest value, as a part of the median.
fn spread(values: &[f64]) -> f64 {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match median(values) {
        Some(median) if median != 0.0 => (most - least) / median.abs(),
        _ => 0.0,
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_its_median_with_its_spread() {
        let mut figures = Figures::default();
        for value in [4.0, 1.0, 2.0] {
            figures.add("sqlite.keepalive.rate", value);
        }
        figures.add("pages.slowest_ms", 0.12345);
        assert_eq!(
            figures.json(),
            json!({"sqlite.keepalive.rate": 2.0, "sqlite.keepalive.rate_spread": 1.5, "pages.slowest_ms": 0.123})
        );
        assert_eq!(figures.median("nothing"), None);
    }
}
