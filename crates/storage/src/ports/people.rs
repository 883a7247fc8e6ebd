//! The gate's port for people on a [`Database`]. An entry of the audit trail is stored in the transaction of
//! its change.

use hookgate_domain::{OrganizationId, Timestamp};
use hookgate_gate::{
    ActorContext, AuditFilter, FailedSignIns, KnownActor, KnownWebhooks, MAX_SESSIONS, MemberChange,
    PageSize, PeopleStore, StoreError,
};
use hookgate_people::{
    ActorKind, ApiTokenDigest, AuditEntry, Member, MemberError, MemberId, MemberName, NewAudit, Session,
    SessionDigest, SessionId, SignInLink, SignInSecretDigest, Token, TokenError, TokenId,
};

use crate::Database;
use crate::audit::queries::{actor_names, audit_page};
use crate::audit::statements::audit_insert;
use crate::connection::Connection;
use crate::counters::{Counter, counter_value};
use crate::locks::members::{LockMode, lock_members};
use crate::people::actor::audited;
use crate::people::links;
use crate::people::member_change::{act, known_webhooks};
use crate::people::queries::{
    failures_for_member, link_by_digest, member_by_id, member_by_name_key, member_names, member_page,
    session_by_digest, session_by_id, sessions_for_member, token_by_digest, token_by_id, token_page,
};
use crate::people::statements::{
    failure_count, failures_take, member_insert, no_member, session_delete, session_insert, session_touch,
    sessions_trim, token_insert, token_revoke, token_touch, tokens_revoke_by,
};
use crate::query_error::QueryError;
use crate::rows::{page_start, read_count, read_pair, read_row, read_rows};

impl PeopleStore for Database {
    async fn member_insert(&self, member: Member, audit: NewAudit) -> Result<(), StoreError> {
        let work = move |connection: &mut Connection| {
            let names = member_names(connection, member.organization.get())?;
            let mut names = names.iter().filter_map(|name| MemberName::from_stored(name));
            if names.any(|name| name.looks_like(&member.name)) {
                return Ok(None);
            }
            Ok(Some(member_insert(connection, &member)?))
        };
        let stored = self.audited("store a member", audit, work).await?;
        stored.ok_or(StoreError::Conflict)
    }

    async fn member_by_id(&self, id: MemberId) -> Result<Option<Member>, StoreError> {
        let work = move |connection: &mut Connection| read_row(member_by_id(connection, &id.to_string())?);
        self.read("look up a member", work).await
    }

    async fn member_by_name(&self, name: &MemberName) -> Result<Option<Member>, StoreError> {
        let key = name.key();
        let work = move |connection: &mut Connection| {
            read_row(member_by_name_key(connection, OrganizationId::FIRST.get(), &key)?)
        };
        self.read("look up a member by name", work).await
    }

    async fn member_page(&self, after: Option<MemberId>, size: PageSize) -> Result<Vec<Member>, StoreError> {
        let after = page_start(after);
        let work = move |connection: &mut Connection| {
            read_rows(member_page(connection, &after, size.rows().into())?)
        };
        self.read("list members", work).await
    }

    async fn member_act(
        &self,
        id: MemberId,
        change: MemberChange,
        actor: ActorContext,
        now: Timestamp,
    ) -> Result<Option<Result<Member, MemberError>>, StoreError> {
        let work = move |connection: &mut Connection| act(connection, id, &change, &actor, now);
        self.change("change a member", work).await
    }

    async fn known_webhooks(&self, member: MemberId, most: u16) -> Result<KnownWebhooks, StoreError> {
        let work =
            move |connection: &mut Connection| known_webhooks(connection, &member.to_string(), most.into());
        self.read("list the webhooks that a member knows", work).await
    }

    async fn session_insert(
        &self,
        session: Session,
        member: Member,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let work = move |connection: &mut Connection| {
            let now: Option<Member> = read_row(member_by_id(connection, &member.id.to_string())?)?;
            if now.is_none_or(|now| now.password != member.password) {
                return Ok(None);
            }
            begin(connection, &session).map(Some)
        };
        let stored = self.signed_in("store a session", audit, work).await?;
        stored.ok_or(StoreError::Conflict)
    }

