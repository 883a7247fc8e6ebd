//! Configurations: file and environment mean the same, and nothing that is said of one holds its password.

use hookgate::{ConfigReport, tell_configuration};

/// What is never said.
const PASSWORD: &str = "hunter2";
const SERVER: &str = "public_url = 'https://hooks.example.org'\nstore.sealing_key_file = 'k'\ngate.certificate = 'c'\ngate.key = 'k'\n";

/// The text of a configuration file; or, if the first byte is odd, an address with a password in it.
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

/// Every value may stand in the environment as well.
fn from_the_environment(told: &ConfigReport) {
    if told.outcome.is_err() {
        return;
    }
    let find = |variable: &str| {
        let is_named = |key: &str| variable == format!("HOOKGATE_{}", key.replace('.', "_").to_uppercase());
        let found = told.shown.iter().find(|(key, _)| is_named(key));
        found.map(|(_, value)| value.clone())
    };
    // An address is shown without its password, so it is another one.
    if find("HOOKGATE_STORE_URL").is_some_and(|url| url.starts_with("sqlite:")) {
        assert_eq!(tell_configuration("", find).as_ref(), Ok(told));
    }
}

/// An address whose password has any text around it: the first line stands before it, the second behind, and the third
/// after the host.
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

/// A text as TOML writes it.
fn toml_text(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
