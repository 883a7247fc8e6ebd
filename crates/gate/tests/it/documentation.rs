//! The tables of docs/http.md and those of the program have the same entries.

use hookgate_domain::draft::NoteCode;
use hookgate_domain::{IncidentStatus, Severity};
use hookgate_senders::JsonProblem;

#[test]
fn the_documentation_has_every_word() {
    let text = include_str!("../../../../docs/http.md");
    let severities: Vec<_> = Severity::WORDS
        .iter()
        .map(|(word, value)| (value.as_str(), *word))
        .collect();
    let statuses: Vec<_> = IncidentStatus::WORDS
        .iter()
        .map(|(word, value)| (value.as_str(), *word))
        .collect();
    for known in [severities, statuses] {
        let mut meanings: Vec<_> = known.iter().map(|(meaning, _)| *meaning).collect();
        meanings.dedup();
        for meaning in meanings {
            let start = format!("| `{meaning}` |");
            let rows: Vec<_> = text
                .lines()
                .filter_map(|line| line.strip_prefix(&start))
                .collect();
            let [row] = rows[..] else {
                panic!("one row of http.md is for {meaning}: {rows:?}");
            };
            let mut documented: Vec<_> = row
                .trim_matches(['|', ' '])
                .split(',')
                .map(|word| word.replace(['`', ' ', '_', '-'], "").to_lowercase())
                .chain([meaning.to_lowercase()])
                .collect();
            let is_meant = |(of, word): &(&str, &str)| (*of == meaning).then(|| (*word).to_owned());
            let mut expected: Vec<_> = known.iter().filter_map(is_meant).collect();
            documented.sort_unstable();
            expected.sort_unstable();
            assert_eq!(documented, expected, "{meaning}");
        }
    }
    for code in NoteCode::ALL {
        assert!(
            text.contains(&format!("| `{code}` |")),
            "http.md does not document the note {code}"
        );
    }
    for problem in JsonProblem::ALL {
        let problem = problem.as_str();
        assert!(
            text.contains(&format!("| `{problem}` |")),
            "http.md does not document {problem}"
        );
    }
}
