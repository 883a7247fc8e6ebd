//! Valid configurations, and the errors of invalid ones.

use std::path::Path;

use super::store::shown;
use super::*;

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, Failure> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hookgate.toml");
    std::fs::write(&file, text).unwrap();
    values_of_file(&file, environment)?.read()
}

fn values_of_file(file: &Path, environment: &[(&str, &str)]) -> Result<Values, Failure> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Values::load(file, &Environment::of(environment.iter().map(owned)))
}

const GOOD: &str = "public_url = \"https://hooks.example.org\"\n[store]\nurl = \"sqlite:/var/lib/hookgate\"\n[gate]\ncertificate = \"a.pem\"\nkey = \"/b.key\"\n";

#[test]
fn a_short_file_is_enough() {
    let config = load(GOOD, &[]).unwrap();
    assert_eq!(config.listen, "0.0.0.0:8443".parse().unwrap());
    assert_eq!(config.retention, Retention::default());
    assert_eq!(config.console_url, "https://127.0.0.1:8444");
    assert!(config.certificate.chain.is_absolute() && config.certificate.chain.ends_with("a.pem"));
    assert_eq!(config.sealing_key, Path::new("/var/lib/hookgate/sealing.key"));
}

#[test]
fn the_console_is_where_it_listens_or_where_it_is_said_to_be() {
    for (listen, url) in [
        ("192.0.2.1:8444", "https://192.0.2.1:8444"),
        ("[2001:db8::1]:8444", "https://[2001:db8::1]:8444"),
        ("0.0.0.0:8444", "https://localhost:8444"),
        ("[::]:8444", "https://localhost:8444"),
    ] {
        let config = load(GOOD, &[("HOOKGATE_CONSOLE_LISTEN", listen)]).unwrap();
        assert_eq!(config.console_url, url, "{listen}");
    }
    let named = [
        ("HOOKGATE_CONSOLE_LISTEN", "0.0.0.0:8444"),
        ("HOOKGATE_CONSOLE_PUBLIC_URL", "https://console.example.org/"),
    ];
    let config = load(GOOD, &named).unwrap();
    assert_eq!(config.console_url, "https://console.example.org");
}

#[test]
fn an_empty_section_with_a_wrong_name_is_unknown() {
    let failure = load(&format!("{GOOD}[gaet]\n"), &[]).unwrap_err();
    assert!(
        failure.message().starts_with("gaet: unknown key"),
        "{}",
        failure.message()
    );
    assert!(load(&format!("{GOOD}[addresses]\n"), &[]).is_ok());
}

#[test]
fn the_log_level_is_one_of_the_documented_words() {
    let loaded = |level| load(GOOD, &[("HOOKGATE_LOG_LEVEL", level)]);
    for wrong in ["", " ", "3", "warning"] {
        let failure = loaded(wrong).unwrap_err();
        assert_eq!(
            failure.message(),
            "HOOKGATE_LOG_LEVEL: must be off, error, warn, info, debug or trace",
            "{wrong:?}"
        );
    }
    for right in ["off", "error", "warn", "info", "debug", "trace", "WARN"] {
        assert!(loaded(right).is_ok(), "{right}");
    }
}

#[test]
fn a_wrong_value_is_no_problem_of_the_settings_beside_it() {
    let failure = load(
        GOOD,
        &[
            ("HOOKGATE_GATE_TRUSTED_PROXIES", "everybody"),
            ("HOOKGATE_GATE_FORWARDED", "forwarded"),
        ],
    )
    .unwrap_err();
    assert_eq!(failure.message().lines().count(), 1, "{}", failure.message());
    assert!(failure.message().starts_with("HOOKGATE_GATE_TRUSTED_PROXIES: "));
}

#[test]
fn a_problem_is_told_once() {
    let failure = load(GOOD, &[("HOOKGATE_CONSOLE_LISTEN", "8444")]).unwrap_err();
    assert_eq!(
        failure.message(),
        "HOOKGATE_CONSOLE_LISTEN: invalid socket address syntax"
    );
}

