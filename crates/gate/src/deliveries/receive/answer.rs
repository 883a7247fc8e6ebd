//! Rejections of a delivery, and the answer to its sender.

use std::error::Error as _;
use std::time::Duration;

use hookgate_domain::policy::Overload;
use hookgate_domain::{Denial, KnownUrl, RefusalCode, Webhook};
use hookgate_senders::{PayloadError, SignatureError};

use crate::LogInterval;
use crate::deliveries::delivery::RateScope;
use crate::deliveries::url_cache::CachedUrl;
use crate::{Details, Refusal, Reply, StoreError};

/// Log intervals for deliveries that meet corrupt data, and for those that meet a store that is unavailable.
static DAMAGED: LogInterval = LogInterval::new();
static PUT_OFF: LogInterval = LogInterval::new();

/// `Retry-After` of a webhook that opens no more incidents: somebody has to resolve some.
const FULL_FOR: Duration = Duration::from_mins(1);

/// The reason for which a step of receiving did not go on.
pub(super) enum Rejection {
    /// The delivery is refused.
    Refused(Refusal),
    /// The webhook changed after the delivery was judged.
    Stale,
    /// The store failed.
    Failed(StoreError),
}

/// The rejection for a denial of the domain, with the details of a rate limit.
pub(super) fn explain(denial: Denial, known: &CachedUrl) -> Rejection {
    let mut refusal = Refusal::from(denial.code());
    if let (Denial::TooFast { retry_after }, KnownUrl::Live(webhook)) = (denial, &known.url) {
        refusal.retry_after = Some(retry_after);
        refusal.postponed = webhook.policy.limits.overload() == Overload::Postpone;
        refusal.details = Some(Details::Limit(RateScope::Webhook {
            per_minute: known.per_minute(),
        }));
    }
    Rejection::Refused(refusal)
}

/// The refusal of a source with too many failures at this webhook.
pub(super) fn too_many_failures(wait: Duration, webhook: &Webhook) -> Refusal {
    Refusal {
        details: Some(Details::Limit(RateScope::Failures)),
        retry_after: Some(wait),
        postponed: webhook.policy.limits.overload() == Overload::Postpone,
        ..RefusalCode::RateLimited.into()
    }
}

/// The refusal of a delivery that would open an incident of a webhook whose unresolved incidents fill most of the
/// store.
pub(super) fn too_many_incidents(webhook: &Webhook) -> Refusal {
    Refusal {
        details: Some(Details::Limit(RateScope::Incidents)),
        retry_after: Some(FULL_FOR),
        postponed: webhook.policy.limits.overload() == Overload::Postpone,
        ..RefusalCode::RateLimited.into()
    }
}

/// The refusal of a source that asks for too many unknown URLs.
pub(super) fn too_many_unknown(wait: Duration) -> Refusal {
    Refusal {
        details: Some(Details::Limit(RateScope::Source)),
        retry_after: Some(wait),
        ..RefusalCode::RateLimited.into()
    }
}

/// The refusal of a delivery that will pass later.
pub(super) fn unavailable() -> Refusal {
    RefusalCode::Unavailable.into()
}

/// The answer to the sender.
pub(super) fn reply(rejection: Rejection) -> Reply {
    Reply::Refused(match rejection {
        Rejection::Refused(refusal) => refusal,
        Rejection::Stale => unavailable(),
        Rejection::Failed(error @ StoreError::Corrupt { .. }) => {
            if let Some(left_out) = DAMAGED.line() {
                tracing::error!(%error, left_out, "a delivery could not be judged");
            }
            RefusalCode::Internal.into()
        }
        Rejection::Failed(error) => {
            if let Some(left_out) = PUT_OFF.line() {
                let source = error.source().map(tracing::field::display);
                tracing::warn!(%error, source, left_out, "a delivery was put off");
            }
            unavailable()
        }
    })
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<SignatureError> for Rejection {
    fn from(error: SignatureError) -> Self {
        let code = match error {
            SignatureError::Missing => RefusalCode::SignatureRequired,
            SignatureError::Wrong => RefusalCode::SignatureInvalid,
            SignatureError::OutOfTime => RefusalCode::SignatureExpired,
        };
        Self::Refused(code.into())
    }
}

impl From<PayloadError> for Refusal {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::OtherKind => RefusalCode::UnsupportedMediaType.into(),
            PayloadError::Json(fault) => Self {
                details: Some(Details::Json(fault)),
                ..RefusalCode::InvalidJson.into()
            },
            PayloadError::Fields(faults) => Self {
                details: Some(Details::Fields(faults)),
                ..RefusalCode::ValidationError.into()
            },
        }
    }
}

impl From<PayloadError> for Rejection {
    fn from(error: PayloadError) -> Self {
        Self::Refused(error.into())
    }
}
