//! The parts of a request's way, by which instructions are counted.

use std::collections::BTreeMap;

use super::profile::Profile;
use xtask::process::Outcome;

/// Parts with the paths of their sources. The first part of which a word is in the path of a file counts it.
const PARTS: [(&str, &[&str]); 26] = [
    ("guard", &["transport/src/strict", "transport/src/partial_head"]),
    ("body", &["transport/src/body", "transport/src/piece"]),
    (
        "hyper",
        &[
            "/hyper-",
            "/httparse-",
            "/http-",
            "/http-body",
            "/httpdate-",
            "/h2-",
            "/want-",
        ],
    ),
    (
        "tls",
        &["/rustls-", "/tokio-rustls-", "aesni", "ghash", "/src/aead"],
    ),
    ("digests", &["/sha256", "/ring-", "/blake", "/sha2-", "/hmac-"]),
    ("connection", &["crates/transport/"]),
    ("answer", &["ingest/src/answer", "crates/wire/"]),
    ("routing", &["crates/ingest/"]),
    (
        "id",
        &[
            "domain/src/webhook_id",
            "domain/src/secret",
            "domain/src/base62",
            "domain/src/base32",
            "domain/src/names",
            "domain/src/request_id",
        ],
    ),
    (
        "judge",
        &[
            "domain/src/decision",
            "domain/src/allowlist",
            "domain/src/networks",
            "domain/src/client_address",
            "domain/src/policy",
        ],
    ),
    ("json", &["senders/src/json", "/memchr-"]),
    ("draft", &["crates/senders/", "crates/domain/"]),
    ("gate", &["crates/gate/", "bins/hookgate/"]),
    (
        "counters",
        &[
            "storage/src/usage",
            "storage/src/refusals",
            "storage/src/counters",
        ],
    ),
    ("sqlite", &["/sqlite3.c", "/libsqlite3-sys-"]),
    ("postgres", &["postgres-", "/postgres"]),
    (
        "queue",
        &[
            "commit/writer",
            "commit/job",
            "commit/weight",
            "commit/worker/answer",
        ],
    ),
    ("binding", &["/diesel-", "storage/src/statement"]),
    ("records", &["crates/storage/", "/serde-json-", "/serde_json-"]),
    (
        "runtime",
        &[
            "/tokio-",
            "/mio-",
            "/futures-",
            "/atomic-waker-",
            "/core-future",
            "/nptl",
        ],
    ),
    (
        "clock",
        &["/std-sys/pal/unix/time", "/std-time", "clock_gettime", "/vdso"],
    ),
    ("hashing", &["/core-hash", "/quick-cache-", "/hashbrown-"]),
    ("text", &["/core-str", "/core-fmt", "/alloc-string", "/alloc-fmt"]),
    ("copying", &["memmove", "memset", "memcmp", "memcpy", "/bytes-"]),
    (
        "allocation",
        &[
            "mimalloc",
            "/malloc/",
            "/alloc-vec",
            "/alloc-raw-vec",
            "/alloc-boxed",
        ],
    ),
    ("system calls", &["/sysdeps/unix/sysv/linux"]),
];
/// All other files.
const OTHER: &str = "other";
/// A function that only the writing thread runs.
pub(super) const WRITER: &str = "hookgate_storage::commit::worker::CommitWorker::commit_batch";

/// Start of the names of the writing thread's parts.
pub(super) const WRITER_PREFIX: &str = "writer.";

/// By how many instructions the second profile exceeds the first one, by part.
pub(super) fn difference(first: &[Profile], second: &[Profile]) -> Outcome<BTreeMap<String, f64>> {
    let mut counts: BTreeMap<_, i64> = BTreeMap::new();
    for (threads, sign) in [(first, -1), (second, 1)] {
        for thread in threads {
            let is_writer = thread.entries().any(|(_, function, _)| function == WRITER);
            for (file, function, cost) in thread.entries() {
                *counts.entry((is_writer, part(file, function))).or_default() += sign * i64::try_from(cost)?;
            }
        }
    }
    let named = |((is_writer, part), count): ((bool, &str), i64)| {
        let name = if is_writer {
            format!("{WRITER_PREFIX}{part}")
        } else {
            part.to_owned()
        };
        Ok((name, f64::from(i32::try_from(count)?)))
    };
    counts.into_iter().map(named).collect()
}

