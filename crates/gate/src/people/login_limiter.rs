//! Limits attempts at passwords: by name and source together, by source alone, and by name alone. An attempt with a
//! valid device cookie is counted by that browser alone, so nobody can lock a member out of a browser in which the
//! member has signed in before. A successful sign-in is not counted, nor is an attempt whose password could not be
//! checked.

mod attempt_counts;

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_people::MemberName;

use self::attempt_counts::AttemptCounts;
use crate::rate_limiter::{Allowance, RateLimiters};

/// Wrong passwords for one name from one source or browser: five at once, and one more a minute. People mistype a few
/// times.
const PAIR_ALLOWANCE: Allowance = Allowance::new(5, Duration::from_mins(5));
/// Wrong passwords for any name from one source: 20 at once, and one more each 15 seconds. An office may share one
/// address.
const SOURCE_ALLOWANCE: Allowance = Allowance::new(20, Duration::from_mins(5));
/// Wrong passwords for one name from all sources without a device cookie: 50 at once, and 50 each hour, which are 1,200
/// guesses a day.
const NAME_ALLOWANCE: Allowance = Allowance::new(50, Duration::from_hours(1));
/// Maximum number of sources remembered, and of pairs of a name and a source. An attacker with enough sources to push a
/// pair out gains nothing by it, and is counted by the name.
const MAX_REMEMBERED: usize = 10_000;

/// The recent attempts at passwords.
pub(crate) struct LoginLimiter {
    pairs: RateLimiters<String>,
    sources: RateLimiters<()>,
    names: AttemptCounts,
    browsers: AttemptCounts,
}

/// The origin of an attempt, by which it is counted.
#[derive(Clone, Debug)]
pub(crate) enum AttemptOrigin {
    /// A source, by its address.
    Source(IpAddr),
    /// A browser in which the member has signed in before, or a session of the member, by its ID.
    Known(String),
}

/// The limit that refuses an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooMany {
    /// Too many attempts from this source or browser. The time is the wait for the next one.
    Source(Duration),
    /// Too many attempts at this name, from all sources. The time is the wait for the next one.
    Name(Duration),
}

/// A counted attempt.
pub(crate) struct Attempt<'a> {
    limiter: &'a LoginLimiter,
    name: String,
    by: AttemptOrigin,
}

impl Default for LoginLimiter {
    fn default() -> Self {
        Self {
            pairs: RateLimiters::new(PAIR_ALLOWANCE, MAX_REMEMBERED),
            sources: RateLimiters::new(SOURCE_ALLOWANCE, MAX_REMEMBERED),
            names: AttemptCounts::new(NAME_ALLOWANCE),
            browsers: AttemptCounts::new(PAIR_ALLOWANCE),
        }
    }
}

impl LoginLimiter {
    /// Counts an attempt before the password is checked, so that concurrent attempts are counted too.
    ///
    /// # Errors
    /// [`TooMany`].
    pub(crate) fn begin(
        &self,
        name: &MemberName,
        by: AttemptOrigin,
        now: Timestamp,
    ) -> Result<Attempt<'_>, TooMany> {
        let name = name.key();
        match &by {
            AttemptOrigin::Source(source) => self.take_of_stranger(&name, *source, now)?,
            AttemptOrigin::Known(browser) => {
                let counted = self.browsers.take(&(&name, browser), now);
                counted.map_err(TooMany::Source)?;
            }
        }
        let limiter = self;
        Ok(Attempt { limiter, name, by })
    }

    /// Takes a cell from all three limits of a stranger, or from none.
    fn take_of_stranger(&self, name: &String, source: IpAddr, now: Timestamp) -> Result<(), TooMany> {
        let by_source = self.sources.take(&(), source, now);
        by_source.map_err(TooMany::Source)?;
        if let Err(wait) = self.pairs.take(name, source, now) {
            self.sources.give_back(&(), source);
            return Err(TooMany::Source(wait));
        }
        if let Err(wait) = self.names.take(name, now) {
            self.sources.give_back(&(), source);
            self.pairs.give_back(name, source);
            return Err(TooMany::Name(wait));
        }
        Ok(())
    }

    /// The number of recent attempts of the source, or of the networks around it, that were counted.
    pub(crate) fn failures(&self, source: IpAddr, now: Timestamp) -> u32 {
        self.sources.used(&(), source, now)
    }
}

