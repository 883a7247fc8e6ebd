//! Secrets between the act that creates them and the one page that shows them. They are sealed, bound to the session
//! and to the page, and valid for a few minutes. The server keeps nothing, so every node can show the secrets that
//! another one created.

use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_domain::policy::SealedSecret;
use hookgate_people::SessionId;
use zeroize::Zeroizing;

use crate::{EntropyError, Gate, SealError, SealPurpose, Store};

/// Validity of sealed secrets: a redirect to their page takes less than a second, and less than this over a bad
/// connection.
pub const SHOWN_ONCE_LIFE: Duration = Duration::from_mins(5);

/// Random bytes in the key of a form.
const KEY_BYTES: usize = 16;

/// Secrets that one page shows once, one per line. A value has no line break.
pub type ShownOnce = Vec<Zeroizing<String>>;

impl<S: Store> Gate<S> {
    /// Seals secrets for the page at this path, in this session.
    ///
    /// # Errors
    /// [`SealError`] if sealing fails.
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

    /// Opens secrets that were sealed for the page at this path, in this session. `None` if they have expired or were
    /// sealed for another use.
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

    /// A random key for a form, in hexadecimal digits. It tells a form that was sent twice from two forms.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives no random bytes.
    pub fn form_key(&self) -> Result<String, EntropyError> {
        let mut bytes = [0; KEY_BYTES];
        self.ports.entropy.fill(&mut bytes)?;
        Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
    }
}