    async fn session_by_digest(
        &self,
        digest: &SessionDigest,
    ) -> Result<Option<(Session, Member)>, StoreError> {
        let digest = *digest;
        let work =
            move |connection: &mut Connection| read_pair(session_by_digest(connection, digest.as_bytes())?);
        self.read("look up a session", work).await
    }

    async fn session_by_id(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let work = move |connection: &mut Connection| read_row(session_by_id(connection, &id.to_string())?);
        self.read("look up a session", work).await
    }

    async fn sessions_for_member(&self, member: MemberId) -> Result<Vec<Session>, StoreError> {
        let work = move |connection: &mut Connection| {
            read_rows(sessions_for_member(
                connection,
                &member.to_string(),
                MAX_SESSIONS.into(),
            )?)
        };
        self.read("list sessions", work).await
    }

    async fn session_touch(&self, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let work = move |connection: &mut Connection| {
            Ok(session_touch(connection, &id.to_string(), now.as_micros())?)
        };
        self.change("note the use of a session", work).await
    }

    async fn session_remove(&self, id: SessionId, audit: NewAudit) -> Result<bool, StoreError> {
        let own = audit.session;
        let work = move |connection: &mut Connection| {
            let (key, is_own) = (id.to_string(), own == Some(id));
            if !session_delete(connection, &key)? {
                return Ok(None);
            }
            // A session that signs out keeps its invitations. A session that another one ends may be a
            // thief's, so its invitations end too.
            if !is_own {
                links::made_delete_in(connection, &key)?;
            }
            Ok(Some(()))
        };
        let ended = self.audited("end a session", audit, work).await?;
        Ok(ended.is_some())
    }

    async fn token_insert(&self, token: Token, audit: NewAudit) -> Result<(), StoreError> {
        let work = move |connection: &mut Connection| Ok(Some(token_insert(connection, &token)?));
        let stored = self.audited("store a token", audit, work).await?;
        stored.ok_or(StoreError::Conflict)
    }

    async fn token_by_digest(
        &self,
        digest: &ApiTokenDigest,
    ) -> Result<Option<(Token, Option<Member>)>, StoreError> {
        let digest = *digest;
        let work = move |connection: &mut Connection| {
            let Some((token, owner)) = token_by_digest(connection, digest.as_bytes())? else {
                return Ok(None);
            };
            Ok(Some((token.try_into()?, read_row(owner)?)))
        };
        self.read("look up a token", work).await
    }

    async fn token_by_id(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        let work = move |connection: &mut Connection| read_row(token_by_id(connection, &id.to_string())?);
        self.read("look up a token", work).await
    }

    async fn token_page(&self, after: Option<TokenId>, size: PageSize) -> Result<Vec<Token>, StoreError> {
        let after = page_start(after);
        let work =
            move |connection: &mut Connection| read_rows(token_page(connection, &after, size.rows().into())?);
        self.read("list tokens", work).await
    }

    async fn token_touch(&self, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
        let work =
            move |connection: &mut Connection| Ok(token_touch(connection, &id.to_string(), now.as_micros())?);
        self.change("note the use of a token", work).await
    }

    async fn token_revoke(
        &self,
        id: TokenId,
        audit: NewAudit,
    ) -> Result<Option<Result<Token, TokenError>>, StoreError> {
        let work = move |connection: &mut Connection| {
            let id = id.to_string();
            let Some(token) = read_row::<_, Token>(token_by_id(connection, &id)?)? else {
                return Ok(None);
            };
            let revoked = token.revoke(audit.at);
            audited(connection, &audit, |connection| {
                if revoked.is_err() {
                    return Ok(None);
                }
                token_revoke(connection, &id, audit.at.as_micros())?;
                Ok(Some(tokens_revoke_by(connection, id, audit.at.as_micros())?))
            })?;
            Ok(Some(revoked))
        };
        self.change("revoke a token", work).await
    }

