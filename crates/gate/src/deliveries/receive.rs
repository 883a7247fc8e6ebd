//! Receiving a delivery: from a request to an incident on disk, or to a recorded refusal.
//!
//! [`Gate::receive`] has the steps in their order.

mod answer;
mod payload;
mod sender_key;

use std::sync::Arc;

use hookgate_domain::{
    Attempt, Denial, KnownUrl, RefusalCode, SenderFormat, Timestamp, Webhook, WebhookId, WebhookIdDigest,
    judge,
};
use hookgate_senders::{check_signature_headers, verify_signature};

use super::delivery::AcceptedDelivery;
use super::failures::is_failure;
use super::memory_budget::Reservation;
use super::url_cache::CachedUrl;
use crate::LogInterval;
use crate::{
    Accepted, Body, Commit, DeliveryRequest, Gate, NoPayload, Refusal, RefusalKey, RefusedDelivery,
    RefusedPayload, Reply, SealPurpose, Store,
};
use answer::{
    Rejection, explain, reply, too_many_failures, too_many_incidents, too_many_unknown, unavailable,
};
use payload::{NoBody, Payload, hidden, keeps_payloads, kept};
use sender_key::{sender_key, with_payload};

/// Log intervals for webhooks that could not be flagged, and signatures that could not be checked.
static NOT_FLAGGED: LogInterval = LogInterval::new();
static NOT_CHECKED: LogInterval = LogInterval::new();

/// Maximum number of times that a delivery is judged because its webhook has changed. Nobody edits faster for long.
const MOST_JUDGEMENTS: usize = 5;

impl<S: Store> Gate<S> {
    /// Receives a delivery. [`Reply::Accepted`] means that the delivery and its incident are on disk, under the policy
    /// at the time of the commit. A refusal of a known webhook is recorded soon, even if the sender disconnects.
    pub async fn receive(&self, request: DeliveryRequest<'_>, body: impl Body) -> Reply {
        let began = self.now();
        let (digest, known) = match self.find(&request).await {
            Ok(found) => found,
            Err(stop) => return reply(stop),
        };
        let mut visit = ReceiveContext::new(self, request, began, known, Payload::Unread(body));
        for _ in 0..MOST_JUDGEMENTS {
            let stop = match visit.pass().await {
                Ok(accepted) => return Reply::Accepted(accepted),
                Err(stop) => stop,
            };
            match Box::pin(visit.confirm(digest, &stop)).await {
                Ok(Some(changed)) => visit.known = changed,
                Ok(None) => {
                    visit.record(&stop);
                    return reply(stop);
                }
                Err(failed) => {
                    visit.must_record = false;
                    return reply(failed);
                }
            }
        }
        visit.must_record = false;
        reply(Rejection::Refused(unavailable()))
    }

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
        ReceiveContext::new(self, request, began, known, Payload::<NoBody>::Nothing)
            .record(&Rejection::Refused(code.into()));
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

    /// Looks up the URL of the ID in the path. A malformed ID costs no look-up.
    async fn find(
        &self,
        request: &DeliveryRequest<'_>,
    ) -> Result<(WebhookIdDigest, Arc<CachedUrl>), Rejection> {
        let not_found = || Rejection::Refused(RefusalCode::WebhookNotFound.into());
        let id: WebhookId = request.webhook_id.parse().map_err(|_| not_found())?;
        let digest = id.digest();
        if let Some(known) = self.url_cache.remembered(&digest) {
            return Ok((digest, known));
        }
        let source = request.source.address();
        let too_soon = self.unknown_urls.count(source, self.now());
        let told = || too_soon.map_or_else(not_found, |wait| Rejection::Refused(too_many_unknown(wait)));
        let _turn = match too_soon {
            Some(_) => Some(self.unknown_urls.lookup_permit().ok_or_else(told)?),
            None => None,
        };
        // A read of the store is rare, and its future is large: on the heap, it does not enlarge the future of every
        // delivery. The same holds for confirming a refusal.
        let known = Box::pin(self.url_cache.find(&self.store, digest)).await;
        if too_soon.is_none() && !matches!(known, Ok(None)) {
            self.unknown_urls.give_back(source);
        }
        let known = known.map_err(Rejection::Failed)?;
        known.map(|known| (digest, known)).ok_or_else(told)
    }
}

