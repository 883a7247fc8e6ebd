//! Conversions from the errors of the lower layers to [`ApiError`].

use std::error::Error;

use hookgate_domain::WebhookError;
use hookgate_gate::{
    ActorError, AddressSetError, CredentialError, Forbidden, IncidentActError, LogInterval, ManageError,
    PasswordsError, PeopleError, SearchError, StoreError,
};

use super::{ApiError, Details, ErrorCode};
use hookgate_transport::BodyFault;
use hookgate_transport::reply;

/// Log interval for an unavailable store.
static STORE_UNAVAILABLE: LogInterval = LogInterval::new();
/// Log interval for corrupt rows.
static CORRUPT_ROW: LogInterval = LogInterval::new();

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => ErrorCode::Conflict.into(),
            StoreError::Actor(error) => Self::actor(error),
            StoreError::Unavailable { .. } => {
                if let Some(left_out) = STORE_UNAVAILABLE.line() {
                    let source = error.source().map(tracing::field::display);
                    tracing::warn!(%error, source, left_out, "the console can't reach the store");
                }
                ErrorCode::Unavailable.into()
            }
            StoreError::Corrupt { .. } => {
                if let Some(left_out) = CORRUPT_ROW.line() {
                    tracing::error!(%error, left_out, "the console can't read what is stored");
                }
                ErrorCode::Internal.into()
            }
        }
    }
}

impl From<CredentialError> for ApiError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::TooMany { retry_after } => Self::busy(
                retry_after,
                "too many unknown tokens, sessions or sign-in links came from your address".to_owned(),
            ),
            CredentialError::Store(error) => error.into(),
        }
    }
}

impl ApiError {
    /// The actor's session or token has ended, or its role was lowered, since the request began.
    fn actor(error: ActorError) -> Self {
        let code = match error {
            ActorError::Ended => ErrorCode::Unauthenticated,
            ActorError::RoleLowered => ErrorCode::Forbidden,
        };
        Self {
            details: Some(Details::Reason(error.to_string())),
            ..code.into()
        }
    }
}

impl From<Forbidden> for ApiError {
    fn from(forbidden: Forbidden) -> Self {
        Self {
            details: Some(Details::Role(forbidden)),
            ..ErrorCode::Forbidden.into()
        }
    }
}

impl From<PeopleError> for ApiError {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::NotFound => ErrorCode::NotFound.into(),
            PeopleError::Forbidden(forbidden) => forbidden.into(),
            PeopleError::NameTaken | PeopleError::Member(_) | PeopleError::Token(_) => {
                Self::conflict(error.to_string())
            }
            PeopleError::ByToken | PeopleError::ByLink => Self {
                details: Some(Details::Reason(error.to_string())),
                ..ErrorCode::Forbidden.into()
            },
            PeopleError::Password(error) => Self::field("password", "common", error.to_string()),
            PeopleError::WrongPassword => Self::field("current", "password", error.to_string()),
            PeopleError::TooMany { retry_after } => Self::too_many(retry_after),
            PeopleError::Passwords(PasswordsError::Busy { retry_after }) => {
                Self::password_queue_full(retry_after)
            }
            PeopleError::Store(error) => error.into(),
            error @ (PeopleError::Passwords(_) | PeopleError::Entropy(_)) => {
                tracing::error!(%error, "people can't be managed");
                ErrorCode::Internal.into()
            }
        }
    }
}

impl From<IncidentActError> for ApiError {
    fn from(error: IncidentActError) -> Self {
        match error {
            IncidentActError::NotFound => ErrorCode::NotFound.into(),
            IncidentActError::Forbidden(forbidden) => forbidden.into(),
            IncidentActError::Refused(error) => Self::conflict(error.to_string()),
            IncidentActError::Note(error) => Self::field("text", "length", error.to_string()),
            IncidentActError::Store(error) => error.into(),
        }
    }
}

impl From<ManageError> for ApiError {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NotFound => ErrorCode::NotFound.into(),
            ManageError::Forbidden(forbidden) => forbidden.into(),
            ManageError::Changed => ErrorCode::PreconditionFailed.into(),
            ManageError::Refused(WebhookError::Revoked { .. }) => ErrorCode::WebhookRevoked.into(),
            ManageError::Refused(error) => Self::conflict(error.to_string()),
            error @ ManageError::UnknownSet(_) => Self::field("allowlist", "known", error.to_string()),
            ManageError::Store(error) => error.into(),
            error @ (ManageError::Entropy(_) | ManageError::Seal(_)) => {
                tracing::error!(%error, "a webhook can't be changed");
                ErrorCode::Internal.into()
            }
        }
    }
}

impl From<AddressSetError> for ApiError {
    fn from(error: AddressSetError) -> Self {
        match error {
            AddressSetError::NotFound => ErrorCode::NotFound.into(),
            AddressSetError::Forbidden(forbidden) => forbidden.into(),
            AddressSetError::Changed => ErrorCode::PreconditionFailed.into(),
            AddressSetError::Exists => Self::field("name", "unique", error.to_string()),
            AddressSetError::Empty => Self::field("networks", "required", error.to_string()),
            AddressSetError::Filter(error) => Self::field("filter", "form", error.to_string()),
            AddressSetError::Document(error) => Self::field("document", "form", error.to_string()),
            AddressSetError::TooMany
            | AddressSetError::InUse(_)
            | AddressSetError::Published
            | AddressSetError::NothingPending => Self::conflict(error.to_string()),
            AddressSetError::Store(error) => error.into(),
        }
    }
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Busy => Self {
                details: Some(Details::Reason(error.to_string())),
                ..Self::too_many(reply::RETRY_SOON)
            },
            SearchError::Store(error) => error.into(),
        }
    }
}

impl From<BodyFault> for ApiError {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::TooLarge => ErrorCode::PayloadTooLarge,
            BodyFault::NoRoom => ErrorCode::Unavailable,
            BodyFault::TimedOut => ErrorCode::RequestTimeout,
            BodyFault::Malformed | BodyFault::Gone => ErrorCode::BadRequest,
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_may_no_longer_is_told_as_at_the_start() {
        for (error, code) in [
            (ActorError::Ended, ErrorCode::Unauthenticated),
            (ActorError::RoleLowered, ErrorCode::Forbidden),
        ] {
            assert_eq!(ApiError::from(StoreError::Actor(error)).code, code);
        }
    }

    #[test]
    fn a_second_search_waits() {
        let fault = ApiError::from(SearchError::Busy);
        assert_eq!(fault.code, ErrorCode::RateLimited);
        assert!(fault.retry_after.is_some());
    }

    #[test]
    fn too_many_passwords_at_once_are_no_fault_of_the_server() {
        let retry_after = Duration::from_secs(5);
        let fault = ApiError::from(PeopleError::Passwords(PasswordsError::Busy { retry_after }));
        assert_eq!(
            (fault.code, fault.retry_after),
            (ErrorCode::Busy, Some(retry_after))
        );
        let fault = ApiError::from(PeopleError::Passwords(PasswordsError::Failed));
        assert_eq!(fault.code, ErrorCode::Internal);
    }
}
