//! The tests that need programs, and the decision which of them must be left out.

use crate::tools::{AXE_CORE, is_fetched};
use xtask::process::{has_nginx_stream, has_postgres, is_there};

/// Names for what is no program on the `PATH`.
const POSTGRES: &str = "postgresql";
const NGINX_STREAM_MODULE: &str = "libnginx-mod-stream";
const SCHEMATHESIS: &str = "schemathesis";
const SSLYZE: &str = "sslyze";

/// Tests of one test target, and the programs without which they fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) package: &'static str,
    pub(super) target: &'static str,
    /// Start of the names of the tests; empty for all of the target.
    pub(super) tests: &'static str,
    programs: &'static [&'static str],
}

/// Makes a row of the table.
const fn need(
    package: &'static str,
    target: &'static str,
    tests: &'static str,
    programs: &'static [&'static str],
) -> Need {
    Need {
        package,
        target,
        tests,
        programs,
    }
}

/// The table of tests that need programs.
const NEEDS: &[Need] = &[
    need(
        "bench",
        "instructions",
        "",
        &[POSTGRES, "valgrind", "h2load", "taskset"],
    ),
    need(
        "hookgate",
        "black_box",
        "",
        &["curl", "sqlite3", "python3", "prlimit"],
    ),
    need("hookgate", "black_box", "moving::", &[POSTGRES]),
    need("hookgate", "black_box", "every_store::openapi::", &[SCHEMATHESIS]),
    need("hookgate", "black_box", "tls::", &[SSLYZE]),
    need(
        "hookgate",
        "black_box_postgres",
        "",
        &[POSTGRES, "pgbouncer", "curl", "sqlite3", "python3", "prlimit"],
    ),
    need(
        "hookgate",
        "black_box_postgres",
        "every_store::openapi::",
        &[SCHEMATHESIS],
    ),
    need(
        "hookgate",
        "browser",
        "",
        &["chromium", "chromedriver", AXE_CORE, "python3"],
    ),
    need("hookgate", "cluster", "", &[POSTGRES, "sqlite3", "python3"]),
    need(
        "hookgate",
        "faults",
        "",
        &[POSTGRES, "mount", "prlimit", "python3"],
    ),
    need(
        "hookgate",
        "hostile",
        "",
        &["nginx", "haproxy", "prlimit", "python3"],
    ),
    need(
        "hookgate",
        "proxies",
        "",
        &["ip", "nginx", NGINX_STREAM_MODULE, "haproxy", "caddy", "curl"],
    ),
    need("hookgate", "soak", "", &["python3"]),
    need("hookgate-storage", "it", "contract_postgres::", &[POSTGRES]),
    need("hookgate-storage", "it", "copy::", &[POSTGRES]),
    need("hookgate-storage", "it", "older::", &[POSTGRES]),
    need("hookgate-storage", "it", "postgres::", &[POSTGRES]),
    need("hookgate-storage", "it", "removing_server::", &[POSTGRES]),
    need("hookgate-storage", "it", "sign_in_floods::", &[POSTGRES]),
    need("hookgate-testkit", "browser", "", &["chromium", "chromedriver"]),
    need("hookgate-testkit", "postgres", "", &[POSTGRES]),
    need("hookgate-transport", "real_tls", "", &["curl"]),
];

/// Tests that are left out, and the reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) need: Need,
    pub(super) missing: Vec<&'static str>,
}

/// The tests that this machine can't run.
pub(super) fn left_out() -> Vec<LeftOut> {
    decide(NEEDS, is_usable)
}

/// Chooses the rows of which a program is missing. A part of a target that is left out as a whole has no row of its own.
fn decide(needs: &[Need], is_usable: impl Fn(&str) -> bool) -> Vec<LeftOut> {
    let mut left_out: Vec<LeftOut> = Vec::new();
    for need in needs {
        let missing: Vec<_> = need
            .programs
            .iter()
            .copied()
            .filter(|program| !is_usable(program))
            .collect();
        let is_in_whole = left_out.iter().any(|whole| {
            (whole.need.package, whole.need.target, whole.need.tests) == (need.package, need.target, "")
        });
        if !missing.is_empty() && !is_in_whole {
            left_out.push(LeftOut { need: *need, missing });
        }
    }
    left_out
}

fn is_usable(program: &str) -> bool {
    match program {
        POSTGRES => has_postgres(),
        NGINX_STREAM_MODULE => has_nginx_stream(),
        AXE_CORE | SCHEMATHESIS | SSLYZE => is_fetched(program),
        program => is_there(program),
    }
}

impl LeftOut {
    /// The line that names the tests: `left out: 22 browser tests of hookgate (chromium is not installed)`.
    pub(super) fn line(&self, count: usize) -> String {
        let Need {
            package,
            target,
            tests,
            ..
        } = self.need;
        let part = match tests.trim_end_matches("::") {
            "" => target.to_owned(),
            part => format!("{target} {part}"),
        };
        let verb = if self.missing.len() == 1 { "is" } else { "are" };
        format!(
            "left out: {count} {part} tests of {package} ({} {verb} not installed)",
            self.missing.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use xtask::process::root;

    use super::*;

    #[test]
    fn tests_are_left_out_if_one_of_their_programs_is_missing() {
        let needs = [
            need("a", "whole", "", &["x", "y"]),
            need("a", "whole", "part::", &["z"]),
            need("b", "other", "part::", &["z"]),
            need("b", "other", "rest::", &["x"]),
        ];
        assert_eq!(decide(&needs, |_| true), []);
        let lines = |missing: &[&str]| {
            let left_out = decide(&needs, |program| !missing.contains(&program));
            left_out.iter().map(|one| one.line(2)).collect::<Vec<_>>()
        };
        assert_eq!(
            lines(&["z"]),
            [
                "left out: 2 whole part tests of a (z is not installed)",
                "left out: 2 other part tests of b (z is not installed)"
            ]
        );
        assert_eq!(
            lines(&["x", "y", "z"])[0],
            "left out: 2 whole tests of a (x, y are not installed)"
        );
        assert_eq!(lines(&["x", "z"]).len(), 3, "the part of a whole is in it");
    }

    #[test]
    fn every_row_names_a_target_that_is_there() {
        for need in NEEDS {
            let folder = match need.package.strip_prefix("hookgate-") {
                Some(name) => root().join("crates").join(name),
                None => root().join("bins").join(need.package),
            };
            let tests = folder.join("tests");
            let is_there = tests.join(need.target).join("main.rs").is_file()
                || tests.join(format!("{}.rs", need.target)).is_file();
            assert!(is_there, "{need:?}");
        }
    }
}
