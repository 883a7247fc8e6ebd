//! The parameters behind the `?` of a database URL: each is honoured or refused. Errors name parameters from
//! fixed lists and repeat nothing of the URL, because a part of a password may be where a parameter is
//! expected.

use std::net::IpAddr;

use super::address_error::AddressError;

/// Maximum number of seconds of `connect_timeout`, because callers wait for the connection.
const MAX_CONNECT_SECONDS: u64 = 10;
/// Parameters that are passed on as they are.
const TEXTS: [&str; 5] = ["user", "password", "dbname", "host", "application_name"];
/// Parameters with one of a few values.
const CHOICES: [(&str, &[&str], &str); 5] = [
    ("sslnegotiation", &["postgres", "direct"], "postgres or direct"),
    (
        "channel_binding",
        &["disable", "prefer", "require"],
        "disable, prefer or require",
    ),
    ("load_balance_hosts", &["disable", "random"], "disable or random"),
    ("keepalives", &["0", "1"], "0 or 1"),
    (
        "target_session_attrs",
        &["read-write"],
        "read-write, as it is without it: every node writes",
    ),
];
/// Parameters with a number of at least 1.
const NUMBERS: [&str; 3] = ["keepalives_idle", "keepalives_interval", "keepalives_retries"];
/// Parameters of other programs that an error may name. `SCHEMAS` has those that name a schema.
const FOREIGN: [&str; 23] = [
    "tcp_user_timeout",
    "keepalives_count",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "sslsni",
    "ssl",
    "ssl_min_protocol_version",
    "require_auth",
    "gssencmode",
    "krbsrvname",
    "client_encoding",
    "fallback_application_name",
    "passfile",
    "service",
    "replication",
    "pgbouncer",
    "connection_limit",
    "pool_timeout",
    "pool_max_conns",
    "statement_cache_mode",
    "prepareThreshold",
];
const SCHEMAS: [&str; 4] = ["search_path", "schema", "currentSchema", "current_schema"];
/// Settings of a session that Hookgate sets, so that every wait is bounded and every answer is durable.
const OWN_SETTINGS: [&str; 7] = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "client_encoding",
];
/// Values of `synchronous_commit` under which an answered delivery may be lost.
const NOT_DURABLE: [&str; 5] = ["off", "local", "false", "no", "0"];

/// Checks one parameter and its value.
pub(super) fn check(name: &str, value: &str) -> Result<&'static str, AddressError> {
    if let Some(known) = TEXTS.into_iter().find(|known| *known == name) {
        return Ok(known);
    }
    if let Some((known, values, rule)) = CHOICES.into_iter().find(|(known, ..)| *known == name) {
        return if values.contains(&value) {
            Ok(known)
        } else {
            Err(AddressError::Value { name: known, rule })
        };
    }
    if let Some(known) = NUMBERS.into_iter().find(|known| *known == name) {
        return number(known, value, u32::MAX.into(), "a number from 1 on");
    }
    match name {
        "connect_timeout" => number(
            "connect_timeout",
            value,
            MAX_CONNECT_SECONDS,
            "1 to 10 seconds: senders wait meanwhile",
        ),
        "port" if value.split(',').all(|port| port.parse::<u16>().is_ok()) => Ok("port"),
        "port" => Err(AddressError::Value {
            name: "port",
            rule: "a port number",
        }),
        "hostaddr" if value.split(',').all(|host| host.parse::<IpAddr>().is_ok()) => Ok("hostaddr"),
        "hostaddr" => Err(AddressError::Value {
            name: "hostaddr",
            rule: "an address",
        }),
        "options" => check_options(value).map(|()| "options"),
        _ => Err(unknown(name)),
    }
}

fn number(
    name: &'static str,
    value: &str,
    most: u64,
    rule: &'static str,
) -> Result<&'static str, AddressError> {
    match value.parse::<u64>() {
        Ok(number) if (1..=most).contains(&number) => Ok(name),
        _ => Err(AddressError::Value { name, rule }),
    }
}

