//! Signatures in headers: where they are, what is signed, and with which algorithm. A scheme is one such rule, or several
//! that differ in the names of their headers.

use std::borrow::Cow;
use std::time::Duration;

use hookgate_domain::Timestamp;
use serde::Deserialize;

use super::algorithm::Algorithm;
use super::encoding::{Encoding, SIGNATURE_BYTES};
use super::error::SignatureError;
use super::header_name::HeaderName;
use super::template::{Part, Template};

/// Maximum number of items of a signature header that are read. A rotation of the secret needs two signatures.
const MAX_SIGNATURES: usize = 8;

/// The rule of a signature scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignatureRule {
    /// The header of the signature.
    pub(super) header: HeaderName,
    /// The text before each signature. Items of the header without it are other versions, and are ignored.
    pub(super) prefix: Cow<'static, str>,
    /// The separator of several signatures. White space around each is ignored.
    pub(super) separator: Option<u8>,
    pub(super) encoding: Encoding,
    pub(super) algorithm: Algorithm,
    /// The signed text, with the body and the header fields that it includes.
    pub(super) signed: Template,
    pub(super) timestamp: TimestampPlace,
    /// Largest distance of the timestamp from now, in either direction.
    pub(super) tolerance: Duration,
    /// The header with the sender's name for the delivery, which a retry repeats.
    pub(super) id: Option<HeaderName>,
}

/// The place of the time of signing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TimestampPlace {
    /// The scheme has none.
    Nowhere,
    /// A header, in seconds since 1970.
    Header(HeaderName),
    /// An item of the signature header with this prefix, in seconds since 1970.
    Item(&'static str),
    /// The member `webhookTimestamp` of the body, in milliseconds since 1970.
    LinearBody,
}

/// The headers of a signed delivery.
#[derive(Clone, Copy)]
pub(super) struct Claim<'a> {
    signatures: &'a [u8],
    timestamp: Option<&'a [u8]>,
    pub(super) id: Option<&'a [u8]>,
}

impl SignatureRule {
    /// Reads the headers.
    pub(super) fn claim<'a>(
        &self,
        header: &dyn Fn(&str) -> Option<&'a [u8]>,
    ) -> Result<Claim<'a>, SignatureError> {
        let id = self.id.as_ref().and_then(|name| header(name.as_str()));
        let signatures = header(self.header.as_str()).ok_or(SignatureError::Missing)?;
        let timestamp = match &self.timestamp {
            TimestampPlace::Nowhere | TimestampPlace::LinearBody => None,
            TimestampPlace::Header(name) => Some(header(name.as_str()).ok_or(SignatureError::Missing)?),
            TimestampPlace::Item(prefix) => {
                let mut items = self.items(signatures);
                let timestamp = items.find_map(|item| item.strip_prefix(prefix.as_bytes()));
                Some(timestamp.ok_or(SignatureError::Invalid)?)
            }
        };
        if id.is_none() && self.signs_id() {
            return Err(SignatureError::Missing);
        }
        Ok(Claim {
            signatures,
            timestamp,
            id,
        })
    }

    /// Checks the headers without the body: the timestamp is within the tolerance, and one signature is well-formed.
    pub(super) fn check_claim(&self, claim: &Claim<'_>, now: Timestamp) -> Result<(), SignatureError> {
        let signed_at = match claim.timestamp {
            Some(text) => Some(seconds(text).ok_or(SignatureError::Invalid)?),
            None => None,
        };
        if self.offered(claim).next().is_none() {
            return Err(SignatureError::Invalid);
        }
        signed_at.map_or(Ok(()), |signed_at| self.check_time(signed_at, now))
    }

    /// `true` if one of the signatures was made from this body with this key. Does not check the time.
    pub(super) fn matches(&self, claim: &Claim<'_>, body: &[u8], key: &[u8]) -> bool {
        let message = self.signed.parts().map(|part| match part {
            Part::Text(text) => text.as_bytes(),
            Part::Body => body,
            Part::Timestamp => claim.timestamp.unwrap_or_default(),
            Part::Id => claim.id.unwrap_or_default(),
        });
        self.algorithm.matches(key, message, self.offered(claim))
    }

    /// Checks the time of signing that a verified body holds.
    pub(super) fn check_body(&self, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
        if self.timestamp != TimestampPlace::LinearBody {
            return Ok(());
        }
        // The sender signed this body: one without a time is how the sender made it.
        let read: Result<LinearBody, _> = serde_json::from_slice(body);
        let millis = read.ok().and_then(|body| body.webhook_timestamp);
        let signed_at = millis.and_then(|millis| millis.checked_mul(1_000));
        signed_at.map_or(Ok(()), |micros| {
            self.check_time(Timestamp::from_micros(micros), now)
        })
    }

    /// `true` if the signature covers the sender's name for the delivery.
    pub(super) fn signs_id(&self) -> bool {
        self.signed.has(Part::Id)
    }

    fn check_time(&self, signed_at: Timestamp, now: Timestamp) -> Result<(), SignatureError> {
        if now.since(signed_at).max(signed_at.since(now)) > self.tolerance {
            Err(SignatureError::Expired)
        } else {
            Ok(())
        }
    }

    /// The well-formed signatures.
    fn offered(&self, claim: &Claim<'_>) -> impl Iterator<Item = [u8; SIGNATURE_BYTES]> {
        self.items(claim.signatures).filter_map(|item| {
            let text = item.strip_prefix(self.prefix.as_bytes())?.trim_ascii();
            self.encoding.decode(text, self.algorithm.signature_bytes())
        })
    }

    /// The first items of the signature header.
    fn items<'a>(&self, header: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let separator = self.separator;
        let items = header.split(move |byte| Some(*byte) == separator);
        items.take(MAX_SIGNATURES).map(<[u8]>::trim_ascii)
    }
}

/// The part of Linear's body that says when it was sent.
#[derive(Deserialize)]
struct LinearBody {
    #[serde(rename = "webhookTimestamp")]
    webhook_timestamp: Option<i64>,
}

fn seconds(text: &[u8]) -> Option<Timestamp> {
    let plain = text.iter().all(u8::is_ascii_digit);
    let seconds: i64 = str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()?;
    seconds.checked_mul(1_000_000).map(Timestamp::from_micros)
}
