//! Requests that the transport refuses before their bodies are read.

use bytes::Bytes;
use hookgate_domain::{KnownUrl, RefusalCode, WebhookIdDigest};

use super::ReceiveContext;
use super::payload::Payload;
use crate::deliveries::memory_budget::Reservation;
use crate::deliveries::url_cache::CachedUrl;
use crate::{Body, BodyFault, DeliveryRequest, Gate, LogInterval, Store};

/// Log interval for webhooks that could not be flagged.
static NOT_FLAGGED: LogInterval = LogInterval::new();

impl<S: Store> Gate<S> {
    /// Refuses a request to a webhook URL for a reason that the transport found, and records it if the URL is known. A
    /// URL that was sent over plain HTTP is flagged as exposed.
    pub async fn refuse(&self, request: DeliveryRequest<'_>, code: RefusalCode) {
        let began = self.now();
        let Ok((digest, known)) = self.find(&request).await else {
            return;
        };
        if code == RefusalCode::HttpsRequired {
            self.expose(digest, &known).await;
        }
        ReceiveContext::new(self, request, began, known, Payload::<NoBody>::Nothing).record(&code.into());
    }

    /// Flags a live URL as exposed, unless it is known to be. One request at a time does, because each request of a
    /// flood would read the webhook.
    async fn expose(&self, digest: WebhookIdDigest, known: &CachedUrl) {
        let KnownUrl::Live(webhook) = &known.url else {
            return;
        };
        if webhook.live_url().is_ok_and(|url| url.exposed_at.is_some()) {
            return;
        }
        let Ok(_turn) = known.quota.exposing.try_acquire() else {
            return;
        };
        match self.mark_exposed(webhook.handle).await {
            Ok(()) => self.refresh(digest).await,
            Err(error) => {
                if let Some(left_out) = NOT_FLAGGED.line() {
                    tracing::warn!(webhook = %webhook.handle, %error, left_out, "could not flag the webhook as exposed");
                }
            }
        }
    }
}

/// The body of a request that is refused before its body is read.
struct NoBody;

impl Body for NoBody {
    async fn read(self, _limit: usize, _reservation: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        Ok(Bytes::new())
    }
}
