//! Browsers that a member has signed in with before. Each holds a device cookie: sealed for the member's name, so that no table
//! is needed and nobody makes one. It opens nothing by itself: whoever shows it may try passwords of that name apart from
//! all others, so that no stranger can lock a member out (OWASP, "Slow down online guessing attacks with device cookies").

use std::time::Duration;

use hookgate_domain::{Member, MemberName, SealedSecret, Timestamp};

use crate::{Gate, SealPurpose, Store};

/// How long a device cookie is good for: as long as browsers keep a cookie at most (RFC 6265bis, section 5.5).
pub const DEVICE_LIFE: Duration = Duration::from_hours(400 * 24);
/// Random bytes in a cookie, by which browsers of one member are told apart.
const ID_BYTES: usize = 16;

impl<S: Store> Gate<S> {
    /// What the browser keeps that this member has just signed in with. `None` if it can't be made: the member is in without.
    #[must_use]
    pub fn device(&self, member: &Member) -> Option<SealedSecret> {
        let mut id = [0; ID_BYTES];
        self.ports.entropy.fill(&mut id).ok()?;
        let until = self.now().after(DEVICE_LIFE).as_micros();
        let secret = [&until.to_be_bytes()[..], &id].concat();
        let name = member.name.key();
        self.ports
            .seal
            .seal(&secret, SealPurpose::Device { name: &name })
            .ok()
    }

    /// Which browser of the member it is, if the cookie was made for this name and is not too old.
    pub(crate) fn device_of(&self, name: &MemberName, cookie: &SealedSecret) -> Option<String> {
        let name = name.key();
        let opened = self.ports.seal.open(cookie, SealPurpose::Device { name: &name });
        let opened = opened.ok()?;
        let (until, id) = opened.split_first_chunk()?;
        let until = Timestamp::from_micros(i64::from_be_bytes(*until));
        let id = u128::from_be_bytes(id.try_into().ok()?);
        (self.now() < until).then(|| format!("{id:032x}"))
    }
}