/// A delivery on its way to a known URL. If it is dropped before an answer, because the sender disconnected, it records
/// `CLIENT_GONE`.
struct ReceiveContext<'a, S: Store, B: Body> {
    gate: &'a Gate<S>,
    request: DeliveryRequest<'a>,
    began: Timestamp,
    known: Arc<CachedUrl>,
    payload: Payload<B>,
    /// The memory of its head and body.
    held: Reservation<'a>,
    /// `true` if the signature is valid, or the webhook asks for none.
    is_signed: bool,
    /// `true` while dropping this must record `CLIENT_GONE`: no record of the delivery is on its way yet.
    must_record: bool,
}

impl<'a, S: Store, B: Body> ReceiveContext<'a, S, B> {
    fn new(
        gate: &'a Gate<S>,
        request: DeliveryRequest<'a>,
        began: Timestamp,
        known: Arc<CachedUrl>,
        payload: Payload<B>,
    ) -> Self {
        Self {
            gate,
            began,
            payload,
            held: Reservation::nothing(
                &gate.memory_budget,
                Arc::clone(&known.quota),
                request.source.address(),
            ),
            request,
            known,
            is_signed: false,
            must_record: true,
        }
    }

    /// Runs [`Self::try_pass`], and notes whether a record is still missing if the sender disconnects.
    async fn pass(&mut self) -> Result<Accepted, Rejection> {
        self.must_record = true;
        let passed = self.try_pass().await;
        // A failure of ours is not recorded as a refusal. A refusal is recorded once it is confirmed.
        self.must_record = matches!(passed, Err(Rejection::Refused(_) | Rejection::Stale));
        passed
    }

    /// The whole policy in its order: judge, read, check, count, commit. Refusals by the head come before any wait for
    /// the body, and only a delivery that passed every check counts against the webhook's rate limit.
    async fn try_pass(&mut self) -> Result<Accepted, Rejection> {
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
        if !self.held.begin(request.headers.bytes()) {
            return Err(Rejection::Refused(unavailable()));
        }
        let bytes = self
            .payload
            .read(webhook.policy.limits.body_bytes(), &self.held)
            .await?;
        self.is_signed = false;
        let source = request.source.address();
        let failures = gate
            .failures
            .turn(&known.quota, webhook.handle, source, self.began);
        let turn = failures.await.map_err(|wait| too_many_failures(wait, webhook))?;
        gate.check_signature(webhook, request, &bytes)?;
        self.is_signed = true;
        let bytes = hidden(bytes);
        let mut draft = gate
            .payload_parser
            .read(&known.quota, format, &bytes, request.declared_json)
            .await?;
        drop(turn);
        let key = sender_key(request, webhook, &mut draft);
        let idempotency = key
            .map(|key| with_payload(&*gate.ports.seal, key, &bytes))
            .transpose()?;
        let received_at = gate.now();
        let too_fast = |retry_after| explain(Denial::TooFast { retry_after }, &known);
        known.take_rate(received_at).map_err(too_fast)?;
        let delivery = AcceptedDelivery {
            webhook: webhook.handle,
            revision: webhook.revision,
            received_at,
            request_id: request.request_id,
            source: admission.source,
            observed: admission.waived.map(|_| request.headers.trail()),
            user_agent: request.user_agent_text(),
            headers: request.headers.kept(),
            took: received_at.since(self.began),
            idempotency,
            payload: kept(webhook, bytes),
            draft,
        };
        let commit = gate.store.delivery_commit(delivery);
        // The commit and its record go on without the sender.
        self.must_record = false;
        let committed = commit.await;
        if matches!(committed, Ok(Commit::Stale) | Err(_)) {
            known.give_back_rate();
        }
        match committed {
            Ok(Commit::Stored(accepted)) => Ok(accepted),
            Ok(Commit::Stale) => Err(Rejection::Stale),
            Ok(Commit::Full) => Err(Rejection::Refused(too_many_incidents(webhook))),
            Ok(Commit::IdempotencyConflict) => {
                Err(Rejection::Refused(RefusalCode::IdempotencyConflict.into()))
            }
            Err(error) => Err(Rejection::Failed(error)),
        }
    }

    /// Checks that need only the head of the request and earlier counts. They neither wait nor take anything.
    fn check_head(&self, webhook: &Webhook) -> Result<(), Rejection> {
        let Self { request, known, .. } = self;
        if request.compressed {
            return Err(Rejection::Refused(RefusalCode::UnsupportedMediaType.into()));
        }
        if webhook.policy.signing_secret.is_some() {
            check_signature_headers(request.signature, self.began)?;
        }
        match known.rate_wait(self.began) {
            Some(retry_after) => Err(explain(Denial::TooFast { retry_after }, known)),
            None => Ok(()),
        }
    }

