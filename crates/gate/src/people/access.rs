//! Rights of long-running work, such as an export or a live view. The credential that started it is checked again from
//! time to time, because the session may end, the token may be revoked, or the role may be lowered meanwhile.

use hookgate_people::{ApiTokenDigest, Member, Role, Session, SessionDigest, Token};

use crate::{Credential, Gate, PeopleStore, Store, StoreError};

impl<S: Store + PeopleStore> Gate<S> {
    /// The role that a credential has now; `None` if the credential has ended. This does not count as a use of the
    /// credential, so a page that stays open keeps no session alive.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn current_role(&self, credential: &Credential) -> Result<Option<Role>, StoreError> {
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

    /// The token with this digest, unless it has expired or was revoked. Its role is never above that of its member.
    pub(crate) async fn live_token(&self, digest: &ApiTokenDigest) -> Result<Option<Token>, StoreError> {
        let found = self.store.token_by_digest(digest).await?;
        let now = self.now();
        Ok(found.and_then(|(token, owner)| {
            let role = token.live_role(owner.as_ref(), now)?;
            Some(Token { role, ..token })
        }))
    }
}
