//! The format of the corpus in `corpus/*.txt`: `name | answers | bytes`.
//!
//! The answers are statuses of successes and codes of refusals, separated by commas, or `none`, and a mark at the end:
//!
//! | mark | meaning |
//! |---|---|
//! | (none) | the connection goes on: another request is answered |
//! | `!` | the server closes: another request is not read |
//! | `?` | either, depending on whether an unread body has arrived by then |
//! | `~` | we end our side here, and the server closes, perhaps after `BAD_REQUEST`, which need not be read |
//!
//! In the bytes, `\r`, `\n`, `\t`, `\0`, `\\` and `\xNN` mean the same as in Rust, `<3*text>` repeats a text, and these words
//! are replaced:
//!
//! | word | bytes |
//! |---|---|
//! | `<path>` | the path of a webhook |
//! | `<post>` | the request line of a POST to it, and `Host` |
//! | `<json>` | a body of 13 bytes |
//! | `<chunks>` | the same body, chunked |
//! | `<good>` | a whole delivery |

/// A body that opens an incident.
pub(crate) const JSON: &str = r#"{"title":"t"}"#;

/// By theme.
const THEMES: [(&str, &str); 6] = [
    ("framing", include_str!("corpus/framing.txt")),
    ("chunks", include_str!("corpus/chunks.txt")),
    ("lines", include_str!("corpus/lines.txt")),
    ("targets", include_str!("corpus/targets.txt")),
    ("fields", include_str!("corpus/fields.txt")),
    ("bodies", include_str!("corpus/bodies.txt")),
];

/// A stream of bytes and its expected answers.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) answers: Vec<String>,
    pub(crate) end: End,
}

/// The end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    GoesOn,
    Closes,
    Either,
    /// We end it.
    Ours,
}

/// Every case, about the webhook at this path.
pub(crate) fn all(path: &str) -> Vec<Case> {
    let lines = THEMES.iter().flat_map(|(theme, text)| {
        let cases = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        cases.map(move |line| (theme, line))
    });
    lines.map(|(theme, line)| parse(theme, line, path)).collect()
}

fn parse(theme: &str, line: &str, path: &str) -> Case {
    let mut columns = line.splitn(3, " | ");
    let [name, answers, stream] = [(); 3].map(|()| columns.next().unwrap_or_else(|| panic!("{line}")));
    let answers = expand(answers, path);
    let end = match answers.chars().last() {
        Some('!') => End::Closes,
        Some('?') => End::Either,
        Some('~') => End::Ours,
        _ => End::GoesOn,
    };
    let answers = answers.trim_end_matches(['!', '?', '~']).split(',');
    Case {
        name: format!("{theme}/{name}"),
        bytes: unescape(&expand(stream, path)),
        answers: answers
            .filter(|word| *word != "none")
            .map(str::to_owned)
            .collect(),
        end,
    }
}

/// Replaces the words in angle brackets by their bytes, the inner ones first.
fn expand(text: &str, path: &str) -> String {
    let post = format!(r"POST {path} HTTP/1.1\r\nHost: localhost\r\n");
    let good = format!(r"{post}Content-Length: {}\r\n\r\n{JSON}", JSON.len());
    let chunks = format!(r"{:x}\r\n{JSON}\r\n0\r\n\r\n", JSON.len());
    let words = [
        ("<path>", path),
        ("<post>", &post),
        ("<json>", JSON),
        ("<chunks>", &chunks),
        ("<good>", &good),
    ];
    let mut text = words.iter().fold(text.to_owned(), |text, (word, meaning)| {
        text.replace(word, meaning)
    });
    while let Some(start) = text.rfind('<') {
        let Some((whole, count, repeated)) = repetition(&text[start..]) else {
            return text;
        };
        text = text.replace(whole, &repeated.repeat(count));
    }
    text
}

/// `<3*text>` at the start of `text`: all of it, and its parts.
fn repetition(text: &str) -> Option<(&str, usize, &str)> {
    let (inside, _) = text[1..].split_once('>')?;
    let (count, repeated) = inside.split_once('*')?;
    Some((&text[..inside.len() + 2], count.parse().ok()?, repeated))
}

fn unescape(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, tail)) = rest.split_first() {
        let (byte, used) = match (first, tail.first()) {
            (b'\\', Some(b'r')) => (b'\r', 2),
            (b'\\', Some(b'n')) => (b'\n', 2),
            (b'\\', Some(b't')) => (b'\t', 2),
            (b'\\', Some(b'0')) => (0, 2),
            (b'\\', Some(b'\\')) => (b'\\', 2),
            (b'\\', Some(b'x')) => {
                let digits = std::str::from_utf8(&tail[1..3]).unwrap();
                (u8::from_str_radix(digits, 16).unwrap(), 4)
            }
            (b'\\', _) => panic!("an unknown escape in {text:?}"),
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[used..];
    }
    bytes
}

#[test]
fn cases_are_read_as_they_are_meant() {
    let case = parse("t", r"n | <2*201,>X! | <post>A: \x1b\\\r\n\r\n<3*ab><json>", "/p");
    assert_eq!((case.name.as_str(), case.end), ("t/n", End::Closes));
    assert_eq!(case.answers, ["201", "201", "X"]);
    let bytes = b"POST /p HTTP/1.1\r\nHost: localhost\r\nA: \x1b\\\r\n\r\nababab{\"title\":\"t\"}";
    assert_eq!(case.bytes, bytes);
    assert_eq!(parse("t", r"n | none~ | /<a", "/p").answers, [""; 0]);
}

#[test]
fn names_are_given_once() {
    let cases = all("/p");
    let names: std::collections::HashSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 200, "{}", cases.len());
}
