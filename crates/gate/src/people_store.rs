//! The port to whatever keeps members, sessions, tokens, sign-in links and the audit trail.
//!
//! As with [`Store`](crate::Store), values go in and come out, and lookups answer `Ok(None)` for what is not there. What
//! people change is stored in one transaction with its entry of the audit trail, so there is never one without the other;
//! and rules that depend on what others do at the same time (the last owner, a link that works once) are asked inside it.
//! Whoever acts is looked at again there too ([`StoreError::Actor`]). An entry by a request that the actor has made before is [`StoreError::Conflict`], and nothing is stored.

use std::net::IpAddr;
use std::num::NonZeroU64;

use hookgate_domain::{
    Actor, ActorKind, ApiTokenDigest, AuditActs, AuditEntry, AuditSubject, IdempotencyKey, Member,
    MemberError, MemberId, MemberName, NewAudit, Session, SessionDigest, SessionId, SignInLink,
    SignInSecretDigest, Timestamp, Token, TokenError, TokenId, WebhookHandle, WebhookIdHint, WebhookName,
};

use crate::{ActorContext, MemberChange, PageSize, StoreError};

/// Sessions that a member may have; when another begins, the oldest ends. It bounds what the store keeps and a page shows.
pub const MAX_SESSIONS: u16 = 50;
/// Entries that the audit trail keeps beside failed sign-ins: some hundred MiB, and more than people do in two years.
pub const AUDIT_ROWS: NonZeroU64 = NonZeroU64::new(1_000_000).unwrap();
/// How long the audit trail is kept, in days.
pub const AUDIT_DAYS: u64 = 730;
/// How long failed sign-ins are kept, in days: strangers make them, so they must not push out what members did.
pub const AUDIT_FAILED_DAYS: u64 = 30;

/// Entries of failed sign-ins that the audit trail keeps, each for one hour, subject and network: some MiB.
pub const AUDIT_FAILED_ROWS: u32 = 10_000;

/// Names of actors of one kind that are offered to filter the audit trail by: more than a person looks through, and a store
/// finds each by one look into an index.
pub const MAX_KNOWN_ACTORS: u16 = 500;

