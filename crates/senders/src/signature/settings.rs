//! The text form of a verifier: the scheme, and then its settings.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::algorithm::Algorithm;
use super::credential::CredentialRule;
use super::encoding::Encoding;
use super::header_name::HeaderName;
use super::presets::TOLERANCE;
use super::rule::{SignatureRule, TimestampPlace};
use super::scheme::SignatureScheme;
use super::template::{Part, Template};
use super::verifier::{Check, Verifier};

/// Maximum length of a prefix.
const MAX_PREFIX: usize = 64;
/// Maximum tolerance. A replay is possible for so long.
const MAX_TOLERANCE: Duration = Duration::from_hours(1);

/// The settings of HMAC, in the order of the text form.
const HMAC_SETTINGS: &[&str] = &[
    "header",
    "prefix",
    "encoding",
    "algorithm",
    "separator",
    "timestamp",
    "signed",
    "tolerance",
    "id",
];

/// The error of a text that is no scheme with settings. It never quotes the text, which may hold a secret by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VerifierError {
    /// The first word is no scheme.
    #[error("not a signature scheme; known: {}", Names(SignatureScheme::ALL))]
    UnknownScheme,
    /// The scheme has no such setting, or a word has no `=`.
    #[error("not a setting of this scheme; it has: {}", Names(.0))]
    UnknownSetting(&'static [&'static str]),
    /// A setting is there twice.
    #[error("the setting `{0}` is there twice")]
    Duplicate(&'static str),
    /// The value of a setting breaks its rule.
    #[error("the setting `{name}` must be {rule}")]
    Value {
        /// The setting.
        name: &'static str,
        /// The rule.
        rule: &'static str,
    },
}

impl FromStr for Verifier {
    type Err = VerifierError;

    fn from_str(text: &str) -> Result<Self, VerifierError> {
        let mut words = text.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        let scheme = SignatureScheme::ALL.iter().find(|scheme| scheme.as_str() == name);
        let scheme = *scheme.ok_or(VerifierError::UnknownScheme)?;
        let mut verifier = Self::from(scheme);
        match (scheme, &mut verifier.check) {
            (SignatureScheme::Hmac, Check::Signature(rules)) => {
                let settings = Settings::read(words, HMAC_SETTINGS)?;
                for rule in rules.to_mut() {
                    hmac(rule, &settings)?;
                }
            }
            (SignatureScheme::Grafana, Check::Signature(rules)) => {
                grafana(rules, &Settings::read(words, &["header", "timestamp"])?)?;
            }
            (SignatureScheme::Token, Check::Credential(rule)) => {
                if let Some(header) = Settings::read(words, &["header"])?.header("header")? {
                    *rule = CredentialRule::Header(header);
                }
            }
            _ => {
                Settings::read(words, &[])?;
            }
        }
        Ok(verifier)
    }
}

/// Applies the settings of HMAC.
fn hmac(rule: &mut SignatureRule, settings: &Settings<'_>) -> Result<(), VerifierError> {
    if let Some(header) = settings.header("header")? {
        rule.header = header;
    }
    if let Some(prefix) = settings.get("prefix") {
        let is_visible = prefix.len() <= MAX_PREFIX && prefix.bytes().all(|byte| byte.is_ascii_graphic());
        check(is_visible, "prefix", "at most 64 visible ASCII characters")?;
        rule.prefix = prefix.to_owned().into();
    }
    rule.encoding = match settings.get("encoding") {
        None | Some("hex") => Encoding::Hex,
        Some("base64") => Encoding::Base64,
        Some(_) => return fault("encoding", "`hex` or `base64`"),
    };
    rule.algorithm = match settings.get("algorithm") {
        None | Some("sha256") => Algorithm::HmacSha256,
        Some("sha512") => Algorithm::HmacSha512,
        Some(_) => return fault("algorithm", "`sha256` or `sha512`"),
    };
    rule.separator = match settings.get("separator") {
        None => None,
        Some("comma") => Some(b','),
        Some("space") => Some(b' '),
        Some(_) => return fault("separator", "`comma` or `space`"),
    };
    if let Some(header) = settings.header("timestamp")? {
        rule.timestamp = TimestampPlace::Header(header);
        rule.signed = Template::known(DATED_BODY);
    }
    if let Some(template) = settings.get("signed") {
        const RULE: &str =
            "`{body}` with `{timestamp}` and `{id}`, each once at most and with text between them";
        rule.signed = Template::read(template).ok_or(VerifierError::Value {
            name: "signed",
            rule: RULE,
        })?;
    }
    if let Some(seconds) = settings.get("tolerance") {
        let tolerance = seconds.parse().ok().map(Duration::from_secs);
        let tolerance = tolerance.filter(|tolerance| !tolerance.is_zero() && *tolerance <= MAX_TOLERANCE);
        rule.tolerance = tolerance.ok_or(VerifierError::Value {
            name: "tolerance",
            rule: "1 to 3600 seconds",
        })?;
    }
    rule.id = settings.header("id")?;
    let is_split = |byte| Some(byte) == rule.separator;
    check(
        !rule.prefix.bytes().any(is_split),
        "prefix",
        "a text without the separator",
    )?;
    // A timestamp that is not signed proves nothing.
    check(
        is_dated(rule) == rule.signed.has(Part::Timestamp),
        "timestamp",
        "a header, and `signed` must have `{timestamp}`",
    )?;
    check(
        rule.id.is_some() || !rule.signs_id(),
        "id",
        "a header if `signed` has `{id}`",
    )
}

