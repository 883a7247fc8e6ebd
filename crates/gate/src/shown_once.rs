//! Secrets between the act that makes them and the one page that shows them: sealed, bound to the session and to the page,
//! and good for a few minutes. Nothing of them is kept, so every node can show what another one made.

use std::time::Duration;

use hookgate_domain::{SealedSecret, SessionId, Timestamp};
use zeroize::Zeroizing;

use crate::{EntropyError, Gate, SealError, SealPurpose, Store};

/// The time from an act to its page: a redirect takes less than a second, also over a bad connection less than this.
pub const SHOWN_ONCE_LIFE: Duration = Duration::from_mins(5);

/// Random bytes in the key of a form.
const KEY_BYTES: usize = 16;

/// Secrets that one page shows once, a line each. A value has no line break.
pub type ShownOnce = Vec<Zeroizing<String>>;

impl<S: Store> Gate<S> {
    /// Seals secrets for the page at this path, in this session.
    ///
    /// # Errors
    /// [`SealError`] if that can't be done.
    pub fn seal_shown_once(
        &self,
        session: SessionId,
        path: &str,
        values: &[&str],
    ) -> Result<SealedSecret, SealError> {
        let until = self.now().after(SHOWN_ONCE_LIFE).as_micros();
        let lines = Zeroizing::new(format!("{until}\n{}", values.join("\n")));
        let purpose = SealPurpose::ShownOnce { session, path };
        self.ports.seal.seal(lines.as_bytes(), purpose)
    }

    /// Opens what was sealed for the page at this path, in this session. `None` if it is too old or for something else.
    #[must_use]
    pub fn open_shown_once(
        &self,
        session: SessionId,
        path: &str,
        sealed: &SealedSecret,
    ) -> Option<ShownOnce> {
        let purpose = SealPurpose::ShownOnce { session, path };
        let opened = self.ports.seal.open(sealed, purpose).ok()?;
        let (until, values) = std::str::from_utf8(&opened).ok()?.split_once('\n')?;
        let until = Timestamp::from_micros(until.parse().ok()?);
        let is_good = self.now() < until;
        is_good.then(|| {
            values
                .lines()
                .map(|value| Zeroizing::new(value.to_owned()))
                .collect()
        })
    }

    /// A key that no other form has, in hexadecimal digits. It tells two sendings of one form from two forms.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives no random bytes.
    pub fn form_key(&self) -> Result<String, EntropyError> {
        let mut bytes = [0; KEY_BYTES];
        self.ports.entropy.fill(&mut bytes)?;
        Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
    }
}
