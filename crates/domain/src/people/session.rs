//! Sessions: a browser that somebody signed in with, until it is left alone for too long or has lasted long enough.

use std::net::IpAddr;
use std::time::Duration;

use crate::{LinkMaker, MemberId, SessionDigest, SessionId, Timestamp};

/// How long a session may be left alone: a working day.
///
/// ```
/// assert_eq!(hookgate_domain::SESSION_IDLE.as_secs(), 8 * 3_600);
/// ```
pub const SESSION_IDLE: Duration = Duration::from_hours(8);
/// How long a session lasts, however much it is used.
///
/// ```
/// assert!(hookgate_domain::SESSION_LIFE > hookgate_domain::SESSION_IDLE);
/// ```
pub const SESSION_LIFE: Duration = Duration::from_hours(7 * 24);

/// For so long after a session was begun by a sign-in link, its member may set a password without the present one.
///
/// ```
/// assert_eq!(hookgate_domain::LINK_PASSWORD_WINDOW.as_secs(), 15 * 60);
/// ```
pub const LINK_PASSWORD_WINDOW: Duration = Duration::from_mins(15);

/// A session of a member.
///
/// ```
/// use hookgate_domain::{MemberId, SESSION_IDLE, SESSION_LIFE, Session, SessionDigest, SessionId};
/// use hookgate_domain::{SignInMeans, Timestamp};
///
/// let now = Timestamp::from_micros(0);
/// let session = Session {
///     id: SessionId::new(now, [1; 10]),
///     digest: SessionDigest::from_bytes([1; 32]),
///     member: MemberId::new(now, [1; 10]),
///     means: SignInMeans::Password,
///     created_at: now,
///     last_seen_at: now,
///     source: "192.0.2.7".parse()?,
///     user_agent: None,
///     made_by: None,
/// };
/// assert!(!session.is_over(now) && session.is_over(now.after(SESSION_IDLE)));
/// let busy = Session { last_seen_at: now.after(SESSION_LIFE), ..session };
/// assert!(busy.is_over(now.after(SESSION_LIFE)));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The public name.
    pub id: SessionId,
    /// Digest of what the cookie holds.
    pub digest: SessionDigest,
    /// Whose it is.
    pub member: MemberId,
    /// How it began.
    pub means: SignInMeans,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// Where it began.
    pub source: IpAddr,
    /// How the browser called itself.
    pub user_agent: Option<String>,
    /// The member who made the link that began it; `None` if it began by a password, or by a link of the command line.
    pub made_by: Option<LinkMaker>,
}

impl Session {
    /// Whether it has ended by itself: left alone for [`SESSION_IDLE`], or as old as [`SESSION_LIFE`].
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.last_seen_at) >= SESSION_IDLE || now.since(self.created_at) >= SESSION_LIFE
    }

    /// Whether its member may set a password without the present one: just begun by a link, for [`LINK_PASSWORD_WINDOW`]. Not by
    /// a link that the member made: a session would be worth as much as the password.
    #[must_use]
    pub fn resets_password(&self, now: Timestamp) -> bool {
        self.means == SignInMeans::Link
            && now.since(self.created_at) < LINK_PASSWORD_WINDOW
            && self.made_by.is_none_or(|maker| maker.member != self.member)
    }
}

/// How somebody signed in.
///
/// ```
/// use hookgate_domain::SignInMeans;
///
/// assert_eq!(SignInMeans::Link.as_str(), "link");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignInMeans {
    /// By name and password.
    Password,
    /// By a sign-in link. Whoever did may set a password without knowing the old one, for [`LINK_PASSWORD_WINDOW`].
    Link,
}

impl SignInMeans {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
        }
    }
}
