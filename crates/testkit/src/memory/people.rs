//! Members, sessions, tokens, sign-in links and the audit trail.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::networks::wider_prefixes;
use hookgate_domain::webhook::Leaver;
use hookgate_domain::{Timestamp, Webhook, WebhookHandle};
use hookgate_gate::{
    AUDIT_DAYS, AUDIT_FAILED_DAYS, AUDIT_FAILED_ROWS, AUDIT_ROWS, ActorContext, AuditFilter, FailedSignIns,
    KnownActor, KnownWebhook, KnownWebhooks, MAX_SESSIONS, MemberChange, PageSize, PeopleStore, StoreError,
    check_actor,
};
use hookgate_people::{
    Actor, ActorKind, ApiTokenDigest, AuditAct, AuditEntry, LinkMaker, Member, MemberError, MemberId,
    MemberName, NewAudit, Role, Session, SessionDigest, SessionId, SignInLink, SignInSecretDigest, Token,
    TokenError, TokenId,
};

use super::{MemoryStore, State};

const HOUR_MICROS: i64 = 3_600_000_000;
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The stored data about people.
#[derive(Debug, Default)]
pub(super) struct People {
    members: BTreeMap<MemberId, Member>,
    sessions: BTreeMap<SessionId, Session>,
    tokens: BTreeMap<TokenId, Token>,
    links: BTreeMap<MemberId, SignInLink>,
    audit: BTreeMap<i64, AuditEntry>,
    /// IDs of the actors to whom the URL and the signing secret of a webhook were shown.
    shown: BTreeMap<WebhookHandle, [Option<String>; 2]>,
    last_audit: i64,
    /// Number of entries that were removed before they were too old.
    removed_early: u64,
    /// Number of failed sign-ins that an entry counts, if there are several.
    attempts: BTreeMap<i64, u64>,
    /// Failed sign-ins of a member before a session; with `None`, those since the last session began.
    failures: BTreeMap<(MemberId, Option<SessionId>), FailedSignIns>,
}

fn is_failure(entry: &AuditEntry) -> bool {
    entry.act == AuditAct::SessionSignInFailed
}

/// `true` if the entry counts this failed sign-in too: same subject, hour and network.
fn is_like(entry: &AuditEntry, audit: &NewAudit) -> bool {
    let hour = |at: Timestamp| at.as_micros().div_euclid(HOUR_MICROS);
    let network = |from: Option<IpAddr>| from.map(|address| wider_prefixes(address)[1]);
    is_failure(entry)
        && audit.act == entry.act
        && audit.subject.id == entry.subject.id
        && hour(audit.at) == hour(entry.at)
        && network(audit.from) == network(entry.from)
}

impl People {
    /// Stores an entry of the audit trail.
    pub(super) fn note(&mut self, audit: NewAudit) {
        if let Some(entry) = self.audit.values_mut().find(|entry| is_like(entry, &audit)) {
            *self.attempts.entry(entry.id).or_insert(1) += 1;
            entry.after = Some(format!("{{\"attempts\":{}}}", self.attempts[&entry.id]));
            return;
        }
        self.last_audit += 1;
        self.audit
            .insert(self.last_audit, audit.numbered(self.last_audit));
    }

    /// Checks that the actor of this entry still has the right to act.
    pub(super) fn check(&self, audit: &NewAudit) -> Result<(), StoreError> {
        self.check_actor(&audit.actor, audit.session, audit.at)
    }

    /// Checks that an actor in this session still has the right to act.
    pub(super) fn check_actor(
        &self,
        actor: &Actor,
        session: Option<SessionId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let role = match actor {
            Actor::Member { id, .. } => {
                let is_alive = |id| {
                    let session = self.sessions.get(&id);
                    session.is_some_and(|session| !session.is_over(now))
                };
                let member = self.members.get(id).filter(|_| session.is_none_or(is_alive));
                member.map(|member| member.role)
            }
            Actor::Token { id, .. } => self.tokens.get(id).and_then(|token| {
                let owner = token.owner.and_then(|owner| self.members.get(&owner));
                token.live_role(owner, now)
            }),
            Actor::CommandLine { .. } | Actor::System => return Ok(()),
        };
        Ok(check_actor(actor, role)?)
    }

