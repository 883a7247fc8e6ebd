//! Sign-in links: a way in without a password, once and soon.

use std::time::Duration;

use crate::{MemberId, SessionId, SignInSecretDigest, Timestamp};

/// How long a sign-in link works.
///
/// ```
/// assert_eq!(hookgate_domain::SIGN_IN_LINK_LIFE.as_secs(), 30 * 60);
/// ```
pub const SIGN_IN_LINK_LIFE: Duration = Duration::from_mins(30);

/// A link that signs a member in, once.
///
/// ```
/// use hookgate_domain::{MemberId, SIGN_IN_LINK_LIFE, SignInLink, SignInSecretDigest, Timestamp};
///
/// let now = Timestamp::from_micros(0);
/// let (digest, member) = (SignInSecretDigest::from_bytes([1; 32]), MemberId::new(now, [1; 10]));
/// let link = SignInLink { digest, member, created_at: now, made_by: None };
/// assert!(!link.is_over(now));
/// assert!(link.is_over(link.expires_at()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInLink {
    /// Digest of its secret.
    pub digest: SignInSecretDigest,
    /// Whom it signs in.
    pub member: MemberId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The member who made it; `None` if it was made on the command line.
    pub made_by: Option<LinkMaker>,
}

/// The member who made a sign-in link. The link, and the session that it began, end when this member is removed, gets a lower role
/// or signs out elsewhere by a new password, and with the session in which the link was made if that is ended by another.
///
/// ```
/// use hookgate_domain::{LinkMaker, MemberId, Timestamp};
///
/// let maker = LinkMaker { member: MemberId::new(Timestamp::from_micros(0), [1; 10]), session: None };
/// assert_eq!(maker.session, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkMaker {
    /// The member.
    pub member: MemberId,
    /// The session in which the link was made, if that is known.
    pub session: Option<SessionId>,
}

impl SignInLink {
    /// When it stops working: [`SIGN_IN_LINK_LIFE`] after it was made.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.after(SIGN_IN_LINK_LIFE)
    }

    /// Whether it has stopped working.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at()
    }
}
