//! API tokens, with which programs sign in.

use thiserror::Error;

use crate::{ApiTokenDigest, Member, MemberId, Role, TokenId, TokenName};
use hookgate_domain::{OrganizationId, Timestamp};

/// A token of the admin API.
///
/// ```
/// use std::time::Duration;
/// use hookgate_domain::{OrganizationId, Timestamp};
/// use hookgate_people::{ApiTokenDigest, Role, Token, TokenError, TokenId, TokenState};
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
    /// The token's organization.
    pub organization: OrganizationId,
    /// Digest of the secret.
    pub digest: ApiTokenDigest,
    /// The display name.
    pub name: TokenName,
    /// The highest role that it can act with.
    pub role: Role,
    /// The member that the token belongs to. The token never may do more than this owner, and is revoked when the owner
    /// is removed. `None` if it was made on the command line.
    pub owner: Option<MemberId>,
    /// Name of its creator, for people to read.
    pub created_by: String,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of expiry; `None` if it does not expire.
    pub expires_at: Option<Timestamp>,
    /// Time of the last use, exact to a minute.
    pub last_used_at: Option<Timestamp>,
    /// Time of the revocation.
    pub revoked_at: Option<Timestamp>,
    /// The token that made it, with which it is revoked; `None` if a member or the command line made it.
    pub made_by: Option<TokenId>,
    /// The first token of the chain of tokens that made this one: the one that a member or the command line made.
    /// `None` if this is the first itself.
    pub root: Option<TokenId>,
}

impl Token {
    /// The state at this time.
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

    /// The role at this time: the token's, or that of its `owner` if it is lower. `None` if the token does not work, or
    /// its owner is gone.
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

    /// The token, revoked.
    ///
    /// # Errors
    /// [`TokenError::AlreadyRevoked`]. An expired token can be revoked.
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

/// States of a token.
///
/// ```
/// use hookgate_people::TokenState;
///
/// assert_eq!(TokenState::Live.as_str(), "live");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenState {
    /// It works.
    Live,
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
}

impl TokenState {
    /// The word for the state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// Refusals of a change of a token, and of making one.
///
/// ```
/// use hookgate_people::TokenError;
///
/// assert_eq!(TokenError::AlreadyRevoked.to_string(), "the token is revoked already");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Revoked is final.
    #[error("the token is revoked already")]
    AlreadyRevoked,
    /// A token can't make one that lives longer than itself.
    #[error("a token can't make one that works for longer than itself")]
    Outlives,
}

/// The account under whose limits a request counts. All sessions and tokens of a member are one account. A token
/// without a member and the tokens that it made are one account too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// A member, in any session or by any token of the member.
    Member(MemberId),
    /// The first of a line of tokens that belong to no member: the token that no other token made.
    Token(TokenId),
}

impl From<&Token> for Account {
    fn from(token: &Token) -> Self {
        let root = token.root.unwrap_or(token.id);
        token.owner.map_or(Self::Token(root), Self::Member)
    }
}
