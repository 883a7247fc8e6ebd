//! Rights of long-running work, such as an export or a live view. The credential that started it is checked again from
//! time to time, because the session may end, the token may be revoked, or the role may be lowered meanwhile.

use hookgate_people::{ApiTokenDigest, Member, MemberId, Role, Session, SessionDigest, Token, TokenId};

use crate::{Gate, PeopleStore, Store, StoreError};

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

/// The digest of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session.
    Session(SessionDigest),
    /// An API token.
    Token(ApiTokenDigest),
}

impl<S: Store + PeopleStore> Gate<S> {
    /// The role that a credential has now; `None` if the credential has ended. This does not count as a use of the
    /// credential, so a page that stays open keeps no session alive.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn role_of(&self, credential: &Credential) -> Result<Option<Role>, StoreError> {
        Ok(match credential {
            Credential::Session(digest) => self.live_session(digest).await?.map(|(member, _)| member.role),
            Credential::Token(digest) => self.live_token(digest).await?.map(|token| token.role),
        })
    }

    /// The session with this digest and its member, unless the session is over.
    pub(crate) async fn live_session(
        &self,
        digest: &SessionDigest,
    ) -> Result<Option<(Member, Session)>, StoreError> {
        let found = self.store.session_by_digest(digest).await?;
        let live = found.filter(|(session, _)| !session.is_over(self.now()));
        Ok(live.map(|(session, member)| (member, session)))
    }

    /// The token with this digest, unless it is dead. Its role is never above that of its member.
    pub(crate) async fn live_token(&self, digest: &ApiTokenDigest) -> Result<Option<Token>, StoreError> {
        let found = self.store.token_by_digest(digest).await?;
        let now = self.now();
        Ok(found.and_then(|(token, owner)| {
            let role = token.live_role(owner.as_ref(), now)?;
            Some(Token { role, ..token })
        }))
    }
}
