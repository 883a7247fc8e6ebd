//! Configurations: file and environment are equivalent, and no report or error shows a password.

use hookgate::{ConfigReport, tell_configuration};

/// The password that no report or error may show.
const PASSWORD: &str = "hunter2";
const SERVER: &str = "public_url = 'https://hooks.example.org'\nstore.sealing_key_file = 'k'\ngate.certificate = 'c'\ngate.key = 'k'\n";

/// Reads a configuration file, or, if the first byte is odd, a store URL with a password.
pub fn configuration(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = str::from_utf8(rest) else {
        return;
    };
    if choice % 2 == 1 {
        a_password(text);
        return;
    }
    let told = tell_configuration(text, |_| None);
    assert_eq!(told, tell_configuration(text, |_| None), "read twice");
    if let Ok(told) = told {
        from_the_environment(&told);
    }
}

/// Checks that the environment gives the same configuration as the file.
fn from_the_environment(told: &ConfigReport) {
    if told.outcome.is_err() {
        return;
    }
    let find = |variable: &str| {
        let is_named = |key: &str| variable == format!("HOOKGATE_{}", key.replace('.', "_").to_uppercase());
        let found = told.shown.iter().find(|(key, _)| is_named(key));
        found.map(|(_, value)| value.clone())
    };
    // A PostgreSQL URL is shown without its password, so it would not be read back as the same.
    if find("HOOKGATE_STORE_URL").is_some_and(|url| url.starts_with("sqlite:")) {
        assert_eq!(tell_configuration("", find).as_ref(), Ok(told));
    }
}

/// Checks that a store URL's password is never shown. The first line of the text stands before the password, the second
/// behind it, and the rest after the host.
fn a_password(text: &str) {
    if text.contains(PASSWORD) {
        return;
    }
    let mut parts = text.splitn(3, '\n');
    let [before, behind, rest] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let url = format!("postgres://user:{before}{PASSWORD}{behind}@db.example.org{rest}");
    let in_file = format!("{SERVER}store.url = {}\n", toml_text(&url));
    let told = [
        tell_configuration(&in_file, |_| None),
        tell_configuration(SERVER, |variable| {
            (variable == "HOOKGATE_STORE_URL").then(|| url.clone())
        }),
    ];
    for told in &told {
        let told = told.as_ref().unwrap_or_else(|error| panic!("{error}"));
        let said = format!("{told:?}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
    let unterminated = in_file.replace(toml_text(&url).as_str(), &format!("'{PASSWORD}"));
    let said = tell_configuration(&unterminated, |_| None).expect_err("a text has an end");
    assert!(!said.contains(PASSWORD), "{said}");
}

/// Quotes a text as a TOML string.
fn toml_text(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
