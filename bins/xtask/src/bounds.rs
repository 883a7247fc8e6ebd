//! Checks the table of bounds in `docs/security.md`, which says for each bound who can use it up, what happens then,
//! and which test holds it. Every constant that bounds something must be in the table, because a bound that is not
//! there has no owner.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use xtask::process::{Outcome, root};

/// The document, and the heading before the table.
const DOCUMENT: &str = "docs/security.md";
const HEADING: &str = "## Bounds and who can use them up";
/// The code that handles requests of strangers and members.
const SOURCES: [&str; 12] = [
    "crates/domain/src",
    "crates/people/src",
    "crates/senders/src",
    "crates/gate/src",
    "crates/storage/src",
    "crates/transport/src",
    "crates/ingest/src",
    "crates/outbound/src",
    "crates/wire/src",
    "crates/request/src",
    "crates/admin/src",
    "bins/hookgate/src",
];
/// Files for tests only.
const TEST_FILES: [&str; 2] = ["testing.rs", "tests.rs"];
/// Words in the names of constants that bound something.
const WORDS: [&str; 22] = [
    "MAX", "MOST", "LIMIT", "TIMEOUT", "BUDGET", "QUEUE", "WAITING", "AHEAD", "QUOTA", "KEPT", "STREAMS",
    "RESETS", "WINDOW", "BUFFER", "LINGER", "DRAIN", "PATIENCE", "WAIT", "LONGEST", "CACHE", "SLICE",
    "LIFETIME",
];
/// Prefixes of the types of bounds.
const TYPES: [&str; 5] = ["u", "i", "Duration", "f64", "NonZero"];

/// Calls that bound something by a number.
const CALLS: [&str; 7] = [
    ".take(",
    ".limit(",
    ".truncate(",
    "channel(",
    "Semaphore::new(",
    "timeout(Duration::from_",
    "sleep(Duration::from_",
];

/// Prefixes of a duration in such a call.
const UNITS: [&str; 4] = ["secs(", "millis(", "mins(", "hours("];

/// Fails with every bound that is missing in the table, every file that the table names wrongly, and every bound
/// without a name.
pub(crate) fn check() -> Outcome<()> {
    let mut bounds = Found::default();
    for folder in SOURCES {
        collect(&root().join(folder), &mut bounds)?;
    }
    let text = fs::read_to_string(root().join(DOCUMENT))?;
    let mut faults = faults(&bounds.named, &bounds.declared, &listed(&text));
    faults.append(&mut bounds.nameless);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n").into())
    }
}

/// The bounds in the code.
#[derive(Default)]
struct Found {
    named: Bounds,
    /// All constants: the table may name one that is no bound by its name.
    declared: Bounds,
    /// Error lines for bounds without a name.
    nameless: Vec<String>,
}

/// The files that declare a constant, by its name.
type Bounds = BTreeMap<String, BTreeSet<String>>;

fn faults(bounds: &Bounds, declared: &Bounds, listed: &BTreeSet<(&str, Option<&str>)>) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, files) in bounds {
        let is_listed = |file: &String| {
            let is_alone = files.len() == 1 && listed.contains(&(name.as_str(), None));
            is_alone || listed.contains(&(name.as_str(), Some(file.as_str())))
        };
        let missing = files.iter().filter(|file| !is_listed(file));
        faults.extend(
            missing.map(|file| format!("{DOCUMENT}: the table of bounds lacks `{name}` of `{file}`")),
        );
    }
    for (name, file) in listed {
        if let Some(file) = file
            && !declared.get(*name).is_some_and(|files| files.contains(*file))
        {
            faults.push(format!("{DOCUMENT}: {file} has no constant {name}"));
        }
    }
    faults
}

/// The names in the first column of the tables, with the files that the column gives for them: `` `NAME` of `file.rs`
/// ``.
fn listed(document: &str) -> BTreeSet<(&str, Option<&str>)> {
    let section = document.split_once(HEADING).map_or("", |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap_or(section);
    let rows = section.lines().filter_map(|line| line.strip_prefix('|'));
    let mut listed = BTreeSet::new();
    for cell in rows.filter_map(|row| row.split('|').next()) {
        let pieces: Vec<&str> = cell.split('`').collect();
        let spans = pieces.iter().enumerate().skip(1).step_by(2);
        for (at, name) in spans.filter(|(_, name)| is_constant(name)) {
            let is_of = pieces.get(at + 1) == Some(&" of ");
            let file = pieces.get(at + 2).filter(|_| is_of).copied();
            listed.insert((*name, file.and_then(|file| file.rsplit('/').next())));
        }
    }
    listed
}

fn is_constant(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// Adds the bounds of a folder.
fn collect(folder: &Path, found: &mut Found) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                collect(&path, found)?;
            }
            continue;
        }
        let Some(file) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            continue;
        };
        if path.extension().is_none_or(|extension| extension != "rs") || TEST_FILES.contains(&file.as_str()) {
            continue;
        }
        let source = fs::read_to_string(&path)?;
        let source = without_tests(&source);
        for (name, kind) in constants_in(source) {
            let add_to = |bounds: &mut Bounds| {
                bounds.entry(name.to_owned()).or_default().insert(file.clone());
            };
            add_to(&mut found.declared);
            if is_bound(name, kind) {
                add_to(&mut found.named);
            }
        }
        let nameless =
            nameless_in(source).map(|line| format!("{}: a bound without a name: {line}", path.display()));
        found.nameless.extend(nameless);
    }
    Ok(())
}

