//! The idempotency key of a delivery, by which a retry is recognised.

use hookgate_domain::draft::{Note, NoteCode};
use hookgate_domain::idempotency::{IdempotencyKey, PayloadDigest};
use hookgate_domain::{RefusalCode, Webhook};

use crate::{DeliveryRequest, Idempotency, LogInterval, Refusal, Seal};

/// Log interval for deliveries with a key whose digest could not be made.
static NOT_RECOGNISED: LogInterval = LogInterval::new();

/// The idempotency key of a delivery: `Idempotency-Key`, or the ID of the Standard Webhooks scheme; an empty one is
/// none. Signed deliveries use the ID only, because the signature covers no other key: with another one, anybody could
/// replay a delivery.
///
/// Several different headers of one name are joined to one key, as HTTP combines them (RFC 9110, section 5.3): a retry
/// sends all of them again. A note says so.
pub(super) fn sender_key(
    request: &DeliveryRequest<'_>,
    webhook: &Webhook,
    notes: &mut Vec<Note>,
) -> Option<IdempotencyKey> {
    let is_signed = webhook.policy.signing_secret.is_some();
    let headers = [
        ("Idempotency-Key", request.idempotency_key.filter(|_| !is_signed)),
        ("webhook-id", request.signature.id),
    ];
    headers.into_iter().find_map(|(name, first)| {
        let first = first?;
        let is_repeated = request.has_repeated_key && !is_signed;
        let joined = is_repeated.then(|| request.headers.joined(name));
        let value = joined.as_deref().unwrap_or(first);
        let key = IdempotencyKey::from_header(value)?;
        if value != first {
            notes.push(Note::new(name, NoteCode::JoinedHeaders));
        }
        Some(key)
    })
}

/// The key with the digest of the payload. A payload may be short enough to guess, so its digest is keyed with the
/// installation's key.
pub(super) fn with_payload(
    seal: &dyn Seal,
    key: IdempotencyKey,
    payload: &[u8],
) -> Result<Idempotency, Refusal> {
    let plain = PayloadDigest::of(payload);
    let keyed = seal.digest(plain.as_bytes()).map_err(|error| {
        if let Some(left_out) = NOT_RECOGNISED.line() {
            tracing::error!(%error, left_out, "a retry can't be recognised");
        }
        Refusal::from(RefusalCode::Internal)
    })?;
    Ok(Idempotency {
        key,
        payload: PayloadDigest::from_bytes(keyed),
        plain,
    })
}
