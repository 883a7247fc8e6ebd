//! The surroundings of the gate in a real process: the system's clock, its randomness, a seal by a key in a file,
//! and hashes of passwords.

mod entropy;
mod passwords;
mod sealing_key;

use std::time::{SystemTime, UNIX_EPOCH};

use hookgate_domain::Timestamp;
use hookgate_gate::{Clock, Ports, Seal};

pub(crate) use entropy::random;
pub(crate) use sealing_key::{NoKey, SealingKey};

/// The surroundings of a gate with this seal.
pub(crate) fn ports(seal: impl Seal + 'static) -> Ports {
    Ports {
        clock: Box::new(SystemClock),
        entropy: Box::new(random()),
        seal: Box::new(seal),
        passwords: Box::new(passwords::Argon2Passwords::new(random())),
    }
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where time comes from"
    )]
    fn now(&self) -> Timestamp {
        let epoch = Timestamp::from_micros(0);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => epoch.after(since),
            Err(earlier) => epoch.before(earlier.duration()),
        }
    }
}
