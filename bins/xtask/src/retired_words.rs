//! Checks that retired names don't come back. They were replaced because people from outside could not guess their
//! meaning; `docs/glossary.md` has their replacements.

use std::fs;
use std::path::Path;

use xtask::process::{Outcome, root};

/// Retired identifiers, each with its replacement.
const RETIRED: [(&str, &str); 57] = [
    ("Accepting", "PendingDelivery"),
    ("Acting", "ActorContext"),
    ("AnswerPlace", "AnswerSlot"),
    ("Asked", "PendingChange"),
    ("Asker", "PasswordCaller"),
    ("Attempts", "LoginLimiter"),
    ("BrokenOff", "TruncatedBody"),
    ("Call", "AdminRequest"),
    ("Census", "WebhookCounts"),
    ("Columns", "PostgresBackend"),
    ("Counting", "UsageRecorder"),
    ("Damage", "CorruptRow"),
    ("Floor", "UnknownUrlLimiter"),
    ("Folding", "RefusalFolder"),
    ("Front", "ListenerMode"),
    ("GateFront", "GateProxies"),
    ("Held", "Reservation"),
    ("Kept", "RecordedHeaders"),
    ("Later", "BoxFuture"),
    ("Ledger", "CommitBackend"),
    ("Linger", "LingeringClose"),
    ("LoneSource", "SoleSource"),
    ("Looking", "LookupTask"),
    ("Meter", "RateLimiter"),
    ("Payers", "PruneCandidates"),
    ("Place", "App"),
    ("Pulse", "ConnectionActivity"),
    ("Refusing", "PendingRefusal"),
    ("Repeated", "IdempotentReplay"),
    ("Resting", "Idle"),
    ("Room", "MemoryBudget"),
    ("Screen", "PageContext"),
    ("Seen", "Observation"),
    ("Share", "WebhookQuota"),
    ("Surroundings", "ApiContext"),
    ("Taken", "RefreshOutcome"),
    ("Tallies", "RefusalCoalescer"),
    ("Told", "ConfigReport"),
    ("Trial", "WriteProbe"),
    ("Trier", "AttemptOrigin"),
    ("UnlessItIsLarge", "UnlessLarge"),
    ("Unopened", "OpenConnectionError"),
    ("Unshown", "UnshownSecrets"),
    ("Untaken", "UnreadAnswers"),
    ("Visit", "ReceiveContext"),
    ("Watched", "HealthSources"),
    ("acting", "actor"),
    ("chores", "background"),
    ("come_again", "set_retry_after"),
    ("form_of_stranger", "anonymous_form"),
    ("lone_source", "sole_source"),
    ("patiently", "retry_while_unavailable"),
    ("refused_lately", "recent_refusals"),
    ("sighting", "partial_head"),
    ("stand_in", "rejection_request"),
    ("take_told", "take_tracked"),
    ("uncounted", "off_record"),
];
/// The folders with code.
const SOURCES: [&str; 2] = ["bins", "crates"];

/// Fails with every retired name that is used as an identifier.
pub(crate) fn check() -> Outcome<()> {
    let mut found = Vec::new();
    for folder in SOURCES {
        look_through(&root().join(folder), &mut found)?;
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.join("\n").into())
    }
}

fn look_through(folder: &Path, found: &mut Vec<String>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                look_through(&path, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("src/retired_words.rs")
        {
            let source = fs::read_to_string(&path)?;
            for (number, line) in source.lines().enumerate() {
                let names = retired(line);
                found.extend(names.map(|(name, instead)| {
                    format!(
                        "{}:{}: {name} is retired, say {instead}",
                        path.display(),
                        number + 1
                    )
                }));
            }
        }
    }
    Ok(())
}

/// The retired names in a line, outside comments and strings.
fn retired(line: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let code = line.split_once("//").map_or(line, |(code, _)| code);
    let code: Vec<&str> = code.split('"').step_by(2).collect();
    RETIRED.into_iter().filter(move |(name, _)| {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        code.iter()
            .any(|part| part.split(|c| !is_word(c)).any(|word| word == *name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_code_alone() {
        assert_eq!(retired("let call: Call = Call::new();").count(), 1);
        assert_eq!(retired("// Call\nlet text = \"Call\"; // Screen").count(), 0);
        assert_eq!(retired("let text = \"Call\"; CallSite::new()").count(), 0);
    }
}
