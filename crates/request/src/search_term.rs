//! A pasted or typed search text, by its form.

use hookgate_domain::networks::parse_entry;
use hookgate_domain::webhook_id::find_webhook_ids;
use hookgate_domain::{
    DeliveryId, IncidentNumber, IpNetwork, RequestId, WebhookHandle, WebhookId, WebhookIdHint,
};

/// Maximum length of a search text, in characters: names and titles are shorter.
const MAX_SEARCH_CHARACTERS: usize = 200;

/// A search text, by its form.
#[derive(Debug)]
pub enum SearchTerm {
    /// A webhook ID, alone or in a URL, in any spelling. It is a secret: the caller must not repeat it.
    WebhookId(WebhookId),
    /// `INC-42`.
    Incident(IncidentNumber),
    /// `dlv_…`.
    Delivery(DeliveryId),
    /// `req_…`, the `X-Request-Id` of an answer.
    Request(RequestId),
    /// `hk_…`.
    Webhook(WebhookHandle),
    /// An address or a network of sources.
    Source(IpNetwork),
    /// The first characters of a webhook ID, as lists show them.
    Hint(WebhookIdHint),
    /// Part of a name or a title.
    Text(String),
}

impl SearchTerm {
    /// Parses a text; `None` if it is empty. IDs are recognized in any case.
    ///
    /// ```
    /// use hookgate_request::SearchTerm;
    ///
    /// assert!(matches!(SearchTerm::parse(" inc-42 "), Some(SearchTerm::Incident(number)) if number.get() == 42));
    /// assert!(matches!(SearchTerm::parse("192.0.2.7"), Some(SearchTerm::Source(_))));
    /// assert!(matches!(SearchTerm::parse("disk full"), Some(SearchTerm::Text(_))));
    /// assert!(SearchTerm::parse("  ").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(id) = find_webhook_ids(text.as_bytes()).pop() {
            return Some(Self::WebhookId(id));
        }
        let text: String = text.trim().chars().take(MAX_SEARCH_CHARACTERS).collect();
        if text.is_empty() {
            return None;
        }
        if let Ok(number) = text.to_ascii_uppercase().parse() {
            return Some(Self::Incident(number));
        }
        let lower = text.to_ascii_lowercase();
        if let Ok(id) = lower.parse() {
            return Some(Self::Delivery(id));
        }
        if let Ok(id) = lower.parse() {
            return Some(Self::Request(id));
        }
        if let Ok(handle) = lower.parse() {
            return Some(Self::Webhook(handle));
        }
        if let Ok(network) = parse_entry(&text) {
            return Some(Self::Source(network));
        }
        // Lists show an ellipsis behind a hint, and people copy it too.
        if let Ok(hint) = text.trim_end_matches(['\u{2026}', '.']).parse() {
            return Some(Self::Hint(hint));
        }
        Some(Self::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        let form = |text: &str| match SearchTerm::parse(text) {
            Some(SearchTerm::WebhookId(_)) => "webhook ID",
            Some(SearchTerm::Incident(_)) => "incident",
            Some(SearchTerm::Delivery(_)) => "delivery",
            Some(SearchTerm::Request(_)) => "request",
            Some(SearchTerm::Webhook(_)) => "webhook",
            Some(SearchTerm::Source(_)) => "source",
            Some(SearchTerm::Hint(_)) => "hint",
            Some(SearchTerm::Text(_)) => "text",
            None => "nothing",
        };
        let id = WebhookId::generate(|buffer| {
            buffer.fill(9);
            Ok::<(), std::convert::Infallible>(())
        })
        .unwrap_or_else(|never| match never {});
        let hint = id.hint().to_string();
        for (text, expected) in [
            (
                format!("https://h.example/webhooks/custom/{}?x=1", id.reveal()),
                "webhook ID",
            ),
            (
                format!("curl {}", id.reveal().replace("wh_", "wh%5F")),
                "webhook ID",
            ),
            (hint.clone(), "hint"),
            (format!("{hint}\u{2026}"), "hint"),
            ("Inc-7".into(), "incident"),
            ("REQ_01hf7yat000000nf6g00000007".into(), "request"),
            ("2001:db8::/32".into(), "source"),
            ("192.0.2.0 ".into(), "source"),
            ("10.0.0.1/8".into(), "text"),
            ("wh_".into(), "text"),
            ("x".repeat(5_000), "text"),
            ("\t".into(), "nothing"),
        ] {
            assert_eq!(form(&text), expected, "{text}");
        }
    }
}
