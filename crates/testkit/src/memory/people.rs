//! Members, sessions, tokens, sign-in links and the audit trail.

mod audit;
mod store;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use hookgate_domain::{Timestamp, Webhook, WebhookHandle};
use hookgate_gate::{ActorContext, FailedSignIns, MAX_SESSIONS, MemberChange, StoreError, check_actor};
use hookgate_people::{
    Actor, AuditEntry, LinkMaker, Member, MemberError, MemberId, NewAudit, Role, Session, SessionId,
    SignInLink, Token, TokenId,
};

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

impl People {
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
        let shown = self.shown.get(&webhook).cloned().unwrap_or([None, None]);
        shown.map(|id| id.as_ref().is_some_and(is_theirs))
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
        actor: &ActorContext,
        now: Timestamp,
    ) -> Option<Result<Member, MemberError>> {
        let member = self.members.get(&id)?.clone();
        let owners = self
            .members
            .values()
            .filter(|member| member.role == Role::Owner)
            .count();
        let before = member.role;
        let (member, audit) = match change.apply(member, owners.try_into().unwrap_or(0), actor, now) {
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
