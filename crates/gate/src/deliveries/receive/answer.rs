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
static CORRUPT: LogInterval = LogInterval::new();
static STORE_UNAVAILABLE: LogInterval = LogInterval::new();

/// `Retry-After` of a webhook that opens no more incidents: people have to resolve some first.
pub(super) const FULL_RETRY_AFTER: Duration = Duration::from_mins(1);

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
    Rejection::Refused(match (denial, &known.url) {
        (Denial::TooFast { retry_after }, KnownUrl::Live(webhook)) => {
            let per_minute = known.per_minute();
            too_many(RateScope::Webhook { per_minute }, retry_after, Some(webhook))
        }
        _ => denial.code().into(),
    })
}

/// The refusal above a limit. Some webhooks want it answered as a temporary failure.
pub(super) fn too_many(limit: RateScope, wait: Duration, webhook: Option<&Webhook>) -> Refusal {
    Refusal {
        details: Some(Details::Limit(limit)),
        retry_after: Some(wait),
        postponed: webhook.is_some_and(|webhook| webhook.policy.limits.overload() == Overload::Postpone),
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
            if let Some(left_out) = CORRUPT.line() {
                tracing::error!(%error, left_out, "a delivery could not be judged");
            }
            RefusalCode::Internal.into()
        }
        Rejection::Failed(error) => {
            if let Some(left_out) = STORE_UNAVAILABLE.line() {
                let source = error.source().map(tracing::field::display);
                tracing::warn!(%error, source, left_out, "a delivery was refused because the store is unavailable");
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
            SignatureError::Invalid => RefusalCode::SignatureInvalid,
            SignatureError::Expired => RefusalCode::SignatureExpired,
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
            PayloadError::NotThisFormat { .. } => RefusalCode::ValidationError.into(),
            PayloadError::TooLarge { .. } | PayloadError::TooManyAlerts { .. } => {
                RefusalCode::PayloadTooLarge.into()
            }
        }
    }
}