impl Attempt<'_> {
    /// Ends an attempt whose password was right: the count of the name at this source or browser is cleared, and the
    /// other limits get this attempt back.
    pub(crate) fn succeeded(self) {
        self.give_back();
        match &self.by {
            AttemptOrigin::Source(source) => self.limiter.pairs.clear(&self.name, *source),
            AttemptOrigin::Known(browser) => self.limiter.browsers.clear(&(&self.name, browser)),
        }
    }

    /// Gives an attempt back whose password could not be checked: that is not the caller's fault.
    pub(crate) fn give_back(&self) {
        let limiter = self.limiter;
        match &self.by {
            AttemptOrigin::Source(source) => {
                let source = *source;
                limiter.sources.give_back(&(), source);
                limiter.pairs.give_back(&self.name, source);
                limiter.names.give_back(&self.name);
            }
            AttemptOrigin::Known(browser) => limiter.browsers.give_back(&(&self.name, browser)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn fail(limiter: &LoginLimiter, name: &str, source: &str, now: Timestamp) -> Result<(), TooMany> {
        let by = AttemptOrigin::Source(source.parse().unwrap());
        limiter.begin(&name.parse().unwrap(), by, now).map(drop)
    }

    fn count(limiter: &LoginLimiter, sources: impl Iterator<Item = String>) -> usize {
        sources
            .filter(|source| fail(limiter, "ada", source, NOW).is_ok())
            .count()
    }

    #[test]
    fn a_name_is_locked_for_its_source_only_and_for_a_while() {
        let limiter = LoginLimiter::default();
        for _ in 0..5 {
            assert!(fail(&limiter, "ada", "192.0.2.1", NOW).is_ok());
        }
        let wait = Duration::from_mins(1);
        for _ in 0..100 {
            // A refused attempt takes nothing from the others behind this address.
            let refused = fail(&limiter, "ADA", "192.0.2.1", NOW);
            assert_eq!(refused, Err(TooMany::Source(wait)));
        }
        assert!(fail(&limiter, "ada", "192.0.2.2", NOW).is_ok());
        assert!(fail(&limiter, "bob", "192.0.2.1", NOW).is_ok());
        assert!(fail(&limiter, "ada", "192.0.2.1", NOW.after(wait)).is_ok());
    }

    #[test]
    fn a_source_that_tries_many_names_is_stopped() {
        let limiter = LoginLimiter::default();
        let tried = (0..100).filter(|host| {
            let source = format!("2001:db8::{host:x}");
            fail(&limiter, &format!("name {host}"), &source, NOW).is_ok()
        });
        assert_eq!(tried.count(), 20);
        assert!(fail(&limiter, "ada", "2001:db8:0:1::1", NOW).is_ok());
    }

    #[test]
    fn who_has_many_networks_guesses_no_more_for_it() {
        let of_56 = count(
            &LoginLimiter::default(),
            (0..256).map(|n| format!("2001:db8:0:{n:x}::1")),
        );
        let of_48 = count(
            &LoginLimiter::default(),
            (0..4_096).map(|n| format!("2001:db8:0:{:x}::1", n * 16)),
        );
        assert_eq!((of_56, of_48), (10, 20));
    }

    #[test]
    fn a_name_that_is_guessed_from_everywhere_takes_a_known_browser() {
        let limiter = LoginLimiter::default();
        let sources = || (0..200).map(|n| format!("192.0.2.{n}"));
        assert_eq!(count(&limiter, sources()), 50);
        let wait = Duration::from_secs(72);
        let refused = fail(&limiter, "Ada", "198.51.100.1", NOW);
        assert_eq!(refused, Err(TooMany::Name(wait)));
        assert!(fail(&limiter, "bob", "198.51.100.1", NOW).is_ok());
        assert!(fail(&limiter, "ada", "198.51.100.1", NOW.after(wait)).is_ok());
        let known = |browser: u8| {
            limiter.begin(
                &"ada".parse().unwrap(),
                AttemptOrigin::Known(format!("{browser}")),
                NOW,
            )
        };
        for _ in 0..10 {
            known(1).unwrap_or_else(|_| panic!("locked out")).succeeded();
        }
        for _ in 0..5 {
            assert!(known(1).is_ok());
        }
        assert!(known(1).is_err(), "a stolen cookie does not guess for ever");
        assert!(known(2).is_ok());
    }

    #[test]
    fn made_up_names_push_no_count_out_and_tell_nothing() {
        let limiter = LoginLimiter::default();
        let tried = ["ada", "nobody"];
        let address = |number: u32| IpAddr::from((0x0A00_0000 + number).to_be_bytes()).to_string();
        for host in 0..50 {
            for name in tried {
                assert_eq!(fail(&limiter, name, &address(host), NOW), Ok(()));
            }
        }
        // As many as can be checked in that time, a thousand times as many as there are members.
        let mut now = NOW;
        for number in 0..40_000 {
            now = now.after(Duration::from_millis(5));
            assert_eq!(
                fail(&limiter, &format!("name {number}"), &address(1_000 + number), now),
                Ok(())
            );
        }
        let regained = now.since(NOW).as_secs() / 72;
        for name in tried {
            let again = (0..100).filter(|host| fail(&limiter, name, &address(100_000 + host), now).is_ok());
            assert_eq!(again.count() as u64, regained, "{name}");
        }
    }

    #[test]
    fn what_nobody_could_check_is_counted_for_nobody() {
        let limiter = LoginLimiter::default();
        for by in [
            AttemptOrigin::Source([192, 0, 2, 1].into()),
            AttemptOrigin::Known("1".to_owned()),
        ] {
            for _ in 0..300 {
                let attempt = limiter.begin(&"ada".parse().unwrap(), by.clone(), NOW);
                attempt.unwrap_or_else(|_| panic!("{by:?}")).give_back();
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let limiter = LoginLimiter::default();
        let later = NOW.after(Duration::from_hours(5));
        for now in [later, NOW] {
            for _ in 0..5 {
                assert!(fail(&limiter, "ada", "192.0.2.1", now).is_ok());
            }
            assert!(fail(&limiter, "ada", "192.0.2.1", now).is_err());
        }
    }
}