fn is_dated(rule: &SignatureRule) -> bool {
    rule.timestamp != TimestampPlace::Nowhere
}

/// The signed text by default.
const BODY: &str = "{body}";
/// The signed text by default if there is a timestamp.
const DATED_BODY: &str = "{timestamp}.{body}";
/// The signed text of Grafana if it sends a timestamp.
const GRAFANA_DATED_BODY: &str = "{timestamp}:{body}";

/// Applies the names of headers that Grafana is told to send.
fn grafana(rules: &mut Cow<'static, [SignatureRule]>, settings: &Settings<'_>) -> Result<(), VerifierError> {
    if let Some(timestamp) = settings.header("timestamp")? {
        for rule in rules.to_mut() {
            rule.timestamp = TimestampPlace::Header(timestamp.clone());
            rule.signed = Template::known(GRAFANA_DATED_BODY);
        }
    }
    if let Some(header) = settings.header("header")? {
        let rules = rules.to_mut();
        rules.truncate(1);
        for rule in rules {
            rule.header = header.clone();
        }
    }
    Ok(())
}

/// Settings in text form.
struct Settings<'t>(Vec<(&'static str, &'t str)>);

impl<'t> Settings<'t> {
    fn read(
        words: impl Iterator<Item = &'t str>,
        known: &'static [&'static str],
    ) -> Result<Self, VerifierError> {
        let mut settings = Self(Vec::new());
        for word in words {
            let pair = word.split_once('=');
            let setting =
                pair.and_then(|(name, value)| Some((*known.iter().find(|one| **one == name)?, value)));
            let (name, value) = setting.ok_or(VerifierError::UnknownSetting(known))?;
            if settings.get(name).is_some() {
                return Err(VerifierError::Duplicate(name));
            }
            settings.0.push((name, value));
        }
        Ok(settings)
    }

    fn get(&self, name: &str) -> Option<&'t str> {
        let setting = self.0.iter().find(|(one, _)| *one == name);
        setting.map(|(_, value)| *value)
    }

    fn header(&self, name: &'static str) -> Result<Option<HeaderName>, VerifierError> {
        const RULE: &str = "the name of a header: at most 64 letters, digits, `-` and `_`";
        let read = |value| HeaderName::read(value).ok_or(VerifierError::Value { name, rule: RULE });
        self.get(name).map(read).transpose()
    }
}

fn fault(name: &'static str, rule: &'static str) -> Result<(), VerifierError> {
    Err(VerifierError::Value { name, rule })
}

fn check(is_right: bool, name: &'static str, rule: &'static str) -> Result<(), VerifierError> {
    if is_right { Ok(()) } else { fault(name, rule) }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scheme.fmt(f)?;
        match (self.scheme, &self.check) {
            (SignatureScheme::Hmac, Check::Signature(rules)) => {
                rules.iter().try_for_each(|rule| write_hmac(rule, f))
            }
            (SignatureScheme::Grafana, Check::Signature(rules)) => {
                if let [rule] = &**rules {
                    write!(f, " header={}", rule.header.as_str())?;
                }
                rules.first().map_or(Ok(()), |rule| write_timestamp(rule, f))
            }
            (SignatureScheme::Token, Check::Credential(CredentialRule::Header(header))) => {
                write!(f, " header={}", header.as_str())
            }
            _ => Ok(()),
        }
    }
}

/// Writes the settings of HMAC that are not the default.
fn write_hmac(rule: &SignatureRule, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, " header={}", rule.header.as_str())?;
    if !rule.prefix.is_empty() {
        write!(f, " prefix={}", rule.prefix)?;
    }
    if rule.encoding == Encoding::Base64 {
        f.write_str(" encoding=base64")?;
    }
    if rule.algorithm == Algorithm::HmacSha512 {
        f.write_str(" algorithm=sha512")?;
    }
    match rule.separator {
        Some(b',') => f.write_str(" separator=comma")?,
        Some(_) => f.write_str(" separator=space")?,
        None => {}
    }
    write_timestamp(rule, f)?;
    let default = if is_dated(rule) { DATED_BODY } else { BODY };
    if rule.signed.as_str() != default {
        write!(f, " signed={}", rule.signed.as_str())?;
    }
    if rule.tolerance != TOLERANCE {
        write!(f, " tolerance={}", rule.tolerance.as_secs())?;
    }
    match &rule.id {
        Some(id) => write!(f, " id={}", id.as_str()),
        None => Ok(()),
    }
}

fn write_timestamp(rule: &SignatureRule, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &rule.timestamp {
        TimestampPlace::Header(timestamp) => write!(f, " timestamp={}", timestamp.as_str()),
        _ => Ok(()),
    }
}

/// Names in a list, separated by commas.
struct Names<'n, T>(&'n [T]);

impl<T: fmt::Display> fmt::Display for Names<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (position, name) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }
}
