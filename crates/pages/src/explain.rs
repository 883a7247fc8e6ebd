//! Explains a refusal, and its remedy, to the person who manages the webhook. The domain has the sentence for the sender.

use hookgate_domain::RefusalCode;

use crate::text::UserText;
use crate::when;

/// The explanation of one refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The reason of the refusal, in one sentence.
    pub why: &'static str,
    /// The remedy.
    pub remedy: &'static str,
    /// The page of the webhook for the remedy, if there is one.
    pub place: Option<RemedyPage>,
}

/// The page of a webhook for a remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemedyPage {
    /// Its settings.
    Edit,
    /// The page that regenerates its URL.
    Regenerate,
}

/// Explains a refusal.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a table: one row for each code")]
pub const fn explain(code: RefusalCode) -> Explanation {
    let (why, remedy, place) = match code {
        RefusalCode::WebhookRevoked => (
            "The URL no longer works: the webhook was revoked, or its URL was regenerated.",
            "Give the sender the current URL, or a new webhook if this one was revoked. If you don't recognise the sender, someone has the old URL. Leave it revoked.",
            None,
        ),
        RefusalCode::WebhookNotFound => (
            "The request contains this webhook's ID, but the URL is wrong: it has another format, or extra characters before, after or inside it.",
            "Copy the whole URL into the sender again, without line breaks, spaces or punctuation around it. A proxy in front must not change the path.",
            None,
        ),
        RefusalCode::IpNotAllowed => (
            "The source address is not in the webhook's allowlist.",
            "If you recognise this sender, add its address to the allowlist. If you don't, someone else has the URL: regenerate it. If the address belongs to your proxy, add it to gate.trusted_proxies instead.",
            Some(RemedyPage::Edit),
        ),
        RefusalCode::SourceUnknown => (
            "It came through a trusted proxy that did not send a valid client address.",
            "Check the header that the proxy sends: one header, with an address that the proxy adds itself. If it is a sender and not a proxy, remove it from gate.trusted_proxies. See the proxies page of the documentation for examples.",
            None,
        ),
        RefusalCode::HttpsRequired => (
            "It came over plain HTTP: the URL was visible to anyone on the network path.",
            "Change http:// to https:// in the sender, then regenerate the URL, since others may have read it.",
            Some(RemedyPage::Regenerate),
        ),
        RefusalCode::MethodNotAllowed => (
            "It was not a POST.",
            "Set the sender to POST. A GET usually comes from a browser or a link preview: was the URL pasted into a chat?",
            None,
        ),
        RefusalCode::SignatureRequired => (
            "This webhook accepts only signed deliveries, and this one had no signature.",
            "Set the signing secret in the sender, or create a webhook without signatures if it can't sign.",
            None,
        ),
        RefusalCode::SignatureInvalid => (
            "The signature doesn't match the body.",
            "Check that the sender has this webhook's signing secret, and that no proxy changes the body on the way.",
            None,
        ),
        RefusalCode::SignatureExpired => (
            "The signature's timestamp is more than 5 minutes from now.",
            "Set the sender's clock (NTP). A replayed delivery looks the same and is refused on purpose.",
            None,
        ),
        RefusalCode::PayloadTooLarge => (
            "The payload is larger than this webhook accepts.",
            "Send smaller payloads, or raise the webhook's limit.",
            Some(RemedyPage::Edit),
        ),
        RefusalCode::UnsupportedMediaType => (
            "The payload is not JSON, or it is compressed.",
            "Set the sender to send uncompressed JSON.",
            None,
        ),
        RefusalCode::InvalidJson => (
            "The payload is not valid JSON. The problem is shown below.",
            "Check the payload there. Usually a quote or line break in a template was not escaped, or the text is not UTF-8.",
            None,
        ),
        RefusalCode::ValidationError => (
            "The payload has no title, or its title or dedup key is an array or an object.",
            "Correct the named fields in the sender's template. Everything else in a payload is repaired and noted.",
            None,
        ),
        RefusalCode::IdempotencyConflict => (
            "Its idempotency key was used before with a different payload.",
            "The sender must create a new key for every event, and reuse a key only for retries.",
            None,
        ),
        RefusalCode::RateLimited => (
            "The rate limit of this webhook was exceeded.",
            "Group alerts in the sender, or raise the webhook's limit. For senders that retry only 5xx, set the response above the limit to 503.",
            Some(RemedyPage::Edit),
        ),
        RefusalCode::BadRequest => (
            "The HTTP request was malformed or ambiguous, so it was rejected.",
            "Check for an old or custom HTTP client, or a proxy that rewrites headers.",
            None,
        ),
        RefusalCode::HeadersTooLarge => (
            "The request had more than 64 headers, or more than 16 KiB of headers.",
            "Check for a proxy or client that adds cookies or trace headers, and remove them there.",
            None,
        ),
        RefusalCode::RequestTimeout => (
            "The request was not received in time.",
            "Check the network between the sender and Hookgate. The sender should retry.",
            None,
        ),
        RefusalCode::Unavailable => (
            "Hookgate could not accept it: it was starting, stopping or overloaded, or it dropped a request with an unfinished body to free memory.",
            "Nothing is lost if the sender retries. If this continues, check /readyz and the free disk space.",
            None,
        ),
        RefusalCode::Internal => (
            "An internal error in Hookgate.",
            "Search the server's log for the request ID below, and report the error.",
            None,
        ),
        RefusalCode::ClientGone => (
            "The sender closed the connection before the response.",
            "Check the sender's timeout, and the network or a proxy in between. Nothing was accepted; the sender will probably retry.",
            None,
        ),
    };
    Explanation { why, remedy, place }
}

