//! Receiving a delivery: from a request to an incident on disk, or to a recorded refusal.
//!
//! [`Gate::receive`] has the steps in their order.

mod answer;
mod payload;
mod record;
mod refuse;
mod sender_key;

use std::sync::Arc;

use hookgate_domain::{
    Attempt, Denial, KnownUrl, RefusalCode, SenderFormat, Timestamp, Webhook, WebhookIdDigest, judge,
};
use hookgate_senders::{SignatureScheme, Verifier};

use super::delivery::{AcceptedDelivery, RateScope};
use super::memory_budget::Reservation;
use super::url_cache::CachedUrl;
use crate::{
    Accepted, Body, Commit, DeliveryRequest, Gate, LogInterval, Refusal, Reply, SealPurpose, Store,
    StoreError,
};
use answer::{FULL_RETRY_AFTER, Rejection, explain, reply, too_many, unavailable};
use payload::{Payload, hidden, recorded_payload};
use record::RecordOnDrop;
use sender_key::{sender_key, with_payload};

/// Log interval for signatures that could not be checked.
static NOT_CHECKED: LogInterval = LogInterval::new();

/// Maximum number of times that a delivery is judged because its webhook has changed. Nobody edits faster for long.
const MAX_JUDGEMENTS: usize = 5;

impl<S: Store> Gate<S> {
    /// Receives a delivery. [`Reply::Accepted`] means that the delivery and its incident are on disk, under the policy
    /// at the time of the commit. A refusal of a known webhook is recorded soon, even if the sender disconnects.
    pub async fn receive(&self, request: DeliveryRequest<'_>, body: impl Body) -> Reply {
        let began = self.now();
        let (digest, known) = match self.find(&request).await {
            Ok(found) => found,
            Err(rejection) => return reply(rejection),
        };
        let mut context = ReceiveContext::new(self, request, began, known, Payload::Unread(body));
        for _ in 0..MAX_JUDGEMENTS {
            let rejection = match context.pass().await {
                Ok(accepted) => return Reply::Accepted(accepted),
                // A failure of ours is no refusal, and is not recorded as one.
                Err(failed @ Rejection::Failed(_)) => return reply(failed),
                Err(rejection) => rejection,
            };
            let unanswered = RecordOnDrop::new(&mut context);
            match unanswered.context.confirm(digest, &rejection).await {
                Ok(Some(changed)) => {
                    unanswered.discard();
                    context.known = changed;
                }
                Ok(None) => {
                    unanswered.record(&rejection);
                    return reply(rejection);
                }
                Err(failed) => {
                    unanswered.discard();
                    return reply(failed);
                }
            }
        }
        reply(Rejection::Refused(unavailable()))
    }

    /// Looks up the URL of the ID in the path. A malformed ID costs no look-up.
    async fn find(
        &self,
        request: &DeliveryRequest<'_>,
    ) -> Result<(WebhookIdDigest, Arc<CachedUrl>), Rejection> {
        let not_found = || Rejection::Refused(RefusalCode::WebhookNotFound.into());
        let digest = WebhookIdDigest::of_id(request.webhook_id).map_err(|_| not_found())?;
        if let Some(known) = self.url_cache.remembered(&digest) {
            return Ok((digest, known));
        }
        let source = request.source.address();
        let too_soon = self.unknown_urls.count(source, self.now());
        let refusal = || {
            too_soon.map_or_else(not_found, |wait| {
                Rejection::Refused(too_many(RateScope::Source, wait, None))
            })
        };
        let _permit = match too_soon {
            Some(_) => Some(self.unknown_urls.lookup_permit().ok_or_else(refusal)?),
            None => None,
        };
        // A read of the store is rare, and its future is large: on the heap, it does not enlarge the future of every
        // delivery.
        let known = Box::pin(self.url_cache.find(&self.store, digest)).await;
        if too_soon.is_none() && !matches!(known, Ok(None)) {
            self.unknown_urls.give_back(source);
        }
        let known = known.map_err(Rejection::Failed)?;
        known.map(|known| (digest, known)).ok_or_else(refusal)
    }
}

