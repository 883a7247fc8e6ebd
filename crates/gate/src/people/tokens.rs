//! API tokens: create, list, revoke and authenticate.

use std::net::IpAddr;

use hookgate_domain::{OrganizationId, Timestamp};
use hookgate_people::{
    Actor, ApiToken, AuditAct, AuditSubject, Permission, Role, Token, TokenError, TokenId, TokenName,
};
use serde_json::{Value, json};

use super::sessions::TOUCH_INTERVAL;
use crate::{ActorContext, CredentialError, Forbidden, Gate, PageSize, PeopleError, PeopleStore, Store};

impl<S: Store + PeopleStore> Gate<S> {
    /// Creates a token. Its secret can't be read again. A token that a member creates belongs to that member, and so
    /// does one that is created by a token of the member.
    ///
    /// # Errors
    /// [`PeopleError::Forbidden`], also for a role above the actor's own; [`PeopleError::Token`] for an end after that
    /// of the token that makes it, whose end is also the default; [`PeopleError::ByLink`] in a session that a member's
    /// link began; or a failure of a port.
    pub async fn token_create(
        &self,
        actor: &ActorContext,
        name: TokenName,
        role: Role,
        expires_at: Option<Timestamp>,
    ) -> Result<(ApiToken, Token), PeopleError> {
        actor.require(Permission::ManagePeople)?;
        if role > actor.role() {
            return Err(Forbidden(role).into());
        }
        self.check_own_session(actor).await?;
        let now = self.now();
        let maker = self.maker(&actor.identity).await?;
        let expires_at = end_of(maker.as_ref(), expires_at)?;
        let secret = ApiToken::generate(|buffer| self.ports.entropy.fill(buffer))?;
        let token = Token {
            id: TokenId::new(now, self.random()?),
            organization: OrganizationId::FIRST,
            digest: secret.digest(),
            name,
            role,
            owner: match &actor.identity {
                Actor::Member { id, .. } => Some(*id),
                _ => maker.as_ref().and_then(|maker| maker.owner),
            },
            created_by: actor.identity.name().to_owned(),
            created_at: now,
            expires_at,
            last_used_at: None,
            revoked_at: None,
            made_by: maker.as_ref().map(|maker| maker.id),
            root: maker.map(|maker| maker.root.unwrap_or(maker.id)),
        };
        let days = expires_at.map(|end| end.since(now).as_secs().div_ceil(86_400));
        let after = json!({"role": role.as_str(), "expires_in_days": days});
        let changes = (Value::Null, after);
        let audit = actor.note_change(AuditAct::TokenCreate, token_subject(&token), now, changes);
        self.store.token_insert(token.clone(), audit).await?;
        self.credentials.remember(*token.digest.as_bytes());
        Ok((secret, token))
    }

    /// Tokens in the order of their creation, behind `after`; expired and revoked ones too.
    ///
    /// # Errors
    /// [`PeopleError::Forbidden`] or [`PeopleError::Store`].
    pub async fn token_list(
        &self,
        actor: &ActorContext,
        after: Option<TokenId>,
        size: PageSize,
    ) -> Result<Vec<Token>, PeopleError> {
        actor.require(Permission::ManagePeople)?;
        Ok(self.store.token_page(after, size).await?)
    }

    /// Revokes a token. When this returns, no node accepts it any more.
    ///
    /// # Errors
    /// [`PeopleError::NotFound`], [`PeopleError::Forbidden`], also for a token above the actor's own role,
    /// [`PeopleError::Token`] or [`PeopleError::Store`].
    pub async fn token_revoke(&self, actor: &ActorContext, id: TokenId) -> Result<Token, PeopleError> {
        actor.require(Permission::ManagePeople)?;
        let token = self.store.token_by_id(id).await?.ok_or(PeopleError::NotFound)?;
        if token.role > actor.role() {
            return Err(Forbidden(token.role).into());
        }
        let audit = actor.note(AuditAct::TokenRevoke, token_subject(&token), self.now());
        let revoked = self.store.token_revoke(id, audit).await?;
        Ok(revoked.ok_or(PeopleError::NotFound)??)
    }

    /// The token with this secret, if it is live, with its present role, which is never above that of its member. The
    /// token is read from the store each time, so a revoked one stops working at once.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn authenticate(
        &self,
        secret: &ApiToken,
        from: IpAddr,
    ) -> Result<Option<Token>, CredentialError> {
        let (now, digest) = (self.now(), secret.digest());
        let look_up = self.live_token(&digest);
        let found = self.credentials.find(digest.as_bytes(), from, now, look_up);
        let Some(mut token) = found.await? else {
            return Ok(None);
        };
        if token
            .last_used_at
            .is_none_or(|last| now.since(last) >= TOUCH_INTERVAL)
        {
            self.store.token_touch(token.id, now).await?;
            token.last_used_at = Some(now);
        }
        Ok(Some(token))
    }

    /// The token that is the actor, if one is.
    async fn maker(&self, actor: &Actor) -> Result<Option<Token>, PeopleError> {
        let Actor::Token { id, .. } = actor else {
            return Ok(None);
        };
        let token = self.store.token_by_id(*id).await?;
        token.map(Some).ok_or(PeopleError::NotFound)
    }
}

/// The end of a new token: at most that of the token that makes it, which is also the default.
fn end_of(maker: Option<&Token>, asked: Option<Timestamp>) -> Result<Option<Timestamp>, TokenError> {
    match (maker.and_then(|maker| maker.expires_at), asked) {
        (Some(latest), Some(asked)) if asked > latest => Err(TokenError::Outlives),
        (latest, asked) => Ok(asked.or(latest)),
    }
}

fn token_subject(token: &Token) -> AuditSubject {
    AuditSubject::new(token.id, &token.name)
}