/// The exact fault of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadFault {
    /// A field.
    Field {
        /// Name of the field.
        field: String,
        /// The rule that the field breaks, as answers name it.
        rule: String,
        /// The limit or the choices of the rule.
        limit: Option<String>,
        /// Value of the field, for members who may see payloads.
        value: Option<UserText>,
    },
    /// The JSON text, at a position.
    Json {
        /// The problem, as answers name it.
        problem: String,
        /// The line, from 1.
        line: u64,
        /// The byte in the line, from 1.
        column: u64,
    },
    /// More deliveries in a minute than this limit.
    PerMinute(u64),
    /// Too many deliveries of its source to this webhook were refused.
    FailuresOfSource,
    /// More bytes than this limit.
    Bytes(u64),
}

impl PayloadFault {
    /// The fault in a sentence.
    #[must_use]
    pub fn sentence(&self) -> UserText {
        match self {
            Self::Field {
                field,
                rule,
                limit,
                value,
            } => field_sentence(field, rule, limit.as_deref(), value.as_ref()),
            Self::Json {
                problem,
                line,
                column,
            } => {
                format!("{}, at line {line}, column {column}.", json_problem(problem))
            }
            Self::PerMinute(count) => {
                format!("The limit is {} per minute.", when::count(*count, "delivery"))
            }
            Self::FailuresOfSource => {
                "Too many deliveries from this source to this webhook were refused, so they are now checked one at a time.".to_owned()
            }
            Self::Bytes(bytes) => format!("The limit is {}.", when::bytes(*bytes)),
        }
        .into()
    }

    /// A remedy for this fault, if there is a better one than that of its code.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        let Self::Field { field, rule, .. } = self else {
            return None;
        };
        Some(match (field.as_str(), rule.as_str()) {
            ("title", _) => "Map the sender's message or alert name to title, 1 to 500 characters.",
            ("payload", _) => "Send one JSON object for each delivery, with at least a title.",
            ("severity" | "status", "one_of") => {
                "Map the sender's own values to the accepted ones in its template."
            }
            ("metadata", _) => {
                "Send a flat object. Its values must be strings, numbers or booleans, not arrays or objects."
            }
            ("Idempotency-Key", _) => "Send a key of visible ASCII characters, or none.",
            _ => return None,
        })
    }
}

fn field_sentence(field: &str, rule: &str, limit: Option<&str>, value: Option<&UserText>) -> String {
    if rule == "required" {
        return format!("{field} is missing or empty.");
    }
    let Some(limit) = limit else {
        return format!("{field} breaks the rule {rule}.");
    };
    let article = if limit.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    match (rule, value) {
        ("type", _) if limit.starts_with(|first: char| first.is_ascii_digit()) => {
            format!("{field} must have {limit}.")
        }
        ("type", _) => format!("{field} must be {article} {limit}."),
        ("max_length", _) => format!("{field} is longer than {limit} characters."),
        ("max_items", _) => format!("{field} has more than {limit} keys."),
        ("one_of", Some(value)) => format!("{field} is “{}”; accepted are {limit}.", value.raw()),
        ("one_of", None) => format!("{field} must be one of {limit}."),
        ("http_url", _) => format!("{field} must be a URL that begins with {limit}."),
        _ => format!("{field}: {}, {limit}", rule.replace('_', " ")),
    }
}

fn json_problem(problem: &str) -> String {
    match problem {
        "empty" => "The body is empty".to_owned(),
        "truncated" => "The JSON is truncated".to_owned(),
        "not_utf8" => "The text is not UTF-8".to_owned(),
        "syntax" => "Invalid JSON syntax".to_owned(),
        "too_deep" => "The JSON is nested more than 64 levels deep".to_owned(),
        "duplicate_key" => "A key is duplicated".to_owned(),
        other => other.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_words() {
        let mut seen = std::collections::BTreeSet::new();
        for code in RefusalCode::ALL {
            let words = explain(*code);
            assert!(
                words.why.ends_with('.') && words.remedy.ends_with(['.', '?']),
                "{code}"
            );
            assert!(seen.insert(words.why), "{code} says what another says");
        }
        assert_eq!(seen.len(), 21);
    }
}
