//! Reads the output of callgrind: how many instructions each source line's file took, and in which function.
//!
//! The format is described in Valgrind's manual ("Callgrind Format Specification"). Only the instructions of a function
//! itself count here; those of the functions that it calls have lines of their own.

use std::collections::HashMap;

/// Instructions by source file and function, and calls of functions.
#[derive(Debug, Default)]
pub(super) struct Profile {
    costs: HashMap<(String, String), u64>,
    calls: HashMap<String, u64>,
}

impl Profile {
    /// Reads a whole output file.
    pub(super) fn parse(text: &str) -> Self {
        let mut reader = Reader::default();
        for line in text.lines() {
            reader.line(line);
        }
        reader.profile
    }

    /// File, function and instructions of each entry.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.costs
            .iter()
            .map(|((file, function), cost)| (file.as_str(), function.as_str(), *cost))
    }

    /// Calls of a function, without those by itself.
    pub(super) fn calls(&self, function: &str) -> u64 {
        self.calls.get(function).copied().unwrap_or(0)
    }
}

/// The state between two lines.
#[derive(Default)]
struct Reader {
    /// Names by their number in the file. A name is written out only where it comes first.
    files: HashMap<String, String>,
    functions: HashMap<String, String>,
    file: String,
    function: String,
    called: String,
    /// The next line has the cost of a call, which counts for the called function.
    is_call: bool,
    profile: Profile,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some((key, value)) = line.split_once('=')
            && key.bytes().all(|byte| byte.is_ascii_lowercase())
        {
            match key {
                // Code that was inlined from another file follows `fi`, and the function goes on at `fe`.
                "fl" | "fi" | "fe" => self.file = name(&mut self.files, value),
                "fn" => self.function = name(&mut self.functions, value),
                "cfi" | "cfl" => drop(name(&mut self.files, value)),
                "cfn" => self.called = name(&mut self.functions, value),
                "calls" => {
                    self.is_call = true;
                    let count = value
                        .split(' ')
                        .next()
                        .and_then(|count| count.parse::<u64>().ok());
                    *self.profile.calls.entry(self.called.clone()).or_default() += count.unwrap_or(0);
                }
                _ => {}
            }
        } else if line.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '*')) {
            if std::mem::take(&mut self.is_call) {
                return;
            }
            if let Some(cost) = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok()) {
                *self
                    .profile
                    .costs
                    .entry((self.file.clone(), self.function.clone()))
                    .or_default() += cost;
            }
        }
    }
}

/// Resolves `(12)`, or `(12) name`, which also declares the name.
fn name(names: &mut HashMap<String, String>, value: &str) -> String {
    match value.split_once(' ') {
        Some((number, name)) => {
            names.insert(number.to_owned(), name.to_owned());
            name.to_owned()
        }
        None => names.get(value).cloned().unwrap_or_else(|| value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
# callgrind format
events: Ir
fl=(1) a.rs
fn=(1) outer
3 10
fi=(2) b.rs
+4 5
fe=(1)
cfi=(2)
cfn=(2) inner
calls=2 7
5 900
6 1
fl=(2)
fn=(2)
7 900
totals: 916
";

    #[test]
    fn calls_count_where_they_are_made_to() {
        let profile = Profile::parse(OUTPUT);
        let mut entries: Vec<_> = profile.entries().collect();
        entries.sort_unstable();
        assert_eq!(
            entries,
            [
                ("a.rs", "outer", 11),
                ("b.rs", "inner", 900),
                ("b.rs", "outer", 5)
            ]
        );
        assert_eq!([profile.calls("inner"), profile.calls("outer")], [2, 0]);
    }
}
