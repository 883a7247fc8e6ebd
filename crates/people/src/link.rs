//! Sign-in links, which sign a member in without a password, once and for a short time.

use std::time::Duration;

use crate::{MemberId, SessionId, SignInSecretDigest};
use hookgate_domain::Timestamp;

/// Lifetime of a sign-in link.
///
/// ```
/// assert_eq!(hookgate_people::SIGN_IN_LINK_LIFE.as_secs(), 30 * 60);
/// ```
pub const SIGN_IN_LINK_LIFE: Duration = Duration::from_mins(30);

/// A link that signs a member in, once.
///
/// ```
/// use hookgate_domain::Timestamp;
/// use hookgate_people::{MemberId, SIGN_IN_LINK_LIFE, SignInLink, SignInSecretDigest};
///
/// let now = Timestamp::from_micros(0);
/// let (digest, member) = (SignInSecretDigest::from_bytes([1; 32]), MemberId::new(now, [1; 10]));
/// let link = SignInLink { digest, member, created_at: now, made_by: None };
/// assert!(!link.is_over(now));
/// assert!(link.is_over(link.expires_at()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInLink {
    /// Digest of the link's secret.
    pub digest: SignInSecretDigest,
    /// The member that the link signs in.
    pub member: MemberId,
    /// Time of creation.
    pub created_at: Timestamp,
    /// The member who made the link; `None` if it was made on the command line.
    pub made_by: Option<LinkMaker>,
}

/// The member who made a sign-in link. The link, and the session that it began, end when this member is removed or gets
/// a lower role, when a new password of this member does not spare the session in which the link was made, and when
/// that session is ended from another one; signing out ends neither. They also end when the member who signs in with
/// the link gets a higher role, unless it made the link.
///
/// ```
/// use hookgate_domain::Timestamp;
/// use hookgate_people::{LinkMaker, MemberId};
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
    /// Time of expiry: [`SIGN_IN_LINK_LIFE`] after the creation.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.after(SIGN_IN_LINK_LIFE)
    }

    /// `true` if the link has expired.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at()
    }
}
