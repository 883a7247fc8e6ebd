//! Device cookies: browsers in which a member has signed in before. A cookie is sealed for the member's name, so it
//! needs no table and can't be forged. It grants no access. A browser that shows it has a limit of its own for
//! passwords of that name, so no stranger can lock a member out (OWASP, "Slow down online guessing attacks with device
//! cookies").

use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_domain::policy::SealedSecret;
use hookgate_people::{Member, MemberName};

use crate::{Gate, SealPurpose, Store};

/// Life of a device cookie: as long as browsers keep a cookie at most (RFC 6265bis, section 5.5).
pub const DEVICE_LIFE: Duration = Duration::from_hours(400 * 24);
/// Random bytes in a cookie, which tell the browsers of one member apart.
const ID_BYTES: usize = 16;

impl<S: Store> Gate<S> {
    /// The device cookie for a browser in which this member has just signed in. `None` if it can't be made: the sign-in
    /// succeeds without.
    #[must_use]
    pub fn new_device_cookie(&self, member: &Member) -> Option<SealedSecret> {
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

    /// The ID of the member's browser, if the cookie was made for this name and has not expired.
    pub(crate) fn device_id(&self, name: &MemberName, cookie: &SealedSecret) -> Option<String> {
        let name = name.key();
        let opened = self.ports.seal.open(cookie, SealPurpose::Device { name: &name });
        let opened = opened.ok()?;
        let (until, id) = opened.split_first_chunk()?;
        let until = Timestamp::from_micros(i64::from_be_bytes(*until));
        let id = u128::from_be_bytes(id.try_into().ok()?);
        (self.now() < until).then(|| format!("{id:032x}"))
    }
}
