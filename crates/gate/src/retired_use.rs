//! What still comes to URLs that are dead: those of a revoked webhook, and the old ones of a regenerated webhook. It says which
//! senders nobody has told yet.

use hookgate_domain::{RefusalCode, Timestamp, Webhook, WebhookState};

use crate::history::{DeliveryFilter, PageSize, Seek};
use crate::{Gate, Outcome, Store, StoreError};

/// Pages of records that are added up. Refusals of a source and minute are folded, so they stand for many more deliveries.
const MAX_PAGES: usize = 5;

/// What came since a URL died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetiredUse {
    /// When the webhook was revoked, or its present URL was issued.
    pub since: Timestamp,
    /// How many deliveries were accepted since then, of a revoked webhook: none, unless one was on its way.
    pub accepted: u64,
    /// How many were refused since then; of a webhook that lives, only those to its old URLs.
    pub refused: u64,
    /// When the last of them came, if any did.
    pub last: Option<Timestamp>,
    /// Whether that is all; otherwise there are more than these.
    pub complete: bool,
}

impl<S: Store> Gate<S> {
    /// What came to the URLs of a webhook since they died, as far as history is kept; `None` if all of them live.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
    pub async fn retired_use(&self, webhook: &Webhook) -> Result<Option<RetiredUse>, StoreError> {
        let (since, code) = match &webhook.state {
            WebhookState::Revoked { at, .. } => (*at, None),
            WebhookState::Active(url) if url.issued_at > webhook.created_at => {
                (url.issued_at, Some(RefusalCode::WebhookRevoked))
            }
            WebhookState::Active(_) => return Ok(None),
        };
        let filter = DeliveryFilter {
            webhook: Some(webhook.handle),
            from: Some(since),
            code,
            ..DeliveryFilter::default()
        };
        let mut seen = RetiredUse {
            since,
            accepted: 0,
            refused: 0,
            last: None,
            complete: false,
        };
        let mut place = Seek::Newest;
        for _ in 0..MAX_PAGES {
            let page = self.store.delivery_page(&filter, place, PageSize::MAX).await?;
            for record in &page.items {
                let count = u64::try_from(record.count).unwrap_or(0);
                let sum = match record.answer.outcome() {
                    Outcome::Accepted => &mut seen.accepted,
                    Outcome::Refused => &mut seen.refused,
                };
                *sum = sum.saturating_add(count);
                seen.last = seen.last.max(Some(record.received_at));
            }
            let Some(next) = page.next else {
                seen.complete = true;
                break;
            };
            place = Seek::Before(next);
        }
        Ok(Some(seen))
    }
}
