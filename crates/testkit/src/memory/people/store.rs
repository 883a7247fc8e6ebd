//! The port to people.

use std::collections::BTreeSet;

use hookgate_domain::Timestamp;
use hookgate_domain::webhook::Leaver;
use hookgate_gate::{
    ActorContext, AuditFilter, FailedSignIns, KnownActor, KnownWebhook, KnownWebhooks, MemberChange,
    PageSize, PeopleStore, StoreError,
};
use hookgate_people::{
    ActorKind, ApiTokenDigest, AuditEntry, Member, MemberError, MemberId, MemberName, NewAudit, Session,
    SessionDigest, SessionId, SignInLink, SignInSecretDigest, Token, TokenError, TokenId,
};

use crate::memory::state::{MemoryStore, State};

impl PeopleStore for MemoryStore {
    async fn member_insert(&self, member: Member, audit: NewAudit) -> Result<(), StoreError> {
        let people = &mut self.up()?.people;
        people.check(&audit)?;
        let is_taken = people
            .members
            .values()
            .any(|known| known.name.looks_like(&member.name));
        if is_taken || people.is_repeated(&audit) {
            return Err(StoreError::Conflict);
        }
        people.members.insert(member.id, member);
        people.note(audit);
        Ok(())
    }

    async fn member_by_id(&self, id: MemberId) -> Result<Option<Member>, StoreError> {
        Ok(self.up()?.people.members.get(&id).cloned())
    }

    async fn member_by_name(&self, name: &MemberName) -> Result<Option<Member>, StoreError> {
        let state = self.up()?;
        let mut members = state.people.members.values();
        Ok(members.find(|member| member.name == *name).cloned())
    }

    async fn member_page(&self, after: Option<MemberId>, size: PageSize) -> Result<Vec<Member>, StoreError> {
        let state = self.up()?;
        let members = state.people.members.values();
        let behind = members.filter(|member| after.is_none_or(|after| member.id > after));
        Ok(behind.take(size.rows().into()).cloned().collect())
    }

    async fn member_act(
        &self,
        id: MemberId,
        change: MemberChange,
        actor: ActorContext,
        now: Timestamp,
    ) -> Result<Option<Result<Member, MemberError>>, StoreError> {
        let mut state = self.up()?;
        state.people.check_actor(&actor.identity, actor.session, now)?;
        let acted = state.people.act(id, &change, &actor, now);
        if let (MemberChange::Remove, Some(Ok(member))) = (&change, &acted) {
            let State { people, webhooks, .. } = &mut *state;
            let alive = webhooks.values_mut().filter(|webhook| webhook.live_url().is_ok());
            for webhook in alive.filter(|webhook| people.knows(id, webhook.handle) != [false; 2]) {
                webhook.leaver.get_or_insert_with(|| Leaver {
                    name: member.name.to_string(),
                    since: now,
                });
            }
        }
        Ok(acted)
    }

    async fn known_webhooks(&self, member: MemberId, most: u16) -> Result<KnownWebhooks, StoreError> {
        let state = self.up()?;
        let alive = state
            .webhooks
            .values()
            .filter(|webhook| webhook.live_url().is_ok());
        let known = alive.filter_map(|webhook| {
            let [url, signing_secret] = state.people.knows(member, webhook.handle);
            (url || signing_secret).then(|| KnownWebhook {
                handle: webhook.handle,
                name: webhook.name.clone(),
                hint: webhook.state.hint(),
                url,
                signing_secret,
            })
        });
        let mut webhooks: Vec<_> = known.collect();
        webhooks.sort_by_key(|webhook| webhook.handle);
        let count = u64::try_from(webhooks.len()).unwrap_or(u64::MAX);
        webhooks.truncate(most.into());
        Ok(KnownWebhooks {
            webhooks,
            count,
            others_unknown: false,
        })
    }

    async fn session_insert(
        &self,
        session: Session,
        member: Member,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let people = &mut self.up()?.people;
        let now = people.members.get(&member.id);
        if now.is_none_or(|now| now.password != member.password) {
            return Err(StoreError::Conflict);
        }
        people.begin(session);
        people.note(audit);
        Ok(())
    }

    async fn session_by_digest(
        &self,
        digest: &SessionDigest,
    ) -> Result<Option<(Session, Member)>, StoreError> {
        let people = &self.up()?.people;
        let found = people.sessions.values().find(|session| session.digest == *digest);
        Ok(found.and_then(|session| Some((session.clone(), people.members.get(&session.member)?.clone()))))
    }

