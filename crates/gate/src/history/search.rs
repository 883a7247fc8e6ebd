//! Search for webhooks and incidents by a part of their names and titles.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookgate_domain::{Incident, Timestamp, Webhook, WebhookIdHint};
use thiserror::Error;

use crate::{ActorContext, Gate, PageSize, Store, StoreError, WebhookLabel};

/// Maximum number of matches of a kind. A user who sees this many types another word.
pub const MAX_SEARCH_MATCHES: usize = 20;
/// Maximum number of webhooks, and of incidents, that one search compares: a bound on the work, newest incidents first.
const MAX_COMPARED: usize = 10_000;
/// Maximum time of a search. A store that is slower needs relief; the matches until then are shown.
const MAX_SEARCH_TIME: Duration = Duration::from_secs(2);

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

impl SearchMatches {
    /// The matches until a bound was reached.
    fn cut(self) -> Self {
        Self {
            incomplete: true,
            ..self
        }
    }
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
                let incident = self.store.incident_by_number(found.number).await?;
                matches.incidents.extend(incident);
                if matches.incidents.len() == MAX_SEARCH_MATCHES {
                    return Ok(matches.cut());
                }
            }
            if is_last {
                return Ok(matches);
            }
            if self.is_late(began) {
                break;
            }
        }
        Ok(matches.cut())
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
                let webhook = self.store.webhook_by_handle(label.handle).await?;
                matches.webhooks.extend(webhook);
                if matches.webhooks.len() == MAX_SEARCH_MATCHES {
                    return Ok(matches.cut());
                }
            }
            if is_last {
                return Ok(matches);
            }
            if self.is_late(began) {
                break;
            }
        }
        Ok(matches.cut())
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
}