/// A delivery on its way to a known URL.
struct ReceiveContext<'a, S: Store, B: Body> {
    gate: &'a Gate<S>,
    request: DeliveryRequest<'a>,
    began: Timestamp,
    known: Arc<CachedUrl>,
    payload: Payload<B>,
    /// The memory of its head and body.
    reservation: Reservation<'a>,
    /// `true` if the signature is valid, or the webhook asks for none.
    is_signed: bool,
}

impl<'a, S: Store, B: Body> ReceiveContext<'a, S, B> {
    fn new(
        gate: &'a Gate<S>,
        request: DeliveryRequest<'a>,
        began: Timestamp,
        known: Arc<CachedUrl>,
        payload: Payload<B>,
    ) -> Self {
        let (quota, source) = (Arc::clone(&known.quota), request.source.address());
        Self {
            gate,
            began,
            payload,
            reservation: Reservation::empty(&gate.memory_budget, quota, source),
            request,
            known,
            is_signed: false,
        }
    }

    /// Checks the delivery and commits it. A sender that disconnects during the checks is recorded. The commit and its
    /// record go on without the sender.
    async fn pass(&mut self) -> Result<Accepted, Rejection> {
        let unanswered = RecordOnDrop::new(self);
        let checked = unanswered.context.check().await;
        unanswered.discard();
        let committed = self.gate.store.delivery_commit(checked?).await;
        self.result_of(committed)
    }

    /// The whole policy in its order: judge, read, check, count. Refusals by the head come before any wait for the
    /// body, and only a delivery that passed every check counts against the webhook's rate limit.
    async fn check(&mut self) -> Result<AcceptedDelivery, Rejection> {
        let (gate, known) = (self.gate, Arc::clone(&self.known));
        let not_found = |_| Refusal::from(RefusalCode::WebhookNotFound);
        let format: SenderFormat = self.request.format.parse().map_err(not_found)?;
        let attempt = Attempt {
            source: self.request.source,
            format,
            at: self.began,
        };
        // The rate limit is checked later.
        let admission = judge(&known.url, attempt, || Ok(())).map_err(|denial| explain(denial, &known))?;
        let KnownUrl::Live(webhook) = &known.url else {
            return Err(Rejection::Stale);
        };
        self.check_head(webhook)?;
        let request = &self.request;
        if !self.reservation.begin(request.headers.bytes()) {
            return Err(Rejection::Refused(unavailable()));
        }
        let bytes = self
            .payload
            .read(webhook.policy.limits.body_bytes(), &self.reservation)
            .await?;
        self.is_signed = false;
        let source = request.source.address();
        let failures = gate
            .failures
            .turn(&known.quota, webhook.handle, source, self.began);
        let turn = failures
            .await
            .map_err(|wait| too_many(RateScope::Failures, wait, Some(webhook)))?;
        gate.check_signature(webhook, request, &bytes, self.began)?;
        self.is_signed = true;
        let bytes = hidden(bytes);
        let mut draft = gate
            .payload_parser
            .read(&known.quota, format, &bytes, request.declared_json)
            .await?;
        drop(turn);
        let mut notes = draft.take_notes();
        let key = sender_key(request, webhook, &mut notes);
        let idempotency = key
            .map(|key| with_payload(&*gate.ports.seal, key, &bytes))
            .transpose()?;
        let received_at = gate.now();
        let too_fast = |retry_after| explain(Denial::TooFast { retry_after }, &known);
        known.take_rate(received_at).map_err(too_fast)?;
        Ok(AcceptedDelivery {
            webhook: webhook.handle,
            revision: webhook.revision,
            received_at,
            request_id: request.request_id,
            source: admission.source,
            observed: admission.waived.map(|_| request.headers.trail()),
            user_agent: request.user_agent_text(),
            headers: request.headers.recorded(),
            took: received_at.since(self.began),
            idempotency,
            payload: recorded_payload(webhook, bytes),
            is_custom: format == SenderFormat::Custom,
            changes: vec![draft.into()],
            notes,
        })
    }

