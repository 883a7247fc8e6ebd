//! How often a password may be tried: by name and source together, and by source alone. Never by name alone, so nobody
//! can lock somebody else out. A successful sign-in is not counted.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::{MemberName, Timestamp, address_bytes};
use quick_cache::sync::Cache;

use crate::meter::{Allowance, Meter, Meters};
use crate::sources::site;

/// Wrong passwords for one name from one source, and one more a minute: people who mistype need a few.
const BY_NAME: Allowance = Allowance::new(5, Duration::from_mins(5));
/// Wrong passwords for any name from one source, and one more each 15 seconds: an office behind one address needs more.
const BY_SOURCE: Allowance = Allowance::new(20, Duration::from_mins(5));
/// Pairs and sources remembered. Who pushes out pairs by making up names is still counted by source.
const REMEMBERED: usize = 10_000;

/// What was tried lately.
pub(crate) struct Attempts {
    by_name: Cache<(String, [u8; 16]), Arc<Meter>>,
    by_source: Meters<()>,
}

/// An attempt that was counted.
pub(crate) struct Attempt<'a> {
    by_name: Arc<Meter>,
    by_source: &'a Meters<()>,
    source: IpAddr,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            by_name: Cache::new(REMEMBERED),
            by_source: Meters::new(REMEMBERED),
        }
    }
}

impl Attempts {
    /// Counts an attempt before it is made, so that many at once are counted too.
    ///
    /// # Errors
    /// How long to wait, if there were too many.
    pub(crate) fn begin(
        &self,
        name: &MemberName,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Attempt<'_>, Duration> {
        self.by_source.take((), source, BY_SOURCE, now)?;
        let fresh = || Ok::<_, Infallible>(Arc::default());
        let key = (name.key(), address_bytes(site(source)));
        let Ok(by_name) = self.by_name.get_or_insert_with(&key, fresh);
        by_name.take(BY_NAME, now)?;
        let by_source = &self.by_source;
        Ok(Attempt {
            by_name,
            by_source,
            source,
        })
    }
}

impl Attempt<'_> {
    /// The password was right: the name starts anew at this source, and the source gets this attempt back.
    pub(crate) fn succeeded(self) {
        self.by_name.clear();
        self.by_source.give_back((), self.source, BY_SOURCE);
    }

    /// Nobody could tell whether the password was right: that is no fault of whoever tried.
    pub(crate) fn give_back(self) {
        self.by_name.give_back(BY_NAME);
        self.by_source.give_back((), self.source, BY_SOURCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn fail(attempts: &Attempts, name: &str, source: &str, now: Timestamp) -> Result<(), Duration> {
        attempts
            .begin(&name.parse().unwrap(), source.parse().unwrap(), now)
            .map(drop)
    }

    #[test]
    fn a_name_is_locked_for_its_source_only_and_for_a_while() {
        let attempts = Attempts::default();
        for _ in 0..5 {
            assert!(fail(&attempts, "ada", "192.0.2.1", NOW).is_ok());
        }
        let wait = fail(&attempts, "ADA", "192.0.2.1", NOW).unwrap_err();
        assert_eq!(wait, Duration::from_mins(1));
        assert!(fail(&attempts, "ada", "192.0.2.2", NOW).is_ok());
        assert!(fail(&attempts, "bob", "192.0.2.1", NOW).is_ok());
        assert!(fail(&attempts, "ada", "192.0.2.1", NOW.after(wait)).is_ok());
    }

    #[test]
    fn a_source_that_tries_many_names_is_stopped() {
        let attempts = Attempts::default();
        let tried = (0..100).filter(|host| {
            let source = format!("2001:db8::{host:x}");
            fail(&attempts, &format!("name {host}"), &source, NOW).is_ok()
        });
        assert_eq!(tried.count(), 20);
        assert!(fail(&attempts, "ada", "2001:db8:0:1::1", NOW).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let attempts = Attempts::default();
        let later = NOW.after(Duration::from_hours(1));
        for _ in 0..5 {
            assert!(fail(&attempts, "ada", "192.0.2.1", later).is_ok());
        }
        assert!(fail(&attempts, "ada", "192.0.2.1", later).is_err());
        for _ in 0..5 {
            assert!(fail(&attempts, "ada", "192.0.2.1", NOW).is_ok());
        }
        assert!(fail(&attempts, "ada", "192.0.2.1", NOW).is_err());
    }

    #[test]
    fn who_saw_the_clock_before_others_starts_nothing_anew() {
        let attempts = Attempts::default();
        let later = NOW.after(Duration::from_micros(1));
        for _ in 0..5 {
            assert!(fail(&attempts, "ada", "192.0.2.1", later).is_ok());
        }
        assert!(fail(&attempts, "ada", "192.0.2.1", NOW).is_err());
    }

    #[test]
    fn who_knows_the_password_is_never_stopped() {
        let attempts = Attempts::default();
        for _ in 0..100 {
            let attempt = attempts.begin(&"ada".parse().unwrap(), "192.0.2.1".parse().unwrap(), NOW);
            attempt.unwrap_or_else(|wait| panic!("{wait:?}")).succeeded();
        }
    }
}
