//! Access to what lasts longer than a moment: a file that is read for minutes, a live view. The credential that began it is looked
//! at again and again, because a session may end meanwhile, a token be revoked, a role fall.

use hookgate_domain::{ApiTokenDigest, Member, MemberId, Role, Session, SessionDigest, Token, TokenId};

use crate::{Gate, PeopleStore, Store, StoreError};

/// The account under whose limits a request counts: all sessions and tokens of a member are one, and so are a token of nobody and
/// those that come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// A member, in any session or by any token that goes with that member.
    Member(MemberId),
    /// The first of a line of tokens that go with no member.
    Token(TokenId),
}

impl From<&Token> for Account {
    fn from(token: &Token) -> Self {
        let root = token.root.unwrap_or(token.id);
        token.owner.map_or(Self::Token(root), Self::Member)
    }
}

/// The digest of what shows that a request is permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session.
    Session(SessionDigest),
    /// An API token.
    Token(ApiTokenDigest),
}

impl<S: Store + PeopleStore> Gate<S> {
    /// The role that a credential has at this moment; `None` if it has ended. Unlike a request, this is no use of it: a page
    /// that stays open keeps no session alive.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn role_of(&self, credential: &Credential) -> Result<Option<Role>, StoreError> {
        Ok(match credential {
            Credential::Session(digest) => self.live_session(digest).await?.map(|(member, _)| member.role),
            Credential::Token(digest) => self.live_token(digest).await?.map(|token| token.role),
        })
    }

    /// The session with this digest and its member, unless it is over.
    pub(crate) async fn live_session(
        &self,
        digest: &SessionDigest,
    ) -> Result<Option<(Member, Session)>, StoreError> {
        let found = self.store.session_by_digest(digest).await?;
        let live = found.filter(|(session, _)| !session.is_over(self.now()));
        Ok(live.map(|(session, member)| (member, session)))
    }

    /// The token with this digest unless it is dead, with a role that is never above that of its member.
    pub(crate) async fn live_token(&self, digest: &ApiTokenDigest) -> Result<Option<Token>, StoreError> {
        let found = self.store.token_by_digest(digest).await?;
        let now = self.now();
        Ok(found.and_then(|(token, owner)| {
            let role = token.live_role(owner.as_ref(), now)?;
            Some(Token { role, ..token })
        }))
    }
}
