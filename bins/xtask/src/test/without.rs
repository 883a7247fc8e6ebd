//! Runs the tests without installing anything, and names those that are left out.

use serde_json::Value;

use super::missing::{LeftOut, left_out};
use xtask::process::{self, Outcome, cargo, say};

/// Arguments of every run.
const TEST: [&str; 3] = ["test", "--all-features", "--locked"];

/// Runs every test whose programs are there.
pub(super) fn run() -> Outcome<()> {
    let left_out = left_out();
    let tested = run_without(&left_out);
    for tests in &left_out {
        say(&tests.line(count(tests)?));
    }
    if left_out.is_empty() {
        say("nothing was left out");
    }
    tested
}

/// Runs the packages of which nothing is left out at once, and the others target by target.
fn run_without(left_out: &[LeftOut]) -> Outcome<()> {
    let mut packages: Vec<_> = left_out.iter().map(|tests| tests.need.package).collect();
    packages.dedup();
    let excluded = packages.iter().flat_map(|package| ["--exclude", *package]);
    process::run(cargo().args(TEST).arg("--workspace").args(excluded))?;
    for package in packages {
        let of_package: Vec<_> = left_out
            .iter()
            .filter(|tests| tests.need.package == package)
            .collect();
        let test = || {
            let mut command = cargo();
            command.args(TEST).args(["--package", package]);
            command
        };
        process::run(test().args(["--bins", "--examples"]))?;
        if !targets(package, "lib")?.is_empty() {
            process::run(test().arg("--lib"))?;
            process::run(test().arg("--doc"))?;
        }
        for target in targets(package, "test")? {
            let of_target: Vec<_> = of_package
                .iter()
                .filter(|tests| tests.need.target == target)
                .map(|tests| tests.need.tests)
                .collect();
            if !of_target.contains(&"") {
                let skipped = of_target.iter().flat_map(|tests| ["--skip", *tests]);
                process::run(test().args(["--test", &target, "--"]).args(skipped))?;
            }
        }
    }
    Ok(())
}

/// The targets of this kind of a package.
fn targets(package: &str, kind: &str) -> Outcome<Vec<String>> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--locked", "--format-version", "1"])
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"]
        .as_array()
        .ok_or("cargo metadata has no packages")?;
    let found = packages.iter().find(|found| found["name"] == package);
    let targets = found.and_then(|found| found["targets"].as_array());
    let targets = targets.ok_or_else(|| format!("cargo metadata has no targets of {package}"))?;
    let of_kind = targets.iter().filter(|target| target["kind"][0] == kind);
    Ok(of_kind
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect())
}

/// The number of tests that are left out.
fn count(tests: &LeftOut) -> Outcome<usize> {
    let need = &tests.need;
    let output = cargo()
        .args(TEST)
        .args(["--quiet", "--package", need.package, "--test", need.target])
        .args(["--", "--list"])
        .output()?;
    let names = String::from_utf8(output.stdout)?;
    let is_one = |line: &&str| line.ends_with(": test") && line.starts_with(need.tests);
    match names.lines().filter(is_one).count() {
        0 => Err(format!("can't count the {} tests of {}", need.target, need.package).into()),
        count => Ok(count),
    }
}