    /// The result of the commit. A delivery that was not stored does not count against the rate limit.
    fn result_of(&self, committed: Result<Commit, StoreError>) -> Result<Accepted, Rejection> {
        if matches!(committed, Ok(Commit::Stale) | Err(_)) {
            self.known.give_back_rate();
        }
        match (committed.map_err(Rejection::Failed)?, &self.known.url) {
            (Commit::Stored(accepted), _) => Ok(accepted),
            (Commit::Full, KnownUrl::Live(webhook)) => {
                Err(too_many(RateScope::Incidents, FULL_RETRY_AFTER, Some(webhook)).into())
            }
            (Commit::IdempotencyConflict, _) => {
                Err(Rejection::Refused(RefusalCode::IdempotencyConflict.into()))
            }
            // Only a live webhook is committed to.
            (Commit::Stale, _) | (Commit::Full, KnownUrl::Retired(_)) => Err(Rejection::Stale),
        }
    }

    /// Checks that need only the head of the request and earlier counts. They neither wait nor take anything.
    fn check_head(&self, webhook: &Webhook) -> Result<(), Rejection> {
        let Self { request, known, .. } = self;
        if request.compressed {
            return Err(Rejection::Refused(RefusalCode::UnsupportedMediaType.into()));
        }
        if webhook.policy.signing_secret.is_some() {
            standard_webhooks().check_head(|name| request.signature.get(name), self.began)?;
        }
        match known.rate_wait(self.began) {
            Some(retry_after) => Err(explain(Denial::TooFast { retry_after }, known)),
            None => Ok(()),
        }
    }

    /// Confirms a refusal by a fresh read of the store, because the judged copy may be stale. Returns the webhook as it
    /// is now, if the delivery must be judged again. A retired URL needs no second look.
    async fn confirm(
        &self,
        digest: WebhookIdDigest,
        rejection: &Rejection,
    ) -> Result<Option<Arc<CachedUrl>>, Rejection> {
        let judged = match &self.known.url {
            KnownUrl::Live(webhook) => webhook.revision,
            KnownUrl::Retired(_) => return Ok(None),
        };
        let Gate { url_cache, store, .. } = self.gate;
        // On the heap, because it is rare and large.
        let fresh = Box::pin(url_cache.fresh(store, digest, &self.known)).await;
        let fresh = fresh.map_err(Rejection::Failed)?;
        let fresh = fresh.ok_or_else(|| Rejection::Refused(RefusalCode::WebhookNotFound.into()))?;
        let same = matches!(&fresh.url, KnownUrl::Live(webhook) if webhook.revision == judged);
        // A commit that calls the newest revision stale raced with a change. Judging once more settles it.
        if same && !matches!(rejection, Rejection::Stale) {
            Ok(None)
        } else {
            Ok(Some(fresh))
        }
    }
}

impl<S: Store> Gate<S> {
    fn check_signature(
        &self,
        webhook: &Webhook,
        request: &DeliveryRequest<'_>,
        body: &[u8],
        began: Timestamp,
    ) -> Result<(), Rejection> {
        let Some(sealed) = &webhook.policy.signing_secret else {
            return Ok(());
        };
        let secret = self
            .ports
            .seal
            .open(sealed, SealPurpose::Signing(webhook.handle))
            .map_err(|error| {
                if let Some(left_out) = NOT_CHECKED.line() {
                    tracing::error!(webhook = %webhook.handle, %error, left_out, "can't check signatures");
                }
                Refusal::from(RefusalCode::Internal)
            })?;
        let header = |name: &str| request.signature.get(name);
        standard_webhooks().verify(header, body, &[&*secret], began)?;
        Ok(())
    }
}

/// The scheme of every webhook that asks for signatures.
fn standard_webhooks() -> Verifier {
    Verifier::from(SignatureScheme::StandardWebhooks)
}
