//! The bodies of every format against their files.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::*;
use crate::options::Grouping;

/// A request of a sender, from a file. A file `.http` has a request line and headers before the body.
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Sample {
    fn read(path: &Path) -> Self {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        let content_type = match path.extension().unwrap().to_str().unwrap() {
            "json" => "application/json",
            "form" => "application/x-www-form-urlencoded",
            "http" => return Self::of_request(name, &text),
            other => panic!("{name}: {other}"),
        };
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let body = text.trim_end().into();
        Self {
            name,
            path: String::new(),
            query: None,
            headers,
            body,
        }
    }

    fn of_request(name: String, text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap();
        let mut lines = head.lines();
        let (_, target) = lines.next().unwrap().split_once(' ').unwrap();
        let (path, query) = target
            .split_once('?')
            .map_or((target, None), |(path, query)| (path, Some(query)));
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let body = if headers.iter().any(|(_, value)| value.starts_with("multipart/")) {
            body.replace('\n', "\r\n")
        } else {
            body.trim_end().to_owned()
        };
        Self {
            name,
            path: path.trim_start_matches('/').to_owned(),
            query: query.map(str::to_owned),
            headers,
            body: body.into(),
        }
    }

    pub(super) fn payload<'a>(&'a self, body: &'a [u8]) -> Payload<'a> {
        Payload {
            path: &self.path,
            query: self.query.as_deref(),
            ..Payload::new(body, &self.headers, MAX_BYTES)
        }
    }

    pub(super) fn read_as(
        &self,
        format: SenderFormat,
        options: &FormatOptions,
    ) -> Result<Message, PayloadError> {
        read_message(format, &self.payload(&self.body), options)
    }
}

/// The bodies of a format, sorted by name.
pub(super) fn samples(format: SenderFormat) -> &'static [Sample] {
    static SAMPLES: LazyLock<HashMap<SenderFormat, Vec<Sample>>> =
        LazyLock::new(|| formats().map(|format| (format, read_samples(format))).collect());
    &SAMPLES[&format]
}

fn read_samples(format: SenderFormat) -> Vec<Sample> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory(format))
        .unwrap_or_else(|error| panic!("{format}: {error}"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "txt"))
        .collect();
    paths.sort();
    paths.iter().map(|path| Sample::read(path)).collect()
}

fn directory(format: SenderFormat) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/bodies")
        .join(format.as_str())
}

/// The options under which a body is read, each with the name that `expected.txt` has for it.
pub(super) fn options() -> [(&'static str, FormatOptions); 3] {
    let usual = FormatOptions::default();
    [
        ("", usual.clone()),
        (
            " (per group)",
            FormatOptions {
                grouping: Grouping::PerGroup,
                ..usual.clone()
            },
        ),
        (
            " (guess status)",
            FormatOptions {
                guess_status: true,
                ..usual
            },
        ),
    ]
}

#[test]
fn bodies_change_what_is_expected() {
    for format in formats() {
        let mut actual = String::new();
        for sample in samples(format) {
            let read = |options: &FormatOptions| match sample.read_as(format, options) {
                Ok(message) => listed(&message),
                Err(error) => format!("  {error:?}\n"),
            };
            let usual = read(&FormatOptions::default());
            for (name, options) in options() {
                let lines = read(&options);
                if name.is_empty() || lines != usual {
                    actual += &format!("{}{name}\n{lines}", sample.name);
                }
            }
        }
        let path = directory(format).join("expected.txt");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&path, &actual).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        for (actual, expected) in actual.lines().zip(expected.lines()) {
            assert_eq!(actual, expected, "{format}");
        }
        assert_eq!(
            actual.lines().count(),
            expected.lines().count(),
            "{format}\n{actual}"
        );
    }
}

#[test]
fn bodies_are_recognised() {
    for format in formats().filter(|format| reader(*format).is_some()) {
        for sample in samples(format) {
            let is_message = sample.read_as(format, &FormatOptions::default()).is_ok();
            let guess = recognise(&sample.payload(&sample.body));
            let is_right = guess.is_none() || guess == Some(format);
            assert!(is_right || !is_message, "{format} {}: {guess:?}", sample.name);
        }
        let guessed = samples(format)
            .iter()
            .any(|sample| recognise(&sample.payload(&sample.body)) == Some(format));
        assert!(guessed, "{format}");
    }
}
