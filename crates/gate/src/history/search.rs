//! Search: from a pasted or typed text to the objects that it names.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookgate_domain::networks::parse_entry;
use hookgate_domain::webhook_id::find_webhook_ids;
use hookgate_domain::{
    DeliveryId, Incident, IncidentNumber, IpNetwork, RequestId, Timestamp, Webhook, WebhookHandle, WebhookId,
    WebhookIdHint,
};
use thiserror::Error;

use crate::{ActorContext, Gate, PageSize, Store, StoreError, WebhookLabel};

/// Maximum length of a search text, in characters: names and titles are shorter.
pub const MAX_SEARCH_CHARACTERS: usize = 200;
/// Maximum number of matches of a kind. A user who sees this many types another word.
pub const MAX_SEARCH_MATCHES: usize = 20;
/// Maximum number of webhooks, and of incidents, that one search compares: a bound on the work, newest incidents first.
const MAX_COMPARED: usize = 10_000;
/// Maximum time of a search. A store that is slower needs relief; the matches until then are shown.
const MAX_SEARCH_TIME: Duration = Duration::from_secs(2);

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
    /// use hookgate_gate::SearchTerm;
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

/// Webhooks and incidents that match a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchMatches {
    /// Webhooks by their names or hints, at most [`MAX_SEARCH_MATCHES`].
    pub webhooks: Vec<Webhook>,
    /// Incidents by their titles, newest first, at most [`MAX_SEARCH_MATCHES`].
    pub incidents: Vec<Incident>,
    /// `true` if there may be more, because a bound was reached.
    pub incomplete: bool,
}

/// Errors of a search.
#[derive(Debug, Error)]
pub enum SearchError {
    /// The same actor has another search running.
    #[error("another search of yours is running")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The actors with a running search: each may have one at a time.
#[derive(Default)]
pub(crate) struct Searches(Mutex<HashSet<String>>);

/// A running search.
struct Running<'a> {
    searches: &'a Searches,
    actor: String,
}

impl Searches {
    fn begin(&self, actor: String) -> Result<Running<'_>, SearchError> {
        if self.lock().insert(actor.clone()) {
            Ok(Running {
                searches: self,
                actor,
            })
        } else {
            Err(SearchError::Busy)
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.searches.lock().remove(&self.actor);
    }
}

impl<S: Store> Gate<S> {
    /// The webhooks whose names, and the incidents whose titles contain this text, in any case.
    ///
    /// # Errors
    /// [`SearchError`].
    pub async fn search_text(&self, actor: &ActorContext, text: &str) -> Result<SearchMatches, SearchError> {
        let _running = self.search_begin(actor)?;
        let began = self.now();
        let wanted = text.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&wanted);
        let mut matches = self
            .webhooks_matching(began, |label| holds(label.name.as_str()))
            .await?;
        let mut before = None;
        for _ in 0..MAX_COMPARED / usize::from(PageSize::MAX.rows()) {
            let titles = self.store.incident_titles(before, PageSize::MAX).await?;
            before = titles.last().map(|title| title.number);
            let is_last = titles.len() < usize::from(PageSize::MAX.rows());
            for found in titles.iter().filter(|found| holds(&found.title)) {
                matches
                    .incidents
                    .extend(self.store.incident_by_number(found.number).await?);
                if matches.incidents.len() == MAX_SEARCH_MATCHES {
                    matches.incomplete = true;
                    return Ok(matches);
                }
            }
            if is_last {
                return Ok(matches);
            }
            if self.is_late(began) {
                break;
            }
        }
        matches.incomplete = true;
        Ok(matches)
    }

    /// The webhooks whose present URL has this hint.
    ///
    /// # Errors
    /// [`SearchError`].
    pub async fn search_hint(
        &self,
        actor: &ActorContext,
        hint: WebhookIdHint,
    ) -> Result<SearchMatches, SearchError> {
        let _running = self.search_begin(actor)?;
        self.webhooks_matching(self.now(), |label| label.hint == hint)
            .await
    }

    /// Begins a search of an actor, who may have one at a time.
    fn search_begin(&self, actor: &ActorContext) -> Result<Running<'_>, SearchError> {
        let identity = &actor.identity;
        self.searches
            .begin(identity.id().unwrap_or_else(|| identity.kind().to_owned()))
    }

    fn is_late(&self, began: Timestamp) -> bool {
        self.now().since(began) >= MAX_SEARCH_TIME
    }

    async fn webhooks_matching(
        &self,
        began: Timestamp,
        matching: impl Fn(&WebhookLabel) -> bool + Send,
    ) -> Result<SearchMatches, SearchError> {
        let mut matches = SearchMatches::default();
        let mut after = None;
        for _ in 0..MAX_COMPARED / usize::from(PageSize::MAX.rows()) {
            let labels = self.store.webhook_labels(after, PageSize::MAX).await?;
            let is_last = labels.len() < usize::from(PageSize::MAX.rows());
            after = labels.last().map(|label| label.handle);
            for label in labels.iter().filter(|label| matching(label)) {
                matches
                    .webhooks
                    .extend(self.store.webhook_by_handle(label.handle).await?);
                if matches.webhooks.len() == MAX_SEARCH_MATCHES {
                    matches.incomplete = true;
                    return Ok(matches);
                }
            }
            if is_last {
                return Ok(matches);
            }
            if self.is_late(began) {
                break;
            }
        }
        matches.incomplete = true;
        Ok(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_searches_once_at_a_time() {
        let searches = Searches::default();
        let begin = |actor: &str| searches.begin(actor.to_owned());
        let first = begin("ada");
        assert!(first.is_ok());
        assert!(matches!(begin("ada"), Err(SearchError::Busy)));
        assert!(begin("bob").is_ok());
        drop(first);
        assert!(begin("ada").is_ok());
    }

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