#[test]
fn the_sample_is_a_valid_file() {
    assert!(load(SAMPLE, &[]).is_ok());
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = load(
        GOOD,
        &[
            ("HOOKGATE_GATE_LISTEN", "127.0.0.1:1"),
            ("HOOKGATE_LOG_LEVEL", "trace"),
        ],
    )
    .unwrap();
    assert_eq!(
        (config.listen, config.log_level),
        ("127.0.0.1:1".parse().unwrap(), LevelFilter::TRACE)
    );
}

#[test]
fn a_server_needs_a_shared_key_and_its_password_is_not_shown() {
    let text = GOOD.replace("sqlite:/var/lib/hookgate", "postgres://u:secret@db/h");
    let message = format!("{:?}", load(&text, &[]).unwrap_err());
    assert!(
        message.contains("store.sealing_key_file: is missing"),
        "{message}"
    );
    let config = load(&text, &[("HOOKGATE_STORE_SEALING_KEY_FILE", "/k")]).unwrap();
    assert_eq!(config.store.to_string(), "postgres://db/h");
    assert!(!format!("{config:?}").contains("secret"));
    assert_eq!(shown("store.url", "postgres://u:secret@db/h"), "postgres://db/h");
    assert_eq!(
        shown("store.url", "postgres://u:sec ret@@:db"),
        "(not an address)"
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let text = "public_url = \"http://x\"\n[store]\nurl = \"postgres://x/y?sslmode=prefer\"\n[gate]\nlissen = 1\nkey = [1]\n";
    let message = format!(
        "{:?}",
        load(text, &[("HOOKGATE_STORE_KEEP_DAYS", "0")]).unwrap_err()
    );
    for part in [
        "public_url: must start with https://",
        "store.url: sslmode=prefer does not verify",
        "gate.lissen: unknown key; did you mean gate.listen?",
        "gate.key: must be a single value",
        "gate.certificate: is missing",
        "HOOKGATE_STORE_KEEP_DAYS: must be 1 or more",
    ] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
}

#[test]
fn the_oldest_tls_is_one_of_two() {
    assert_eq!(load(GOOD, &[]).unwrap().min_tls, MinTls::V1_2);
    for written in ["\"1.3\"", "1.3"] {
        let text = format!("{GOOD}[tls]\nmin = {written}\n");
        assert_eq!(load(&text, &[]).unwrap().min_tls, MinTls::V1_3, "{written}");
    }
    let message = format!("{:?}", load(GOOD, &[("HOOKGATE_TLS_MIN", "1.1")]).unwrap_err());
    assert!(
        message.contains("HOOKGATE_TLS_MIN: must be 1.2 or 1.3"),
        "{message}"
    );
}

#[test]
fn the_stores_url_comes_from_the_highest_place_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let [file, secret] = ["hookgate.toml", "store.url"].map(|name| directory.path().join(name));
    std::fs::write(&secret, "sqlite:/secret\n").unwrap();
    let secret = secret.to_str().unwrap();
    let by_file = GOOD.replace("url = \"sqlite:/var/lib/hookgate\"", "url_file = \"store.url\"");
    let by_both = GOOD.replace("[gate]", "url_file = \"store.url\"\n[gate]");
    let url = ("HOOKGATE_STORE_URL", "sqlite:/variable");
    let url_file = ("HOOKGATE_STORE_URL_FILE", secret);
    let place = |text: &str, environment: &[(&str, &str)]| {
        std::fs::write(&file, text).unwrap();
        let config = values_of_file(&file, environment)?.read()?;
        Ok::<_, Failure>(config.store.to_string())
    };
    for (text, environment, expected) in [
        (GOOD, &[][..], "/var/lib/hookgate"),
        (GOOD, &[url], "/variable"),
        (GOOD, &[url_file], "/secret"),
        (&by_file, &[], "/secret"),
        (&by_file, &[url], "/variable"),
        (&by_file, &[("HOOKGATE_STORE_URL_FILE", "store.url")], "/secret"),
        (&by_both, &[url], "/variable"),
    ] {
        assert_eq!(
            place(text, environment).unwrap(),
            expected,
            "{text} {environment:?}"
        );
    }
    for (text, environment, expected) in [
        (
            &*by_both,
            &[][..],
            "store.url_file: store.url is set too; use only one",
        ),
        (
            GOOD,
            &[url, url_file],
            "HOOKGATE_STORE_URL_FILE: HOOKGATE_STORE_URL is set too; use only one",
        ),
    ] {
        assert_eq!(place(text, environment).unwrap_err().message(), expected);
    }
    let sources = values_of_file(&file, &[url_file]).unwrap();
    let source = sources.iter().find(|(key, _, _)| *key == "store.url");
    let variable = Source::Environment("HOOKGATE_STORE_URL_FILE".to_owned());
    assert_eq!(source.map(|(_, _, source)| source.clone()), Some(variable));
}

