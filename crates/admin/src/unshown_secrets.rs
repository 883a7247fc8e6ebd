//! Sealed secrets that their page has not shown yet. They are for the second answer of a double click: the browser
//! drops the first answer, and with it the cookie that brings the secret to its page.
//!
//! The secrets are kept on one node for a few minutes. After a restart, or on another node, the page offers to create
//! a new secret instead.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hookgate_domain::Timestamp;
use hookgate_domain::policy::SealedSecret;
use hookgate_gate::SHOWN_ONCE_LIFE;
use hookgate_people::SessionId;

/// Maximum number of kept secrets, a few hundred bytes each. Only a member who may create something adds one. The
/// oldest is dropped first.
const MAX_UNSHOWN_SECRETS: usize = 256;

/// A sealed secret for the page at `path`, in one session.
struct Entry {
    session: SessionId,
    path: String,
    sealed: SealedSecret,
    until: Timestamp,
}

/// Sealed secrets that wait for their pages.
#[derive(Default)]
pub(crate) struct UnshownSecrets(Mutex<VecDeque<Entry>>);

impl UnshownSecrets {
    fn entries(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a secret until its page has shown it. Replaces an earlier secret of the same page.
    pub(crate) fn keep(&self, session: SessionId, path: &str, sealed: SealedSecret, now: Timestamp) {
        let mut entries = self.entries();
        entries.retain(|entry| entry.until > now && (entry.session, entry.path.as_str()) != (session, path));
        if entries.len() == MAX_UNSHOWN_SECRETS {
            entries.pop_front();
        }
        entries.push_back(Entry {
            session,
            path: path.to_owned(),
            sealed,
            until: now.after(SHOWN_ONCE_LIFE),
        });
    }

    /// The secret that the page at `path` has not shown yet.
    pub(crate) fn find(&self, session: SessionId, path: &str, now: Timestamp) -> Option<SealedSecret> {
        let entries = self.entries();
        let mut theirs = entries
            .iter()
            .filter(|entry| entry.session == session && entry.path == path);
        let entry = theirs.next()?;
        (entry.until > now).then(|| entry.sealed.clone())
    }

    /// Drops the secret that the page at `path` has shown.
    pub(crate) fn forget(&self, session: SessionId, path: &str) {
        self.entries()
            .retain(|entry| (entry.session, entry.path.as_str()) != (session, path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_waits_for_its_page_and_not_for_ever() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let session = |seed| SessionId::new(at(0), [seed; 10]);
        let sealed = |byte| SealedSecret::from_bytes(vec![byte]);
        let unshown = UnshownSecrets::default();
        unshown.keep(session(1), "/a", sealed(1), at(0));
        unshown.keep(session(1), "/b", sealed(2), at(0));
        assert_eq!(unshown.find(session(1), "/a", at(1)), Some(sealed(1)));
        assert_eq!(unshown.find(session(2), "/a", at(1)), None);
        unshown.forget(session(1), "/a");
        assert_eq!(unshown.find(session(1), "/a", at(1)), None);
        assert_eq!(unshown.find(session(1), "/b", at(299)), Some(sealed(2)));
        assert_eq!(unshown.find(session(1), "/b", at(300)), None);
        for number in 0..2 * MAX_UNSHOWN_SECRETS {
            unshown.keep(session(3), &number.to_string(), sealed(3), at(400));
        }
        assert_eq!(unshown.entries().len(), MAX_UNSHOWN_SECRETS);
    }
}
