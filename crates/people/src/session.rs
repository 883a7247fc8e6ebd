//! Sessions of members in a browser. They end after a time without use, and at a fixed age.

use std::net::IpAddr;
use std::time::Duration;

use crate::{LinkMaker, MemberId, SessionDigest, SessionId};
use hookgate_domain::Timestamp;

/// Time without use after which a session ends: a working day.
///
/// ```
/// assert_eq!(hookgate_people::SESSION_IDLE.as_secs(), 8 * 3_600);
/// ```
pub const SESSION_IDLE: Duration = Duration::from_hours(8);
/// Greatest age of a session, however much it is used.
///
/// ```
/// assert!(hookgate_people::SESSION_LIFE > hookgate_people::SESSION_IDLE);
/// ```
pub const SESSION_LIFE: Duration = Duration::from_hours(7 * 24);

/// Time after sign-in by a link within which the member may set a password without the present one.
///
/// ```
/// assert_eq!(hookgate_people::LINK_PASSWORD_WINDOW.as_secs(), 15 * 60);
/// ```
pub const LINK_PASSWORD_WINDOW: Duration = Duration::from_mins(15);

/// A session of a member.
///
/// ```
/// use hookgate_people::{MemberId, SESSION_IDLE, SESSION_LIFE, Session, SessionDigest, SessionId};
/// use hookgate_domain::Timestamp;
/// use hookgate_people::SignInMeans;
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
    /// Digest of the session token in the cookie.
    pub digest: SessionDigest,
    /// The member.
    pub member: MemberId,
    /// The way in which the member signed in.
    pub means: SignInMeans,
    /// Time of sign-in.
    pub created_at: Timestamp,
    /// Time of the last use, exact to a minute.
    pub last_seen_at: Timestamp,
    /// Source address of the sign-in.
    pub source: IpAddr,
    /// `User-Agent` at sign-in.
    pub user_agent: Option<String>,
    /// The member who made the sign-in link; `None` if the session began with a password, or with a link of the command
    /// line.
    pub made_by: Option<LinkMaker>,
}

impl Session {
    /// `true` if the session has expired: unused for [`SESSION_IDLE`], or as old as [`SESSION_LIFE`].
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.last_seen_at) >= SESSION_IDLE || now.since(self.created_at) >= SESSION_LIFE
    }

    /// `true` if the member may set a password without the present one: within [`LINK_PASSWORD_WINDOW`] after sign-in
    /// by a link. The link must not be the member's own: otherwise a session would be worth as much as the password.
    #[must_use]
    pub fn resets_password(&self, now: Timestamp) -> bool {
        self.means == SignInMeans::Link
            && now.since(self.created_at) < LINK_PASSWORD_WINDOW
            && self.made_by.is_none_or(|maker| maker.member != self.member)
    }
}

/// Ways to sign in.
///
/// ```
/// use hookgate_people::SignInMeans;
///
/// assert_eq!(SignInMeans::Link.as_str(), "link");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignInMeans {
    /// By name and password.
    Password,
    /// By a sign-in link. The member may then set a password without the old one, for [`LINK_PASSWORD_WINDOW`].
    Link,
}

impl SignInMeans {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
        }
    }
}

/// Failed sign-ins of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedSignIns {
    /// Number of failed sign-ins.
    pub count: u64,
    /// Time of the last one.
    pub last_at: Timestamp,
    /// Source address of the last one.
    pub last_from: IpAddr,
}

impl FailedSignIns {
    /// The sum of both, with the time and the address of the later one.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        let last = if others.last_at > self.last_at {
            others
        } else {
            self
        };
        Self {
            count: self.count.saturating_add(others.count),
            ..last
        }
    }
}
