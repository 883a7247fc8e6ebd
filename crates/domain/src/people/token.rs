//! API tokens: how programs sign in.

use thiserror::Error;

use crate::{ApiTokenDigest, Member, MemberId, OrganizationId, Role, Timestamp, TokenId, TokenName};

/// A token of the admin API.
///
/// ```
/// use std::time::Duration;
/// use hookgate_domain::{
///     ApiTokenDigest, OrganizationId, Role, Timestamp, Token, TokenError, TokenId, TokenState,
/// };
///
/// let now = Timestamp::from_micros(0);
/// let token = Token {
///     id: TokenId::new(now, [1; 10]),
///     organization: OrganizationId::FIRST,
///     digest: ApiTokenDigest::from_bytes([1; 32]),
///     name: "backup".parse()?,
///     role: Role::Viewer,
///     owner: None,
///     created_by: "root".into(),
///     created_at: now,
///     expires_at: Some(now.after(Duration::from_secs(60))),
///     last_used_at: None,
///     revoked_at: None,
///     made_by: None,
///     root: None,
/// };
/// assert_eq!(token.state(now), TokenState::Live);
/// assert_eq!(token.state(now.after(Duration::from_secs(60))), TokenState::Expired);
/// assert_eq!(token.live_role(None, now), Some(Role::Viewer));
/// let revoked = token.revoke(now)?;
/// assert_eq!(revoked.state(now), TokenState::Revoked);
/// assert_eq!(revoked.live_role(None, now), None);
/// assert_eq!(revoked.revoke(now), Err(TokenError::AlreadyRevoked));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The public name.
    pub id: TokenId,
    /// Where it belongs.
    pub organization: OrganizationId,
    /// Digest of the secret.
    pub digest: ApiTokenDigest,
    /// What people call it.
    pub name: TokenName,
    /// What it may do, at most.
    pub role: Role,
    /// The member that it goes with: it never may more than its owner, and is revoked when the owner is removed.
    /// `None` if it was made on the command line.
    pub owner: Option<MemberId>,
    /// Who made it, for people to read.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The token that made it, with which it is revoked; `None` if a member or the command line did.
    pub made_by: Option<TokenId>,
    /// The first token of its line: the one that a member or the command line made, of which this one comes. `None` if it is the
    /// first itself.
    pub root: Option<TokenId>,
}

impl Token {
    /// Whether it works.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> TokenState {
        if self.revoked_at.is_some() {
            TokenState::Revoked
        } else if self.expires_at.is_some_and(|end| now >= end) {
            TokenState::Expired
        } else {
            TokenState::Live
        }
    }

    /// The role that it has at this moment, which is never above that of the `owner` that it goes with. `None` if it does not
    /// work, or its owner is gone.
    #[must_use]
    pub fn live_role(&self, owner: Option<&Member>, now: Timestamp) -> Option<Role> {
        if self.state(now) != TokenState::Live {
            return None;
        }
        match self.owner {
            None => Some(self.role),
            Some(id) => owner
                .filter(|owner| owner.id == id)
                .map(|owner| self.role.min(owner.role)),
        }
    }

    /// The token, dead.
    ///
    /// # Errors
    /// [`TokenError::AlreadyRevoked`]. One that has expired can be revoked.
    pub fn revoke(self, now: Timestamp) -> Result<Self, TokenError> {
        match self.revoked_at {
            Some(_) => Err(TokenError::AlreadyRevoked),
            None => Ok(Self {
                revoked_at: Some(now),
                ..self
            }),
        }
    }
}

/// Whether a token works.
///
/// ```
/// use hookgate_domain::TokenState;
///
/// assert_eq!(TokenState::Live.as_str(), "live");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenState {
    /// It works.
    Live,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

impl TokenState {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// Why a change of a token is refused.
///
/// ```
/// use hookgate_domain::TokenError;
///
/// assert_eq!(TokenError::AlreadyRevoked.to_string(), "the token is revoked already");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Revoked is final.
    #[error("the token is revoked already")]
    AlreadyRevoked,
    /// A token makes none that works for longer than itself.
    #[error("a token can't make one that works for longer than itself")]
    Outlives,
}