fn unknown(name: &str) -> AddressError {
    if let Some(known) = SCHEMAS.into_iter().find(|known| *known == name) {
        return AddressError::Schema(known);
    }
    AddressError::UnknownParameter(FOREIGN.into_iter().find(|known| *known == name))
}

/// Refuses settings that every session would override, and those that lower durability.
fn check_options(options: &str) -> Result<(), AddressError> {
    for (name, value) in settings(options) {
        if let Some(own) = OWN_SETTINGS.into_iter().find(|own| *own == name) {
            return Err(AddressError::OwnSetting(own));
        }
        if name == "synchronous_commit" && NOT_DURABLE.contains(&&*value.to_ascii_lowercase()) {
            return Err(AddressError::NotDurable);
        }
    }
    Ok(())
}

/// The `search_path` that `options` set; the last one counts. `None` if there is none, or if its text is
/// escaped.
pub(super) fn search_path(options: &str) -> Option<&str> {
    let found = settings(options).filter(|(name, _)| name == "search_path");
    found
        .last()
        .map(|(_, value)| value)
        .filter(|value| !value.contains('\\'))
}

/// Names and values of the settings in `options`: `-c NAME=VALUE`, `-cNAME=VALUE` or `--NAME=VALUE`.
fn settings(options: &str) -> impl Iterator<Item = (String, &str)> {
    options.split_ascii_whitespace().filter_map(|word| {
        let word = word
            .strip_prefix("--")
            .or_else(|| word.strip_prefix("-c"))
            .unwrap_or(word);
        let (name, value) = word.split_once('=')?;
        Some((name.to_ascii_lowercase().replace('-', "_"), value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_session_would_override_is_refused() {
        for options in [
            "-c statement_timeout=30s",
            "-cstatement_timeout=0",
            "--statement-timeout=1",
            "-c work_mem=8MB -c Statement_Timeout=1",
        ] {
            assert_eq!(
                check("options", options),
                Err(AddressError::OwnSetting("statement_timeout")),
                "{options}"
            );
        }
        assert_eq!(
            check("options", "-csynchronous_commit=OFF"),
            Err(AddressError::NotDurable)
        );
        for options in [
            "-csearch_path=hook",
            "-c work_mem=8MB",
            "-csynchronous_commit=remote_apply",
        ] {
            assert_eq!(check("options", options), Ok("options"), "{options}");
        }
    }

    #[test]
    fn the_last_search_path_counts() {
        assert_eq!(
            search_path("-c search_path=a --search-path=b,c -c work_mem=8MB"),
            Some("b,c")
        );
        assert_eq!(search_path("-c work_mem=8MB"), None);
        assert_eq!(search_path(r"-csearch_path=a,\ b"), None);
    }

    #[test]
    fn what_a_driver_would_leave_out_is_refused() {
        for (name, value) in [
            ("connect_timeout", "0"),
            ("connect_timeout", "60"),
            ("keepalives_idle", "0"),
            ("keepalives", "yes"),
            ("target_session_attrs", "any"),
            ("port", ""),
            ("hostaddr", "db"),
        ] {
            let refused = check(name, value);
            assert!(
                matches!(refused, Err(AddressError::Value { name: told, .. }) if told == name),
                "{name}={value}: {refused:?}"
            );
        }
        assert_eq!(check("connect_timeout", "5"), Ok("connect_timeout"));
        assert_eq!(check("schema", "hook"), Err(AddressError::Schema("schema")));
        assert_eq!(
            check("sslkey", "a"),
            Err(AddressError::UnknownParameter(Some("sslkey")))
        );
        let unknown = check("hunter2", "").unwrap_err();
        assert_eq!(unknown, AddressError::UnknownParameter(None));
        assert!(!unknown.to_string().contains("hunter2"));
    }
}
