//! What a configuration may be, and what is said of one that may not.

use std::path::Path;

use super::*;

fn gather(text: &str, environment: &[(&str, &str)]) -> Result<Config, Failure> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hookgate.toml");
    std::fs::write(&file, text).unwrap();
    let variables: BTreeMap<_, _> = environment.iter().copied().collect();
    Values::gather(&file, |name| variables.get(name).map(ToString::to_string))?.read()
}

const GOOD: &str = "public_url = \"https://hooks.example.org\"\n[store]\nurl = \"sqlite:/var/lib/hookgate\"\n[gate]\ncertificate = \"a.pem\"\nkey = \"/b.key\"\n";

#[test]
fn a_short_file_is_enough() {
    let config = gather(GOOD, &[]).unwrap();
    assert_eq!(config.listen, "0.0.0.0:8443".parse().unwrap());
    assert_eq!(config.retention, Retention::default());
    assert_eq!(config.console_url, "https://127.0.0.1:8444");
    assert!(config.certificate.chain.is_absolute() && config.certificate.chain.ends_with("a.pem"));
    assert_eq!(config.sealing_key, Path::new("/var/lib/hookgate/sealing.key"));
}

#[test]
fn the_sample_is_a_valid_file() {
    assert!(gather(SAMPLE, &[]).is_ok());
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = gather(
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
    let message = format!("{:?}", gather(&text, &[]).unwrap_err());
    assert!(
        message.contains("store.sealing_key_file: is missing"),
        "{message}"
    );
    let config = gather(&text, &[("HOOKGATE_STORE_SEALING_KEY_FILE", "/k")]).unwrap();
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
        gather(text, &[("HOOKGATE_STORE_KEEP_DAYS", "0")]).unwrap_err()
    );
    for part in [
        "public_url: must start with https://",
        "store.url: sslmode=prefer does not check",
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
    assert_eq!(gather(GOOD, &[]).unwrap().min_tls, MinTls::V1_2);
    for written in ["\"1.3\"", "1.3"] {
        let text = format!("{GOOD}[tls]\nmin = {written}\n");
        assert_eq!(gather(&text, &[]).unwrap().min_tls, MinTls::V1_3, "{written}");
    }
    let message = format!("{:?}", gather(GOOD, &[("HOOKGATE_TLS_MIN", "1.1")]).unwrap_err());
    assert!(
        message.contains("HOOKGATE_TLS_MIN: must be 1.2 or 1.3"),
        "{message}"
    );
}