    /// Stores to whom a new URL or signing secret is shown. `before` is the replaced webhook, and `true` if its URL was
    /// replaced.
    pub(super) fn show(&mut self, webhook: &Webhook, before: Option<(&Webhook, bool)>, audit: &NewAudit) {
        let who = audit.actor.id();
        let [url, secret] = self.shown.entry(webhook.handle).or_default();
        if before.is_none_or(|(_, is_new)| is_new) {
            url.clone_from(&who);
        }
        let new = &webhook.policy.signing_secret;
        if new.is_some() && before.is_none_or(|(before, _)| before.policy.signing_secret != *new) {
            *secret = who;
        }
    }

    /// Two flags: the URL, and the signing secret, of a webhook were shown to this member or a token of it.
    fn knows(&self, member: MemberId, webhook: WebhookHandle) -> [bool; 2] {
        let is_theirs = |id: &String| {
            let token: Option<TokenId> = id.parse().ok();
            let owner = token.and_then(|token| self.tokens.get(&token)?.owner);
            *id == member.to_string() || owner == Some(member)
        };
        let shown = self.shown.get(&webhook).cloned().unwrap_or_default();
        shown.map(|id| id.as_ref().is_some_and(is_theirs))
    }

    /// `true` if the actor has made the request of this entry before.
    pub(super) fn is_repeated(&self, audit: &NewAudit) -> bool {
        let Some(request) = &audit.request else {
            return false;
        };
        let mut entries = self.audit.values();
        entries.any(|entry| {
            let key = entry.request.as_ref().map(|earlier| &earlier.key);
            entry.actor.id() == audit.actor.id() && key == Some(&request.key)
        })
    }

    /// Removes expired sessions and links, and old entries. Returns the number of removed rows.
    pub(super) fn prune(&mut self, now: Timestamp) -> u64 {
        let before = self.rows();
        self.sessions.retain(|_, session| !session.is_over(now));
        self.links.retain(|_, link| !link.is_over(now));
        let surplus = |most: usize| {
            let entries = self.audit.iter().rev();
            let mut numbers = entries.filter(|(_, entry)| is_failure(entry));
            numbers.nth(most).map(|(id, _)| *id)
        };
        let failures = surplus(usize::try_from(AUDIT_FAILED_ROWS).unwrap_or(usize::MAX));
        self.audit.retain(|id, entry| {
            let (days, surplus) = if is_failure(entry) {
                (AUDIT_FAILED_DAYS, failures)
            } else {
                (AUDIT_DAYS, None)
            };
            entry.at >= now.before(Duration::from_secs(days * DAY_SECONDS)) && Some(*id) > surplus
        });
        self.prune_surplus(usize::try_from(AUDIT_ROWS.get()).unwrap_or(usize::MAX));
        u64::try_from(before - self.rows()).unwrap_or(u64::MAX)
    }

    /// Removes the oldest entries of the actor and act that have most, until at most `most` are left.
    fn prune_surplus(&mut self, most: usize) {
        let mut held: BTreeMap<(String, &str), VecDeque<i64>> = BTreeMap::new();
        for entry in self.audit.values().filter(|entry| !is_failure(entry)) {
            let actor = entry.actor.id().unwrap_or_else(|| entry.actor.kind().to_owned());
            held.entry((actor, entry.act.as_str()))
                .or_default()
                .push_back(entry.id);
        }
        let mut left: usize = held.values().map(VecDeque::len).sum();
        while left > most {
            let largest = held.values_mut().max_by_key(|ids| ids.len());
            if let Some(oldest) = largest.and_then(VecDeque::pop_front) {
                self.audit.remove(&oldest);
                self.removed_early += 1;
            }
            left -= 1;
        }
    }

    fn rows(&self) -> usize {
        self.sessions.len() + self.links.len() + self.audit.len()
    }

