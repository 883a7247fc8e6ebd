//! Checks that the tests which documents name exist. Some documents name for each promise the test that holds it, and a
//! test that was renamed or removed must not stay there. Every `module::test` in those documents has to exist. `…` may
//! cut a long name.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use xtask::process::{Outcome, root};

/// The documents in which code spans with `::` are tests.
const DOCUMENTS: [&str; 3] = ["docs/security.md", "docs/asvs.md", "docs/faults.md"];
/// The folder of the contract suite, whose tests run for every store.
const CONTRACT: &str = "contract";
/// The folders with tests.
const SOURCES: [&str; 2] = ["bins", "crates"];

/// Fails with every named test that does not exist.
pub(crate) fn check() -> Outcome<()> {
    let mut tests = HashSet::new();
    for folder in SOURCES {
        collect(&root().join(folder), &mut tests)?;
    }
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join(document))?;
        let unknown = named(&text).filter(|name| !is_there(name, &tests));
        missing.extend(unknown.map(|name| format!("{document}: there is no test {name}")));
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(missing.join("\n").into())
    }
}

/// `true` if there is a test of this name, or one that begins with it if the name is cut.
fn is_there(name: &str, tests: &HashSet<String>) -> bool {
    match name.strip_suffix('…') {
        Some(beginning) => tests.iter().any(|test| test.starts_with(beginning)),
        None => tests.contains(name),
    }
}

/// The tests that a document names.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter(|span| span.contains("::") && !span.contains(|c: char| c.is_whitespace() || c == '('))
}

/// Adds the tests of a folder, each as `FILE::TEST` and as `FOLDER::TEST`.
fn collect(folder: &Path, tests: &mut HashSet<String>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, tests)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let modules = [path.file_stem(), folder.file_name()].into_iter().flatten();
            let modules: Vec<_> = modules.map(|name| name.to_string_lossy().into_owned()).collect();
            let source = fs::read_to_string(&path)?;
            let is_contract = folder.file_name().is_some_and(|name| name == CONTRACT);
            let of_contract = contract_tests_in(&source).filter(|_| is_contract);
            for test in tests_in(&source).into_iter().chain(of_contract) {
                tests.extend(modules.iter().map(|module| format!("{module}::{test}")));
            }
        }
    }
    Ok(())
}

/// The names of the tests of the contract suite: public functions, which a macro runs for every store.
fn contract_tests_in(source: &str) -> impl Iterator<Item = &str> {
    let functions = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub async fn "));
    functions.filter_map(|rest| rest.split(['(', '<']).next())
}

/// The names of the functions with a test attribute. Other attributes may be between the two.
fn tests_in(source: &str) -> Vec<&str> {
    let mut is_test = false;
    let mut names = Vec::new();
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = line
            .strip_prefix("fn ")
            .or_else(|| line.strip_prefix("async fn "))
        {
            if is_test {
                names.extend(rest.split(['(', '<']).next());
            }
            is_test = false;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_names_tests_by_their_module() {
        let text = "| row | `leaks::no_secret` and `plain words`, `Type::new()`, `word` |\n`a::b`";
        assert_eq!(named(text).collect::<Vec<_>>(), ["leaks::no_secret", "a::b"]);
    }

    #[test]
    fn a_name_may_be_cut() {
        let tests = HashSet::from(["a::long_name".to_owned()]);
        assert!(is_there("a::long_…", &tests) && is_there("a::long_name", &tests));
        assert!(!is_there("a::short_…", &tests) && !is_there("a::long_", &tests));
    }

    #[test]
    fn only_tests_count() {
        let source = "#[test]\nfn one() {}\nfn helper() {}\n    #[tokio::test(flavor = \"multi_thread\")]\n    \
                      #[expect(x)]\n    async fn two() {\n}\nasync fn other() {}\n";
        assert_eq!(tests_in(source), ["one", "two"]);
    }

    #[test]
    fn every_named_test_is_there() {
        check().expect("documents that name tests that are there");
    }
}