/// By how many batches the second profile exceeds the first one.
pub(super) fn batches(first: &[Profile], second: &[Profile]) -> Outcome<f64> {
    let batches = |threads: &[Profile]| threads.iter().map(|thread| thread.calls(WRITER)).sum::<u64>();
    Ok(f64::from(u32::try_from(
        batches(second).saturating_sub(batches(first)),
    )?))
}

/// The part of an instruction. The standard library's code counts for the function that it was inlined into, whose name
/// has the path of its crate.
fn part(file: &str, function: &str) -> &'static str {
    let is_std = file.contains("/library/") || file == "???";
    let path = if is_std {
        path_of(function)
    } else {
        file.to_owned()
    };
    PARTS
        .iter()
        .find(|(_, words)| words.iter().any(|word| path.contains(word)))
        .map_or(OTHER, |(part, _)| part)
}

/// The path under which the sources of a function would be, by the first crate in its name that is not the standard
/// library: `<hyper::proto::h1::Conn>::poll` is in `/hyper-proto/h1`.
fn path_of(function: &str) -> String {
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let names = function.split(|c| !is_of_path(c));
    let names = names
        .map(|name| name.trim_start_matches(':'))
        .filter(|name| name.contains("::"));
    let is_std = |name: &str| {
        ["core::", "alloc::", "std::"]
            .iter()
            .any(|library| name.starts_with(library))
    };
    let found = names.clone().find(|name| !is_std(name));
    let path = found
        .or(names.clone().next())
        .unwrap_or(function)
        .replace("::", "/");
    if let Some(rest) = path.strip_prefix("hookgate_") {
        format!("crates/{}", rest.replacen('/', "/src/", 1))
    } else if path.starts_with("hookgate/") {
        format!("bins/{path}")
    } else {
        format!("/{}-", path.replacen('/', "-", 1).replace('_', "-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_functions_have_their_part() {
        let std = "/rustc/1/library/core/src/option.rs";
        for (file, function, expected) in [
            ("/x/crates/transport/src/strict/head.rs", "f", "guard"),
            ("/x/hyper-1.12.0/src/proto/h1/role.rs", "f", "hyper"),
            ("/x/rustls-0.23.46/src/conn.rs", "f", "tls"),
            (std, "<hyper::proto::h1::conn::Conn<I,B,T>>::poll", "hyper"),
            (std, "hookgate_gate::deliveries::receive::f", "gate"),
            (std, "hookgate_transport::strict::head::f", "guard"),
            (
                std,
                "core::ptr::drop_in_place<hookgate_ingest::ingest::Ingest>",
                "routing",
            ),
            (
                std,
                "<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend",
                "allocation",
            ),
            (
                "/x/libsqlite3-sys-0.38.2/sqlite3/sqlite3.c",
                "sqlite3VdbeExec",
                "sqlite",
            ),
            ("memmove-vec-unaligned-erms.S", "memmove", "copying"),
            (
                std,
                "<core::hash::sip::Hasher<S> as core::hash::Hasher>::write",
                "hashing",
            ),
            ("elsewhere.c", "f", OTHER),
        ] {
            assert_eq!(part(file, function), expected, "{file} {function}");
        }
    }

    #[test]
    fn the_writing_thread_has_parts_of_its_own() {
        let profile = |function: &str, cost: u32| {
            Profile::parse(&format!("fl=(1) sqlite3.c\nfn=(1) {function}\n1 {cost}\n"))
        };
        let threads = |cost| [profile(WRITER, cost), profile("other", 2 * cost)];
        let counts = difference(&threads(10), &threads(30)).unwrap();
        let expected = [("writer.other", 20.0), ("other", 40.0)];
        assert_eq!(
            counts,
            BTreeMap::from(expected.map(|(part, count)| (part.to_owned(), count)))
        );
    }
}
