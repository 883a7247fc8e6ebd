//! The record of a refused delivery, and the guard that records a delivery whose sender disconnects.

use hookgate_domain::{KnownUrl, RefusalCode};

use super::ReceiveContext;
use super::answer::Rejection;
use super::payload::{Payload, hidden, keeps_payloads};
use crate::deliveries::failures::is_failure;
use crate::{Body, NoPayload, Refusal, RefusalKey, RefusedDelivery, RefusedPayload, Store};

/// Records the delivery as `CLIENT_GONE` if this is dropped, because the sender disconnected before the answer. A
/// delivery has at most one record: each method consumes the guard.
pub(super) struct RecordOnDrop<'c, 'a, S: Store, B: Body> {
    pub(super) context: &'c mut ReceiveContext<'a, S, B>,
}

impl<'c, 'a, S: Store, B: Body> RecordOnDrop<'c, 'a, S, B> {
    pub(super) const fn new(context: &'c mut ReceiveContext<'a, S, B>) -> Self {
        Self { context }
    }

    /// Records the rejection instead, if it is a refusal.
    pub(super) fn record(self, rejection: &Rejection) {
        if let Rejection::Refused(refusal) = rejection {
            self.context.record(refusal);
        }
        self.discard();
    }

    /// Records nothing: the store takes over, or there is nothing to record. The guard holds no more than a reference,
    /// so forgetting it leaks nothing.
    pub(super) fn discard(self) {
        std::mem::forget(self);
    }
}

impl<S: Store, B: Body> Drop for RecordOnDrop<'_, '_, S, B> {
    fn drop(&mut self) {
        // A panic is a failure of ours.
        if !std::thread::panicking() {
            self.context.put_on_record(&RefusalCode::ClientGone.into());
        }
    }
}

impl<S: Store, B: Body> ReceiveContext<'_, S, B> {
    /// Records the refusal, and counts it as a failure of its source if the body was at fault.
    pub(super) fn record(&self, refusal: &Refusal) {
        let body = self.reservation.body_bytes();
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
            headers: request.headers.recorded(),
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

/// `true` if a delivery is refused for its source address.
const fn is_for_source(code: RefusalCode) -> bool {
    matches!(code, RefusalCode::IpNotAllowed | RefusalCode::SourceUnknown)
}