    /// Confirms a refusal by a fresh read of the store, because the judged copy may be stale. Returns the webhook as it
    /// is now, if the delivery must be judged again. A dead URL needs no second look, and a failure is no judgement.
    async fn confirm(
        &self,
        digest: WebhookIdDigest,
        stop: &Rejection,
    ) -> Result<Option<Arc<CachedUrl>>, Rejection> {
        let judged = match &self.known.url {
            KnownUrl::Live(webhook) => webhook.revision,
            KnownUrl::Retired(_) => return Ok(None),
        };
        if matches!(stop, Rejection::Failed(_)) {
            return Ok(None);
        }
        let fresh = self
            .gate
            .url_cache
            .fresh(&self.gate.store, digest, &self.known)
            .await
            .map_err(Rejection::Failed)?;
        let fresh = fresh.ok_or_else(|| Rejection::Refused(RefusalCode::WebhookNotFound.into()))?;
        let same = matches!(&fresh.url, KnownUrl::Live(webhook) if webhook.revision == judged);
        // A commit that calls the newest revision stale raced with a change. Judging once more settles it.
        if same && !matches!(stop, Rejection::Stale) {
            Ok(None)
        } else {
            Ok(Some(fresh))
        }
    }

    /// Records the refusal, and counts it as a failure of its source if the body was at fault. A failure of ours is no
    /// refusal.
    fn record(&mut self, stop: &Rejection) {
        self.must_record = false;
        let Rejection::Refused(refusal) = stop else {
            return;
        };
        let body = self.held.body_bytes();
        if is_failure(refusal.code) && body > 0 {
            let (failures, known) = (&self.gate.failures, &self.known);
            let (webhook, source) = (known.url.webhook(), self.request.source.address());
            failures.count(&known.quota, webhook, source, body, self.gate.now());
        }
        self.put_on_record(refusal);
    }

    fn put_on_record(&self, refusal: &Refusal) {
        let Self {
            gate, request, known, ..
        } = self;
        let received_at = gate.now();
        let key = RefusalKey {
            webhook: known.url.webhook(),
            received_at,
            source: request.source.address(),
            code: refusal.code,
            postponed: refusal.postponed,
        };
        // A refusal that is only counted needs no prepared record.
        if gate.store.refusal_count(key) {
            return;
        }
        let payload = match (&known.url, &self.payload) {
            // Without a valid signature the sender may be anybody, so nothing of the payload is stored.
            (KnownUrl::Live(webhook), Payload::Read(_))
                if webhook.policy.signing_secret.is_some() && !self.is_signed =>
            {
                Err(NoPayload::Unsigned)
            }
            (KnownUrl::Live(webhook), Payload::Read(bytes)) if keeps_payloads(webhook) => {
                Ok(RefusedPayload::of(&hidden(bytes.clone())))
            }
            (KnownUrl::Live(_), Payload::Read(_)) => Err(NoPayload::Off),
            _ => Err(NoPayload::Unread),
        };
        gate.store.refusal_record(RefusedDelivery {
            webhook: key.webhook,
            received_at,
            request_id: Some(request.request_id),
            source: key.source,
            trail: is_for_source(key.code).then(|| request.headers.trail()),
            user_agent: request.user_agent_text(),
            headers: request.headers.kept(),
            took: received_at.since(self.began),
            no_payload: payload.as_ref().err().copied(),
            payload: payload.ok(),
            code: key.code,
            postponed: key.postponed,
            details: refusal
                .details
                .as_ref()
                .map(|details| details.to_json().to_string().into()),
            retry_after: refusal.retry_after,
        });
    }
}

impl<S: Store, B: Body> Drop for ReceiveContext<'_, S, B> {
    fn drop(&mut self) {
        // A panic is a failure of ours.
        if self.must_record && !std::thread::panicking() {
            self.put_on_record(&RefusalCode::ClientGone.into());
        }
    }
}

impl<S: Store> Gate<S> {
    fn check_signature(
        &self,
        webhook: &Webhook,
        request: &DeliveryRequest<'_>,
        body: &[u8],
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
        Ok(verify_signature(&secret, request.signature, body)?)
    }
}

/// `true` if a delivery is refused for its source address.
const fn is_for_source(code: RefusalCode) -> bool {
    matches!(code, RefusalCode::IpNotAllowed | RefusalCode::SourceUnknown)
}