    async fn sign_in_link_insert(
        &self,
        link: SignInLink,
        first: Option<Member>,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let by = audit.actor.role();
        let work = move |connection: &mut Connection| {
            if let Some(member) = &first {
                if !no_member(connection)? {
                    return Ok(None);
                }
                member_insert(connection, member)?;
            } else {
                let now: Option<Member> = read_row(member_by_id(connection, &link.member.to_string())?)?;
                if now.is_none_or(|now| now.check_changeable(by).is_err()) {
                    return Ok(None);
                }
            }
            Ok(Some(links::upsert_link(connection, &link)?))
        };
        let stored = self.audited("store a sign-in link", audit, work).await?;
        stored.ok_or(StoreError::Conflict)
    }

    async fn sign_in_link_by_digest(
        &self,
        digest: &SignInSecretDigest,
    ) -> Result<Option<(SignInLink, Member)>, StoreError> {
        let digest = *digest;
        let work =
            move |connection: &mut Connection| read_pair(link_by_digest(connection, digest.as_bytes())?);
        self.read("look up a sign-in link", work).await
    }

    async fn sign_in_link_use(
        &self,
        digest: SignInSecretDigest,
        session: Session,
        audit: NewAudit,
    ) -> Result<bool, StoreError> {
        let work = move |connection: &mut Connection| {
            // A change of the maker or of the member ends the link before, or the session after: the lock
            // orders them.
            lock_members(connection, LockMode::Shared)?;
            if links::link_delete(connection, digest.as_bytes())? {
                begin(connection, &session).map(Some)
            } else {
                Ok(None)
            }
        };
        let used = self.signed_in("use a sign-in link", audit, work).await?;
        Ok(used.is_some())
    }

    async fn audit_insert(&self, audit: NewAudit) -> Result<(), StoreError> {
        let work = move |connection: &mut Connection| {
            audit_insert(connection, &audit)?;
            Ok(failure_count(connection, &audit)?)
        };
        self.change("store an entry of the audit trail", work).await
    }

    async fn failed_sign_ins(
        &self,
        member: MemberId,
        session: SessionId,
    ) -> Result<Option<FailedSignIns>, StoreError> {
        let work = move |connection: &mut Connection| {
            let (member, session) = (member.to_string(), session.to_string());
            let counted: Vec<FailedSignIns> = read_rows(failures_for_member(connection, &member, &session)?)?;
            Ok(counted.into_iter().reduce(FailedSignIns::and))
        };
        self.read("look up failed sign-ins", work).await
    }

    async fn audit_page(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        size: PageSize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let filter = filter.clone();
        let before = before.unwrap_or(i64::MAX);
        let work = move |connection: &mut Connection| {
            read_rows(audit_page(connection, &filter, before, size.rows().into())?)
        };
        self.read("list the audit trail", work).await
    }

    async fn audit_removed_early(&self) -> Result<u64, StoreError> {
        let work = |connection: &mut Connection| {
            let removed = counter_value(connection, Counter::AuditEarly)?;
            Ok(read_count("counters", "next", removed)?)
        };
        self.read("look for removed entries of the audit trail", work)
            .await
    }

    async fn audit_actors(&self, kind: ActorKind, most: u16) -> Result<Vec<KnownActor>, StoreError> {
        let work = move |connection: &mut Connection| Ok(actor_names(connection, kind, most)?);
        let names = self.read("list the actors of the audit trail", work).await?;
        let known = names.into_iter().map(|name| KnownActor { kind, name });
        Ok(known.collect())
    }
}

/// Stores a session, and ends the member's oldest ones beyond the bound.
fn begin(connection: &mut Connection, session: &Session) -> Result<(), QueryError> {
    let member = session.member.to_string();
    session_insert(connection, session)?;
    sessions_trim(connection, &member, MAX_SESSIONS.into())?;
    failures_take(connection, &member, &session.id.to_string())?;
    Ok(())
}
