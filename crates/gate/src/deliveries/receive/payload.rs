//! The body of a delivery: reading it, and the stored part.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use hookgate_domain::leaks::mask_secrets;
use hookgate_domain::policy::PayloadLogging;
use hookgate_domain::{RefusalCode, Webhook};

use super::answer::{Rejection, unavailable};
use crate::deliveries::memory_budget::Reservation;
use crate::{Body, BodyFault, Details, Refusal};

/// Size up to which payloads are copied for storing: the buffer they arrived in is larger, and the connection can use
/// it again for the next request.
const MAX_COPIED_BYTES: usize = 4 * 1024;

/// The body of a request. It is read at most once, however often the delivery is judged.
pub(super) enum Payload<B> {
    /// The body was not read yet.
    Unread(B),
    /// The body.
    Read(Bytes),
    /// There is no body, or it could not be read.
    Nothing,
}

impl<B: Body> Payload<B> {
    /// The body, if it has at most `limit` bytes and memory can be reserved for it.
    pub(super) async fn read(
        &mut self,
        limit: u32,
        reservation: &Reservation<'_>,
    ) -> Result<Bytes, Rejection> {
        let too_large = || {
            let details = Some(Details::BodyBytes(limit));
            Rejection::Refused(Refusal {
                details,
                ..RefusalCode::PayloadTooLarge.into()
            })
        };
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let bytes = match std::mem::replace(self, Self::Nothing) {
            Self::Unread(body) => read_or_make_room(body, most, reservation)
                .await
                .map_err(|fault| match fault {
                    BodyFault::TooLarge => too_large(),
                    BodyFault::NoRoom => Rejection::Refused(unavailable()),
                    BodyFault::TimedOut => Rejection::Refused(RefusalCode::RequestTimeout.into()),
                    BodyFault::Malformed => Rejection::Refused(RefusalCode::BadRequest.into()),
                    BodyFault::Gone => Rejection::Refused(RefusalCode::ClientGone.into()),
                })?,
            Self::Read(bytes) => bytes,
            // The body was too long, too slow or broken when it was read before, and can't be read again.
            Self::Nothing => return Err(Rejection::Refused(unavailable())),
        };
        *self = Self::Read(bytes.clone());
        if bytes.len() > most {
            Err(too_large())
        } else {
            Ok(bytes)
        }
    }
}

/// Reads the body, unless the delivery is evicted from the memory budget before its end.
async fn read_or_make_room<B: Body>(
    body: B,
    most: usize,
    reservation: &Reservation<'_>,
) -> Result<Bytes, BodyFault> {
    let mut reading = pin!(body.read(most, reservation));
    let read = poll_fn(|context| match reading.as_mut().poll(context) {
        // Polled after the body, because reading it may create the entry that can be evicted.
        Poll::Pending => reservation.poll_evicted(context).map(|()| Err(BodyFault::NoRoom)),
        read @ Poll::Ready(_) => read,
    });
    let bytes = read.await?;
    if reservation.finish_waiting() {
        Ok(bytes)
    } else {
        Err(BodyFault::NoRoom)
    }
}

/// `true` if the webhook keeps payloads.
pub(super) fn keeps_payloads(webhook: &Webhook) -> bool {
    webhook.policy.payload_logging == PayloadLogging::On
}

/// The payload, if the webhook keeps payloads.
pub(super) fn recorded_payload(webhook: &Webhook, payload: Bytes) -> Option<Bytes> {
    keeps_payloads(webhook).then(|| {
        if payload.len() > MAX_COPIED_BYTES {
            payload
        } else {
            Bytes::copy_from_slice(&payload)
        }
    })
}

/// The payload with Hookgate's secrets masked: a sender may include its own URL, as GitHub does, and people paste
/// tokens. Secrets are masked before the payload is parsed, in every spelling that the parser could decode, so nothing
/// that is made from it contains one. Texts with different secrets stay different, so masked dedup keys stay different
/// too.
pub(super) fn hidden(payload: Bytes) -> Bytes {
    mask_secrets(&payload).map_or(payload, Bytes::from)
}
