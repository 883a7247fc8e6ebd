//! The sender's own name for a delivery, by which a retry is known.

use hookgate_domain::{IdempotencyKey, IncidentDraft, Note, NoteCode, PayloadDigest, RefusalCode, Webhook};

use crate::{DeliveryRequest, Idempotency, LogInterval, Refusal, Seal};

/// Deliveries with a key for which there was no digest.
static NOT_RECOGNISED: LogInterval = LogInterval::new();

/// The key of a delivery: `Idempotency-Key`, or the ID of the Standard Webhooks scheme; an empty one is none. Where deliveries are
/// signed it is the ID, because the signature covers that alone: with another key anybody could send a delivery again.
///
/// Several different headers of one name are one key together, as HTTP combines them (RFC 9110, section 5.3): a retry brings all
/// of them again. That is noted.
pub(super) fn sender_key(
    request: &DeliveryRequest<'_>,
    webhook: &Webhook,
    draft: &mut IncidentDraft,
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
            draft.add_note(Note::new(name, NoteCode::JoinedHeaders));
        }
        Some(key)
    })
}

/// The key with what it stands for. A payload may be short, and so its digest takes the installation's key to make.
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