    async fn session_by_id(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.up()?.people.sessions.get(&id).cloned())
    }

    async fn sessions_for_member(&self, member: MemberId) -> Result<Vec<Session>, StoreError> {
        let state = self.up()?;
        let sessions = state.people.sessions.values().rev();
        Ok(sessions
            .filter(|session| session.member == member)
            .cloned()
            .collect())
    }

    async fn session_touch(&self, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
        if let Some(session) = self.up()?.people.sessions.get_mut(&id) {
            session.last_seen_at = session.last_seen_at.max(now);
        }
        Ok(())
    }

    async fn session_remove(&self, id: SessionId, audit: NewAudit) -> Result<bool, StoreError> {
        let people = &mut self.up()?.people;
        people.check(&audit)?;
        let ended = people.sessions.remove(&id).is_some();
        if ended {
            if audit.session != Some(id) {
                people.end_made(|_, maker| maker.session == Some(id));
            }
            people.note(audit);
        }
        Ok(ended)
    }

    async fn token_insert(&self, token: Token, audit: NewAudit) -> Result<(), StoreError> {
        let people = &mut self.up()?.people;
        people.check(&audit)?;
        if people.is_repeated(&audit) {
            return Err(StoreError::Conflict);
        }
        people.tokens.insert(token.id, token);
        people.note(audit);
        Ok(())
    }

    async fn token_by_digest(
        &self,
        digest: &ApiTokenDigest,
    ) -> Result<Option<(Token, Option<Member>)>, StoreError> {
        let people = &self.up()?.people;
        let found = people.tokens.values().find(|token| token.digest == *digest);
        let owner = |token: &Token| people.members.get(&token.owner?).cloned();
        Ok(found.map(|token| (token.clone(), owner(token))))
    }

    async fn token_by_id(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        Ok(self.up()?.people.tokens.get(&id).cloned())
    }

    async fn token_page(&self, after: Option<TokenId>, size: PageSize) -> Result<Vec<Token>, StoreError> {
        let state = self.up()?;
        let tokens = state.people.tokens.values();
        let behind = tokens.filter(|token| after.is_none_or(|after| token.id > after));
        Ok(behind.take(size.rows().into()).cloned().collect())
    }

    async fn token_touch(&self, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
        if let Some(token) = self.up()?.people.tokens.get_mut(&id) {
            token.last_used_at = Some(now);
        }
        Ok(())
    }

    async fn token_revoke(
        &self,
        id: TokenId,
        audit: NewAudit,
    ) -> Result<Option<Result<Token, TokenError>>, StoreError> {
        let people = &mut self.up()?.people;
        people.check(&audit)?;
        let Some(token) = people.tokens.get_mut(&id) else {
            return Ok(None);
        };
        let revoked = token.clone().revoke(audit.at);
        if let Ok(revoked) = &revoked {
            token.clone_from(revoked);
            people.end_tokens_of(id, audit.at);
            people.note(audit);
        }
        Ok(Some(revoked))
    }

    async fn sign_in_link_insert(
        &self,
        link: SignInLink,
        first: Option<Member>,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let people = &mut self.up()?.people;
        people.check(&audit)?;
        if let Some(member) = first {
            if !people.members.is_empty() {
                return Err(StoreError::Conflict);
            }
            people.members.insert(member.id, member);
        } else {
            let now = people.members.get(&link.member);
            if now.is_none_or(|now| now.check_changeable(audit.actor.role()).is_err()) {
                return Err(StoreError::Conflict);
            }
        }
        people.links.insert(link.member, link);
        people.note(audit);
        Ok(())
    }

    async fn sign_in_link_by_digest(
        &self,
        digest: &SignInSecretDigest,
    ) -> Result<Option<(SignInLink, Member)>, StoreError> {
        let people = &self.up()?.people;
        let found = people.links.values().find(|link| link.digest == *digest);
        Ok(found.and_then(|link| Some((*link, people.members.get(&link.member)?.clone()))))
    }

    async fn sign_in_link_use(
        &self,
        digest: SignInSecretDigest,
        session: Session,
        audit: NewAudit,
    ) -> Result<bool, StoreError> {
        let people = &mut self.up()?.people;
        let before = people.links.len();
        people.links.retain(|_, link| link.digest != digest);
        let used = people.links.len() < before;
        if used {
            people.begin(session);
            people.note(audit);
        }
        Ok(used)
    }

    async fn failed_sign_ins(
        &self,
        member: MemberId,
        session: SessionId,
    ) -> Result<Option<FailedSignIns>, StoreError> {
        let failures = &self.up()?.people.failures;
        let counted = [Some(session), None].map(|before| failures.get(&(member, before)).copied());
        Ok(counted.into_iter().flatten().reduce(FailedSignIns::and))
    }

    async fn audit_insert(&self, audit: NewAudit) -> Result<(), StoreError> {
        let people = &mut self.up()?.people;
        people.count_failure(&audit);
        people.note(audit);
        Ok(())
    }

    async fn audit_page(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        size: PageSize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let state = self.up()?;
        let older = state.people.audit.range(..before.unwrap_or(i64::MAX)).rev();
        let wanted = older.map(|(_, entry)| entry).filter(|entry| {
            filter
                .acts
                .as_ref()
                .is_none_or(|acts| acts.as_slice().contains(&entry.act))
                && filter
                    .subject
                    .as_ref()
                    .is_none_or(|subject| subject.holds(&entry.subject))
                && filter
                    .actor
                    .as_ref()
                    .is_none_or(|actor| actor.holds(&entry.actor))
                && filter.from.is_none_or(|from| entry.at >= from)
                && filter.to.is_none_or(|to| entry.at < to)
                && (filter.request.is_none()
                    || filter.request.as_ref() == entry.request.as_ref().map(|request| &request.key))
        });
        Ok(wanted.take(size.rows().into()).cloned().collect())
    }

    async fn audit_removed_early(&self) -> Result<u64, StoreError> {
        Ok(self.up()?.people.removed_early)
    }

    async fn audit_actors(&self, kind: ActorKind, most: u16) -> Result<Vec<KnownActor>, StoreError> {
        let state = self.up()?;
        let actors = state.people.audit.values().map(|entry| &entry.actor);
        let of_kind = actors.filter(|actor| actor.kind() == kind.as_str());
        let names: BTreeSet<_> = of_kind.map(|actor| actor.name().to_owned()).collect();
        let known = names.into_iter().map(|name| KnownActor { kind, name });
        Ok(known.take(most.into()).collect())
    }
}
