//! Look-ups of credentials: API tokens, sessions and sign-in links. Anybody can make up a well-formed credential, and
//! each look-up is a read on the connections for people. Therefore unknown credentials are counted by source and looked
//! up one at a time. Credentials that were found recently are neither counted nor queued.

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::Timestamp;
use quick_cache::sync::Cache;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::StoreError;
use crate::rate_limiter::{Allowance, RateLimiters};

/// Unknown credentials that a source may show at once, and within each ten seconds after that: as many as unknown URLs.
const ALLOWANCE: Allowance = Allowance::new(200, Duration::from_secs(10));
/// Maximum number of sources remembered. A forgotten source starts anew, so this bounds memory; the semaphore bounds
/// the load of the store.
const MAX_SOURCES: usize = 10_000;
/// Unknown credentials that are looked up at the same time: an embedded store has two connections for people, and one
/// of them stays free for known ones.
const CREDENTIAL_LOOK_UPS: usize = 1;
/// Maximum wait for a look-up: as long as for a connection to the store.
const CREDENTIAL_TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of credentials remembered as found: more than people and programs have in use. A forgotten one is
/// only counted once.
const MAX_KNOWN_CREDENTIALS: usize = 4_096;

/// Errors of looking up a credential.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// The source showed too many unknown credentials. This one was not looked up.
    #[error("too many unknown credentials")]
    TooMany {
        /// Time until the next attempt.
        retry_after: Duration,
    },
    /// The store failed, or too many look-ups wait for it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Limits for look-ups of credentials.
pub(crate) struct CredentialLookups {
    sources: RateLimiters<()>,
    turns: Semaphore,
    /// Digests of credentials that were found. They are looked up all the same, because a session ends and a token is
    /// revoked.
    known: Cache<[u8; 32], ()>,
}

impl Default for CredentialLookups {
    fn default() -> Self {
        Self {
            sources: RateLimiters::new(ALLOWANCE, MAX_SOURCES),
            turns: Semaphore::new(CREDENTIAL_LOOK_UPS),
            known: Cache::new(MAX_KNOWN_CREDENTIALS),
        }
    }
}

impl CredentialLookups {
    /// Looks up the credential with this digest, unless its source has shown too many unknown ones.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub(crate) async fn find<T>(
        &self,
        digest: &[u8; 32],
        source: IpAddr,
        now: Timestamp,
        look_up: impl Future<Output = Result<Option<T>, StoreError>>,
    ) -> Result<Option<T>, CredentialError> {
        if self.known.get(digest).is_some() {
            let found = look_up.await?;
            if found.is_none() {
                self.known.remove(digest);
            }
            return Ok(found);
        }
        // Counted before the look-up, so that a sender that does not wait for the answer is counted too.
        let counted = self.sources.take(&(), source, now);
        counted.map_err(|retry_after| CredentialError::TooMany { retry_after })?;
        let found = self.in_turn(look_up).await;
        match &found {
            Ok(None) => {}
            Ok(Some(_)) => {
                self.remember(*digest);
                self.sources.give_back(&(), source);
            }
            // The store failed: not a wrong guess.
            Err(_) => self.sources.give_back(&(), source),
        }
        Ok(found?)
    }

    /// Remembers a credential that was just made or found.
    pub(crate) fn remember(&self, digest: [u8; 32]) {
        self.known.insert(digest, ());
    }

    /// Runs look-ups one at a time, in the order of arrival.
    async fn in_turn<T>(
        &self,
        look_up: impl Future<Output = Result<Option<T>, StoreError>>,
    ) -> Result<Option<T>, StoreError> {
        let turn = timeout(CREDENTIAL_TURN_TIMEOUT, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(StoreError::Unavailable {
                what: "look up a credential",
                source: None,
            });
        };
        look_up.await
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const BURST: u32 = 200;

    fn source(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn digest(number: u32) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        digest
    }

    async fn show(lookups: &CredentialLookups, number: u32, from: &str, is_there: bool) -> Option<bool> {
        let look_up = ready(Ok(is_there.then_some(())));
        let found = lookups.find(&digest(number), source(from), NOW, look_up).await;
        match found {
            Ok(found) => Some(found.is_some()),
            Err(CredentialError::TooMany { retry_after }) => {
                assert!(!retry_after.is_zero());
                None
            }
            Err(CredentialError::Store(error)) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn who_makes_credentials_up_is_stopped_and_nobody_else() {
        let lookups = CredentialLookups::default();
        assert_eq!(show(&lookups, 0, "192.0.2.1", true).await, Some(true));
        for number in 1..=BURST {
            assert_eq!(show(&lookups, number, "192.0.2.1", false).await, Some(false));
        }
        let is_looked_up = Cell::new(false);
        let (one_more, from) = (digest(BURST + 1), source("192.0.2.1"));
        let look_up = async {
            is_looked_up.set(true);
            Ok(Some(()))
        };
        let refused = lookups.find(&one_more, from, NOW, look_up).await;
        assert!(matches!(refused, Err(CredentialError::TooMany { .. })));
        assert!(!is_looked_up.get());
        assert_eq!(
            show(&lookups, 0, "192.0.2.1", true).await,
            Some(true),
            "it is known"
        );
        assert_eq!(show(&lookups, 1, "192.0.2.2", false).await, Some(false));
        for network in 0..BURST * 8 {
            let _ = show(&lookups, 1, &format!("2001:db8:0:{network:x}::1"), false).await;
        }
        assert_eq!(show(&lookups, 1, "2001:db8:0:ffff::1", false).await, None);
        assert_eq!(show(&lookups, 1, "2001:db8:1::1", false).await, Some(false));
    }

    #[tokio::test]
    async fn what_is_found_counts_for_nobody_and_what_has_ended_is_unknown() {
        let lookups = CredentialLookups::default();
        for number in 0..BURST * 2 {
            assert_eq!(show(&lookups, number, "192.0.2.1", true).await, Some(true));
        }
        assert_eq!(show(&lookups, 0, "192.0.2.1", false).await, Some(false));
        for _ in 0..BURST {
            assert_eq!(show(&lookups, 0, "192.0.2.1", false).await, Some(false));
        }
        assert_eq!(show(&lookups, 0, "192.0.2.1", false).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_ones_wait_for_each_other_and_known_ones_for_none() {
        let lookups = CredentialLookups::default();
        assert_eq!(show(&lookups, 0, "192.0.2.1", true).await, Some(true));
        let (unknown, from) = (digest(1), source("192.0.2.2"));
        let stuck = lookups.find(&unknown, from, NOW, pending::<Result<Option<()>, _>>());
        tokio::select! {
            biased;
            _ = stuck => panic!("it never ends"),
            known = show(&lookups, 0, "192.0.2.1", true) => assert_eq!(known, Some(true)),
        }
        let stuck = lookups.find(&unknown, from, NOW, pending::<Result<Option<()>, _>>());
        let (third, other) = (digest(2), source("192.0.2.3"));
        let waits = lookups.find(&third, other, NOW, ready(Ok(Some(()))));
        tokio::select! {
            biased;
            _ = stuck => panic!("it never ends"),
            waited = waits => assert!(matches!(waited, Err(CredentialError::Store(_)))),
        }
        assert_eq!(show(&lookups, 2, "192.0.2.3", true).await, Some(true));
    }
}