#[test]
fn a_variable_that_no_key_has_is_told_and_those_of_others_are_not() {
    let failure = load(GOOD, &[("HOOKGATE_GATE_LISTN", "1")]).unwrap_err();
    assert_eq!(
        failure.message(),
        "HOOKGATE_GATE_LISTN: unknown variable; did you mean HOOKGATE_GATE_LISTEN?"
    );
    load(GOOD, &[("HOOKGATE_GATE_PORT", "tcp://10.0.0.1:8443")]).unwrap();
}

#[test]
fn payloads_are_kept_no_longer_than_their_deliveries() {
    let kept = |environment: &[(&str, &str)]| load(GOOD, environment).map(|config| config.retention);
    let days = |days: u64| Duration::from_hours(24 * days);
    let short = kept(&[("HOOKGATE_STORE_KEEP_DAYS", "7")]).unwrap();
    assert_eq!((short.deliveries, short.payloads), (days(7), days(7)));
    let both = [
        ("HOOKGATE_STORE_KEEP_DAYS", "7"),
        ("HOOKGATE_STORE_KEEP_PAYLOAD_DAYS", "7"),
    ];
    assert_eq!(kept(&both).unwrap().payloads, days(7));
    let longer = kept(&[both[0], ("HOOKGATE_STORE_KEEP_PAYLOAD_DAYS", "8")]).unwrap_err();
    assert_eq!(
        longer.message(),
        "HOOKGATE_STORE_KEEP_PAYLOAD_DAYS: is more than store.keep_days, and payloads are deleted with their deliveries: at most 7"
    );
    let text = GOOD.replace("[gate]", "keep_payload_days = 91\n[gate]");
    let longer = load(&text, &[]).unwrap_err();
    assert!(
        longer.message().starts_with("store.keep_payload_days: is more"),
        "{longer:?}"
    );
    let wrong = kept(&[("HOOKGATE_STORE_KEEP_DAYS", "0")]).unwrap_err();
    assert_eq!(wrong.message(), "HOOKGATE_STORE_KEEP_DAYS: must be 1 or more");
}

#[test]
fn files_that_are_read_once_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hookgate.toml");
    std::fs::write(directory.path().join("store.url"), "sqlite:data").unwrap();
    let text = GOOD.replace("url = \"sqlite:/var/lib/hookgate\"", "url_file = \"store.url\"");
    std::fs::write(&file, format!("{text}[addresses]\nca = \"ca.pem\"\n")).unwrap();
    let config = values_of_file(&file, &[]).unwrap().read().unwrap();
    let named: Vec<_> = config.read_once.iter().map(|(key, _)| *key).collect();
    assert_eq!(
        named,
        ["store.url_file", "store.sealing_key_file", "addresses.ca"]
    );
}