/// Keeps members, sessions, tokens, sign-in links and the audit trail.
pub trait PeopleStore: Send + Sync + 'static {
    /// Stores a new member.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the organization has a member whose name
    /// [looks like](hookgate_domain::MemberName::looks_like) this one.
    fn member_insert(
        &self,
        member: Member,
        audit: NewAudit,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The member with this ID.
    fn member_by_id(&self, id: MemberId) -> impl Future<Output = Result<Option<Member>, StoreError>> + Send;

    /// The member with this name, in whatever case.
    fn member_by_name(
        &self,
        name: &MemberName,
    ) -> impl Future<Output = Result<Option<Member>, StoreError>> + Send;

    /// Members in the order of their IDs, that is of their coming, behind `after`.
    fn member_page(
        &self,
        after: Option<MemberId>,
        size: PageSize,
    ) -> impl Future<Output = Result<Vec<Member>, StoreError>> + Send;

    /// Changes the member as it is at that moment, by [`MemberChange::apply`], and gives it back as it is then (or was,
    /// if it is removed). The inner error is the rule that refused; nothing is stored then.
    ///
    /// A new password ends the sessions of the member but for the one to keep, and its sign-in link; also the links that the member
    /// made, and the sessions that they began, but for those made in the session to keep. A higher role ends the link and the sessions
    /// that another member's links began. A lower one ends the links that the member made, and the sessions that they began. A removal
    /// ends these, all sessions and the link, revokes the tokens that the member owns, and marks the webhooks of
    /// [`known_webhooks`](Self::known_webhooks) with the [`Leaver`](hookgate_domain::Leaver), without another revision.
    fn member_act(
        &self,
        id: MemberId,
        change: MemberChange,
        acting: ActorContext,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Result<Member, MemberError>>, StoreError>> + Send;

    /// The living webhooks whose URL or signing secret was shown to this member or to a token that goes with it, in the
    /// order of their handles; how many there are, and at most `most` of them. Also of a member who is gone.
    fn known_webhooks(
        &self,
        member: MemberId,
        most: u16,
    ) -> impl Future<Output = Result<KnownWebhooks, StoreError>> + Send;

    /// Stores a new session of this member, and ends the oldest ones beyond [`MAX_SESSIONS`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the member is gone or has another password by now.
    fn session_insert(
        &self,
        session: Session,
        member: Member,
        audit: NewAudit,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The session with this digest, and whose it is. Also one that is over.
    fn session_by_digest(
        &self,
        digest: &SessionDigest,
    ) -> impl Future<Output = Result<Option<(Session, Member)>, StoreError>> + Send;

    /// The session with this ID. Also one that is over.
    fn session_by_id(
        &self,
        id: SessionId,
    ) -> impl Future<Output = Result<Option<Session>, StoreError>> + Send;

    /// The sessions of a member, newest first, at most [`MAX_SESSIONS`]. Also those that are over.
    fn sessions_for_member(
        &self,
        member: MemberId,
    ) -> impl Future<Output = Result<Vec<Session>, StoreError>> + Send;

    /// Takes note that the session was used.
    fn session_touch(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends the session. Whether there was one; nothing is stored otherwise. If it is ended from elsewhere than itself, the links that
    /// were made in it end too, and the sessions that they began.
    fn session_remove(
        &self,
        id: SessionId,
        audit: NewAudit,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Stores a new token.
    fn token_insert(
        &self,
        token: Token,
        audit: NewAudit,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The token with this digest, and the member that owns it if one does. Also a dead one.
    fn token_by_digest(
        &self,
        digest: &ApiTokenDigest,
    ) -> impl Future<Output = Result<Option<(Token, Option<Member>)>, StoreError>> + Send;

    /// The token with this ID. Also a dead one.
    fn token_by_id(&self, id: TokenId) -> impl Future<Output = Result<Option<Token>, StoreError>> + Send;

    /// Tokens in the order of their IDs, that is of their making, behind `after`. Also dead ones.
    fn token_page(
        &self,
        after: Option<TokenId>,
        size: PageSize,
    ) -> impl Future<Output = Result<Vec<Token>, StoreError>> + Send;

    /// Takes note that the token was used.
    fn token_touch(&self, id: TokenId, now: Timestamp)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Revokes the token and gives it back as it is then. The inner error is the rule that refused. When this answers,
    /// [`token_by_digest`](Self::token_by_digest) gives it as revoked, and all those that it made, and that they made.
    fn token_revoke(
        &self,
        id: TokenId,
        audit: NewAudit,
    ) -> impl Future<Output = Result<Option<Result<Token, TokenError>>, StoreError>> + Send;

    /// Stores a sign-in link in place of an earlier one of the same member. With `first`, that member is stored too, but
    /// only while there is no member at all.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the member is gone or above the actor by now, or if `first` is not the first.
    fn sign_in_link_insert(
        &self,
        link: SignInLink,
        first: Option<Member>,
        audit: NewAudit,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The link with this digest, and whom it signs in. Also one that is over; never one that was used.
    fn sign_in_link_by_digest(
        &self,
        digest: &SignInSecretDigest,
    ) -> impl Future<Output = Result<Option<(SignInLink, Member)>, StoreError>> + Send;

    /// Uses a link up and stores the session that it opens, as [`session_insert`](Self::session_insert) does. Of several
    /// that try at once, one is told that it did.
    fn sign_in_link_use(
        &self,
        digest: SignInSecretDigest,
        session: Session,
        audit: NewAudit,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The failed sign-ins of a member between the sign-in of this session and the one before, and those since the newest sign-in;
    /// `None` if there were none. [`audit_insert`](Self::audit_insert) counts a failed sign-in with its entry, and a session that
    /// begins takes over what was counted until then.
    fn failed_sign_ins(
        &self,
        member: MemberId,
        session: SessionId,
    ) -> impl Future<Output = Result<Option<FailedSignIns>, StoreError>> + Send;

    /// Stores an entry that goes with no change.
    fn audit_insert(&self, audit: NewAudit) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Entries that match the filter, newest first, older than `before`.
    fn audit_page(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        size: PageSize,
    ) -> impl Future<Output = Result<Vec<AuditEntry>, StoreError>> + Send;

    /// How many entries of the trail were ever removed before they were [`AUDIT_DAYS`] old, because there were more than [`AUDIT_ROWS`].
    /// The oldest go of the actor and act that has most.
    fn audit_removed_early(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The actors of this kind that are on the trail, in the order of their names, each name once; at most `most`.
    fn audit_actors(
        &self,
        kind: ActorKind,
        most: u16,
    ) -> impl Future<Output = Result<Vec<KnownActor>, StoreError>> + Send;
}

/// Failed sign-ins of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedSignIns {
    /// How many.
    pub count: u64,
    /// When the last of them was.
    pub last_at: Timestamp,
    /// From where that came.
    pub last_from: IpAddr,
}

impl FailedSignIns {
    /// Both together.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        let last = if others.last_at > self.last_at {
            others
        } else {
            self
        };
        Self {
            count: self.count.saturating_add(others.count),
            ..last
        }
    }
}

/// The webhooks whose secrets a member was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownWebhooks {
    /// The first of them.
    pub webhooks: Vec<KnownWebhook>,
    /// How many there are.
    pub count: u64,
    /// Whether there are living URLs of which nobody wrote down to whom they were shown: the member may know those too.
    pub others_unknown: bool,
}

/// A webhook of which a member was shown a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownWebhook {
    /// Which one.
    pub handle: WebhookHandle,
    /// What people call it.
    pub name: WebhookName,
    /// The first characters of its URL's secret.
    pub hint: WebhookIdHint,
    /// Whether the URL was shown.
    pub url: bool,
    /// Whether the signing secret was shown.
    pub signing_secret: bool,
}

/// Which entries of the audit trail are asked for; the default asks for all. An entry matches if every field does.
///
/// People's words become one by [`Gate::audit_filter`](crate::Gate::audit_filter).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of these acts.
    pub acts: Option<AuditActs>,
    /// About this.
    pub subject: Option<SubjectMatch>,
    /// By this actor.
    pub actor: Option<ActorMatch>,
    /// Done at this time or later. Entries that the clock put out of order by more than [`CLOCK_MARGIN`](crate::CLOCK_MARGIN) may be missing.
    pub from: Option<Timestamp>,
    /// Done before this time.
    pub to: Option<Timestamp>,
    /// By the request with this key.
    pub request: Option<IdempotencyKey>,
}

/// The actors whose entries are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActorMatch {
    /// The member or token with this ID, whatever it was called.
    Id(String),
    /// All actors of this kind.
    Kind(ActorKind),
    /// The actors of these kinds that were called exactly so when they acted; empty is any kind.
    Named(Vec<ActorKind>, String),
}

impl ActorMatch {
    /// Whether the actor is one of them.
    #[must_use]
    pub fn holds(&self, actor: &Actor) -> bool {
        match self {
            Self::Id(id) => actor.id().as_ref() == Some(id),
            Self::Kind(kind) => actor.kind() == kind.as_str(),
            Self::Named(kinds, name) => {
                actor.name() == name
                    && (kinds.is_empty() || kinds.iter().any(|kind| kind.as_str() == actor.kind()))
            }
        }
    }
}

/// The subjects whose entries are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectMatch {
    /// Those with one of these IDs, whatever they were called.
    Ids(Vec<String>),
    /// Those that were called exactly so at that time.
    Named(String),
}

impl SubjectMatch {
    /// Whether the subject is one of them.
    #[must_use]
    pub fn holds(&self, subject: &AuditSubject) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(&subject.id),
            Self::Named(name) => subject.name == *name,
        }
    }
}

/// Somebody who is on the audit trail, by kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownActor {
    /// What it is.
    pub kind: ActorKind,
    /// What it was called when it acted.
    pub name: String,
}
