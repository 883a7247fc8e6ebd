//! Deliveries to retired URLs: those of a revoked webhook, and the old ones of a regenerated webhook. They show senders
//! that still use an old URL.

use hookgate_domain::{RefusalCode, Timestamp, Webhook, WebhookState};

use crate::{DeliveryFilter, Gate, Outcome, PageSize, Seek, Store, StoreError};

/// Maximum number of pages of records that are added up. Refusals of a source and minute are folded, so they stand for
/// many more deliveries.
const MAX_PAGES: usize = 5;

/// The deliveries since a URL was retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetiredUse {
    /// Time at which the webhook was revoked, or its present URL was issued.
    pub since: Timestamp,
    /// Number of deliveries accepted since then. Only deliveries to a revoked webhook are counted here: none, unless
    /// one was on its way.
    pub accepted: u64,
    /// Number of deliveries refused since then; of a live webhook, only those to its old URLs.
    pub refused: u64,
    /// Time of the last of them, if there are any.
    pub last: Option<Timestamp>,
    /// `true` if all deliveries were counted; otherwise there are more than these.
    pub complete: bool,
}

impl<S: Store> Gate<S> {
    /// The deliveries to the retired URLs of a webhook since they were retired, as far as the history is kept; `None`
    /// if all its URLs live.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
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