    /// Revokes the tokens that a token made, and those that these made.
    fn end_tokens_of(&mut self, id: TokenId, at: Timestamp) {
        let mut makers = vec![id];
        while let Some(maker) = makers.pop() {
            let made = self
                .tokens
                .values_mut()
                .filter(|token| token.made_by == Some(maker));
            for token in made {
                if let Ok(revoked) = token.clone().revoke(at) {
                    makers.push(revoked.id);
                    *token = revoked;
                }
            }
        }
    }

    /// Ends links, and sessions that links began; `ends` decides by the member who uses the link and its maker.
    fn end_made(&mut self, ends: impl Fn(MemberId, LinkMaker) -> bool) {
        let stays = |member, maker: Option<LinkMaker>| maker.is_none_or(|maker| !ends(member, maker));
        self.links.retain(|_, link| stays(link.member, link.made_by));
        self.sessions
            .retain(|_, session| stays(session.member, session.made_by));
    }

    /// Counts a failed sign-in, if its subject is a member.
    fn count_failure(&mut self, audit: &NewAudit) {
        let member = audit.subject.id.parse().ok();
        let member = member.filter(|id| self.members.contains_key(id));
        let (AuditAct::SessionSignInFailed, Some(member), Some(last_from)) = (audit.act, member, audit.from)
        else {
            return;
        };
        let one = FailedSignIns {
            count: 1,
            last_at: audit.at,
            last_from,
        };
        let counted = self.failures.remove(&(member, None));
        let counted = counted.map_or(one, |before| FailedSignIns {
            count: before.count + 1,
            ..one
        });
        self.failures.insert((member, None), counted);
    }

    fn begin(&mut self, session: Session) {
        let member = session.member;
        let before = self.failures.remove(&(member, None));
        self.failures.retain(|(of, _), _| *of != member);
        if let Some(before) = before {
            self.failures.insert((member, Some(session.id)), before);
        }
        self.sessions.insert(session.id, session);
        let theirs = self.sessions.values().rev().filter(|one| one.member == member);
        let surplus: Vec<_> = theirs.skip(MAX_SESSIONS.into()).map(|one| one.id).collect();
        self.sessions.retain(|id, _| !surplus.contains(id));
    }

    fn act(
        &mut self,
        id: MemberId,
        change: &MemberChange,
        acting: &ActorContext,
        now: Timestamp,
    ) -> Option<Result<Member, MemberError>> {
        let member = self.members.get(&id)?.clone();
        let owners = self
            .members
            .values()
            .filter(|member| member.role == Role::Owner)
            .count();
        let before = member.role;
        let (member, audit) = match change.apply(member, owners.try_into().unwrap_or(0), acting, now) {
            Ok(applied) => applied,
            Err(refused) => return Some(Err(refused)),
        };
        match change {
            MemberChange::Role { .. } => {
                self.members.insert(id, member.clone());
                match member.role.cmp(&before) {
                    Ordering::Greater => self.end_made(|of, maker| of == id && maker.member != id),
                    Ordering::Less => self.end_made(|_, maker| maker.member == id),
                    Ordering::Equal => {}
                }
            }
            MemberChange::Password(_, kept) => {
                self.members.insert(id, member.clone());
                self.sessions
                    .retain(|session, one| one.member != id || Some(*session) == *kept);
                self.links.remove(&id);
                self.end_made(|_, maker| maker.member == id && (kept.is_none() || maker.session != *kept));
            }
            MemberChange::Remove => {
                self.members.remove(&id);
                self.failures.retain(|(of, _), _| *of != id);
                self.sessions.retain(|_, session| session.member != id);
                self.links.remove(&id);
                self.end_made(|_, maker| maker.member == id);
                for token in self.tokens.values_mut().filter(|token| token.owner == Some(id)) {
                    token.revoked_at.get_or_insert(now);
                }
            }
        }
        self.note(audit);
        Some(Ok(member))
    }
}

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
        acting: ActorContext,
        now: Timestamp,
    ) -> Result<Option<Result<Member, MemberError>>, StoreError> {
        let mut state = self.up()?;
        state.people.check_actor(&acting.identity, acting.session, now)?;
        let acted = state.people.act(id, &change, &acting, now);
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
