//! The table of keys with their defaults, and their names as variables of the environment.

/// Prefix of every variable.
pub(super) const PREFIX: &str = "HOOKGATE_";

/// Every key, with its default. A key with `None` is required or optional, as `read` decides.
pub(super) const KEYS: [(&str, Option<&str>); 27] = [
    ("public_url", None),
    ("store.url", None),
    ("store.url_file", None),
    ("store.sealing_key_file", None),
    ("store.keep_days", Some("90")),
    ("store.keep_payload_days", Some("30")),
    ("store.keep_gib", Some("10")),
    ("gate.listen", Some("0.0.0.0:8443")),
    ("gate.certificate", None),
    ("gate.key", None),
    ("gate.plain_listen", None),
    ("gate.idle_seconds", Some("75")),
    ("gate.trusted_proxies", None),
    ("gate.forwarded", Some("none")),
    ("gate.proxy_protocol", Some("false")),
    ("console.listen", Some("127.0.0.1:8444")),
    ("console.public_url", None),
    ("console.certificate", None),
    ("console.key", None),
    ("console.trusted_proxies", None),
    ("console.forwarded", Some("none")),
    ("console.proxy_protocol", Some("false")),
    ("tls.min", Some("1.2")),
    ("addresses.refresh_hours", Some("6")),
    ("addresses.ca", None),
    ("addresses.private_targets", None),
    ("log.level", Some("info")),
];

/// The variable that sets a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// `true` if keys begin with this section.
pub(super) fn is_section(name: &str) -> bool {
    let mut sections = KEYS.iter().filter_map(|(key, _)| key.split_once('.'));
    sections.any(|(section, _)| section == name)
}

/// The error of an unknown key.
pub(super) fn unknown(key: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !key.chars().all(is_name) {
        return "a key is unknown, and no name: is a value on the left of its =?".to_owned();
    }
    match nearest(key, KEYS.iter().map(|(known, _)| *known)) {
        Some(nearest) => format!("{key}: unknown key; did you mean {nearest}?"),
        None => format!("{key}: unknown key"),
    }
}

/// The nearest known name: one of which `name` is a prefix or the reverse, else the one with the smallest edit distance.
pub(super) fn nearest<T: AsRef<str>>(name: &str, known: impl Iterator<Item = T>) -> Option<T> {
    known.min_by_key(|known| {
        let known = known.as_ref();
        let is_part = known.starts_with(name) || name.starts_with(known);
        (!is_part, strsim::damerau_levenshtein(known, name))
    })
}