/// A source file without its inline tests; `mod tests;` has them in another file.
fn without_tests(source: &str) -> &str {
    let is_inline = |(at, _): &(usize, &str)| {
        source[*at..]
            .lines()
            .nth(2)
            .is_some_and(|line| line.ends_with('{'))
    };
    let tests = source.match_indices("\n#[cfg(test)]\nmod ").find(is_inline);
    tests.map_or(source, |(at, _)| &source[..at])
}

/// The lines that bound something by a number larger than one.
fn nameless_in(source: &str) -> impl Iterator<Item = &str> {
    let is_number = |rest: &str| {
        let rest = UNITS
            .iter()
            .find_map(|unit| rest.strip_prefix(unit))
            .unwrap_or(rest);
        let digits = rest.split(|c: char| !c.is_ascii_digit() && c != '_').next();
        digits.is_some_and(|digits| !["", "0", "1"].contains(&digits))
    };
    let is_nameless = move |line: &&str| {
        let code = line.split_once("//").map_or(*line, |(code, _)| code);
        let mut calls = CALLS.iter().flat_map(|call| code.split(call).skip(1));
        calls.any(is_number)
    };
    source.lines().filter(is_nameless).map(str::trim)
}

/// The constants of a file, each with its type and value.
fn constants_in(source: &str) -> impl Iterator<Item = (&str, &str)> {
    source.lines().filter_map(|line| {
        let (before, rest) = line.split_once("const ")?;
        let is_visibility = before.trim().is_empty() || before.trim().starts_with("pub");
        let (name, kind) = rest.split_once(": ").filter(|_| is_visibility)?;
        is_constant(name).then_some((name, kind))
    })
}

/// `true` if a constant bounds something.
fn is_bound(name: &str, kind: &str) -> bool {
    name.split('_').any(|word| WORDS.contains(&word)) && TYPES.iter().any(|start| kind.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_that_bounds_something_is_told_by_its_name() {
        let source = "#[cfg(test)]\nmod tests;\nconst MAX_NAMES: usize = 3;\n    pub(crate) const ANSWER_TIMEOUT: Duration = SOME;\nconst WIDTH: u64 = 1;\n\
                      const MAX_WORDS: [&str; 1] = [];\nlet x = MAX_OTHER;\n#[cfg(test)]\nmod more {\n    const MAX_TEST: u8 = 1;\n}\n";
        let constants: Vec<_> = constants_in(without_tests(source)).collect();
        let bounds = constants.iter().filter(|(name, kind)| is_bound(name, kind));
        let names: Vec<_> = bounds.map(|(name, _)| *name).collect();
        assert_eq!((constants.len(), names), (4, vec!["MAX_NAMES", "ANSWER_TIMEOUT"]));
    }

    #[test]
    fn a_bound_without_a_name_is_told() {
        let source = "a.take(MOST);\nb.limit(1); b.limit(i64::MAX);\nc.take(20);\n// d.take(20)\ntimeout(Duration::from_secs(5), e);\n\
                      timeout(TIMEOUT, f);\nmpsc::channel(1_000);\n";
        let found_lines: Vec<_> = nameless_in(source).collect();
        assert_eq!(
            found_lines,
            [
                "c.take(20);",
                "timeout(Duration::from_secs(5), e);",
                "mpsc::channel(1_000);"
            ]
        );
    }

    #[test]
    fn what_is_missing_or_strays_is_told() {
        let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let bounds = Bounds::from([
            ("MAX_A".to_owned(), files(&["a.rs"])),
            ("MAX_B".to_owned(), files(&["a.rs", "b.rs"])),
            ("MAX_C".to_owned(), files(&["c.rs"])),
        ]);
        let mut declared = bounds.clone();
        declared.insert("WIDTH".to_owned(), files(&["e.rs"]));
        let table = format!(
            "{HEADING}\n\n| few (`MAX_B` of `x/b.rs`, `MAX_C`, `MAX_C` of `d.rs`, `WIDTH` of `e.rs`, `WIDTH` of `gone.rs`) | `MAX_A` |\n\n## Next\n| `MAX_A` |\n"
        );
        let faults = faults(&bounds, &declared, &listed(&table));
        assert_eq!(faults.len(), 4, "{faults:?}");
    }

    #[test]
    fn every_bound_is_in_the_table() {
        check().expect("a table with every bound");
    }
}
