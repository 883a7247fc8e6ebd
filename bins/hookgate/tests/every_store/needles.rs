//! Secrets, and every form in which a written text could contain one.

use std::collections::HashMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Length of the prefix that finds a form, in bytes, before the whole is compared. No form is shorter.
const START: usize = 8;
/// Length of the part before the secret of an ID or token, with its hint: `wh_` and four digits.
const HINT: usize = 7;
/// Length of the part after it that is searched for, in characters: it does not occur by chance, and a part of a secret is
/// found too.
const PART: usize = 20;

/// An ID for the tests of the search itself.
const ID: &str = "wh_7Kd0nQzR4mT8vXb1Lc5Yh2Js9Wf6Gp3Ea0Ui4OqZ";

/// The texts to search for.
#[derive(Default)]
pub(crate) struct Needles {
    forms: Vec<Form>,
    by_start: HashMap<[u8; START], Vec<usize>>,
}

/// One form of one secret.
struct Form {
    name: String,
    bytes: Vec<u8>,
}

impl Needles {
    /// Adds a webhook ID, a token, or a URL that ends with one. Its hint may be shown, the rest may not.
    pub(crate) fn add_id(&mut self, what: &str, id: &str) {
        let id = id.rsplit('/').next().unwrap();
        self.add(what, &id.as_bytes()[HINT..HINT + PART]);
    }

    /// Adds any other secret, which may not be shown at all.
    pub(crate) fn add(&mut self, what: &str, secret: &[u8]) {
        for (form, bytes) in forms(secret) {
            let start = bytes[..START].try_into().unwrap();
            self.by_start.entry(start).or_default().push(self.forms.len());
            let name = format!("{what}, {form}");
            self.forms.push(Form { name, bytes });
        }
    }

    /// The name of the first text that these bytes hold, if any.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Option<&str> {
        (0..bytes.len().saturating_sub(START - 1)).find_map(|at| {
            let rest = &bytes[at..];
            let candidates = self.by_start.get(&rest[..START])?;
            let mut forms = candidates.iter().map(|index| &self.forms[*index]);
            forms
                .find(|form| rest.starts_with(&form.bytes))
                .map(|form| &*form.name)
        })
    }

    /// Panics if these bytes hold any of the texts. The message does not show them.
    pub(crate) fn must_not_be_in(&self, place: &str, bytes: &[u8]) {
        if let Some(found) = self.found_in(bytes) {
            panic!("{place} holds a secret: {found}");
        }
    }
}

/// Every form of these bytes, by its name.
fn forms(secret: &[u8]) -> Vec<(String, Vec<u8>)> {
    let each = |write: fn(&mut String, u8)| {
        secret.iter().fold(String::new(), |mut text, byte| {
            write(&mut text, *byte);
            text
        })
    };
    let mut forms = vec![
        ("plain".to_owned(), secret.to_vec()),
        ("lower case".to_owned(), secret.to_ascii_lowercase()),
        ("upper case".to_owned(), secret.to_ascii_uppercase()),
    ];
    let texts = [
        (
            "hexadecimal",
            each(|text, byte| write!(text, "{byte:02x}").unwrap()),
        ),
        ("percent", each(|text, byte| write!(text, "%{byte:02x}").unwrap())),
        ("JSON", each(|text, byte| write!(text, "\\u{byte:04x}").unwrap())),
        ("HTML", each(|text, byte| write!(text, "&#x{byte:x};").unwrap())),
    ];
    for (name, text) in texts {
        // Only the digits change case, since the case of the letters around them is fixed.
        let upper = each_digit_upper(&text);
        forms.push((format!("{name}, lower"), text.into_bytes()));
        forms.push((format!("{name}, upper"), upper.into_bytes()));
    }
    let numbers = each(|text, byte| write!(text, "{byte}, ").unwrap());
    forms.push(("numbers".to_owned(), numbers.trim_end_matches(", ").into()));
    for before in 0..3 {
        let padded = [&vec![0; before], secret].concat();
        // Each digit has six bits. Digits that share bits with a neighbouring byte are left out.
        let known = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
        for (name, engine) in [
            ("base 64", &STANDARD_NO_PAD),
            ("base 64 for URLs", &URL_SAFE_NO_PAD),
        ] {
            let text = &engine.encode(&padded).into_bytes()[known.clone()];
            forms.push((format!("{name}, {before} bytes behind"), text.to_vec()));
        }
    }
    forms
}

fn each_digit_upper(text: &str) -> String {
    let marks = ["\\u", "&#x"];
    let upper = text.to_ascii_uppercase();
    marks
        .iter()
        .fold(upper, |text, mark| text.replace(&mark.to_ascii_uppercase(), mark))
}

/// Searches for the ID in a text that holds it in this form, among others.
fn planted(write: impl Fn(&str) -> String) -> Option<String> {
    let mut needles = Needles::default();
    needles.add_id("an ID", &format!("https://localhost/webhooks/custom/{ID}"));
    needles.add_id("another", &ID.replace('7', "8").replace('Q', "q"));
    let text = format!("noise {} noise", write(ID));
    needles.found_in(text.as_bytes()).map(str::to_owned)
}

#[test]
fn a_secret_is_found_in_every_form() {
    let bytes = |write: fn(u8) -> String| planted(|id| id.bytes().map(write).collect());
    let found: Vec<Option<String>> = vec![
        planted(str::to_owned),
        planted(str::to_lowercase),
        planted(str::to_uppercase),
        planted(|id| id[HINT..HINT + PART].to_owned()),
        bytes(|byte| format!("{byte:02x}")),
        bytes(|byte| format!("{byte:02X}")),
        bytes(|byte| format!("%{byte:02x}")),
        bytes(|byte| format!("%{byte:02X}")),
        bytes(|byte| format!("\\u{byte:04x}")),
        bytes(|byte| format!("\\u{byte:04X}")),
        bytes(|byte| format!("&#x{byte:x};")),
        planted(|id| format!("{:?}", id.as_bytes())),
    ];
    for (number, found) in found.iter().enumerate() {
        assert!(found.is_some(), "{number}");
    }
    for before in ["", "a", "ab", "abc"] {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let found = planted(|id| engine.encode(format!("{before}{id}")));
            assert!(found.is_some(), "{before}");
        }
    }
    let raw = [0xfb, 0xff, 0xbf, 0x3e, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe];
    let mut needles = Needles::default();
    needles.add("a key", &raw);
    for text in [STANDARD_NO_PAD.encode(raw), URL_SAFE_NO_PAD.encode(raw)] {
        assert!(needles.found_in(text.as_bytes()).is_some(), "{text}");
    }
}

#[test]
fn a_hint_and_other_texts_are_no_find() {
    assert_eq!(planted(|id| id[..HINT].to_owned()), None);
    assert_eq!(planted(|id| id.replace('z', "y")), None);
    assert_eq!(Needles::default().found_in(b""), None);
}
