//! The port to the storage of members, sessions, tokens, sign-in links and the audit trail.
//!
//! As with [`Store`](crate::Store), values go in and come out, and lookups return `Ok(None)` for what does not exist. A
//! change is stored in one transaction with its entry of the audit trail, so there is never one without the other.
//! Rules that depend on concurrent changes (the last owner, a link that works once) are checked in that transaction,
//! and so is the actor ([`StoreError::Actor`](crate::StoreError::Actor)). An entry with an idempotency key that the actor
//! has used before is [`StoreError::Conflict`](crate::StoreError::Conflict), and nothing is stored.

use hookgate_domain::Timestamp;
use hookgate_people::{
    ActorKind, ApiTokenDigest, AuditEntry, AuditFilter, FailedSignIns, KnownActor, KnownWebhooks, Member,
    MemberError, MemberId, MemberName, NewAudit, Session, SessionDigest, SessionId, SignInLink,
    SignInSecretDigest, Token, TokenError, TokenId,
};

use crate::{ActorContext, MemberChange, PageSize, StoreFuture};

/// Maximum number of sessions of a member; when another begins, the oldest ends. It bounds the store and the page of
/// sessions.
pub const MAX_SESSIONS: u16 = 50;
/// Maximum number of actors of one kind that a filter of the audit trail offers: more than a person looks through, and
/// a store finds each by one read of an index.
pub const MAX_KNOWN_ACTORS: u16 = 500;

/// Stores members, sessions, tokens, sign-in links and the audit trail.
pub trait PeopleStore: Send + Sync + 'static {
    /// Stores a new member.
    ///
    /// # Errors
    /// [`StoreError::Conflict`](crate::StoreError::Conflict) if the organization has a member whose name
    /// [looks like](hookgate_people::MemberName::looks_like) this one.
    fn member_insert(&self, member: Member, audit: NewAudit) -> impl StoreFuture<()>;

    /// The member with this ID.
    fn member_by_id(&self, id: MemberId) -> impl StoreFuture<Option<Member>>;

    /// The member with this name, in any case.
    fn member_by_name(&self, name: &MemberName) -> impl StoreFuture<Option<Member>>;

    /// Members in the order of their IDs, which is the order in which they were added, behind `after`.
    fn member_page(&self, after: Option<MemberId>, size: PageSize) -> impl StoreFuture<Vec<Member>>;

    /// Changes the member as it is in the transaction, by [`MemberChange::apply`], and returns the member after the
    /// change (or before it, for a removal). The inner error is the rule that refused; nothing is stored then.
    ///
    /// A new password ends the sessions of the member except the one to keep, and the member's sign-in link. It also
    /// ends the links that the member made, and the sessions that they began, except those made in the session to keep.
    /// A higher role ends the link, and the sessions that links of other members began. A lower role ends the links
    /// that the member made, and the sessions that they began. A removal ends these, all sessions and the link, revokes
    /// the tokens that the member owns, and marks the webhooks of [`known_webhooks`](Self::known_webhooks) with the
    /// [`Leaver`](hookgate_domain::webhook::Leaver), without another revision.
    fn member_act(
        &self,
        id: MemberId,
        change: MemberChange,
        actor: ActorContext,
        now: Timestamp,
    ) -> impl StoreFuture<Option<Result<Member, MemberError>>>;

    /// The live webhooks whose URL or signing secret was shown to this member or to a token of the member, in the order
    /// of their handles: their number, and at most `most` of them. Works for a removed member too.
    fn known_webhooks(&self, member: MemberId, most: u16) -> impl StoreFuture<KnownWebhooks>;

    /// Stores a new session of this member, and ends the oldest ones beyond [`MAX_SESSIONS`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`](crate::StoreError::Conflict) if the member is gone or has another password by now.
    fn session_insert(&self, session: Session, member: Member, audit: NewAudit) -> impl StoreFuture<()>;

    /// The session with this digest, and its member. Expired sessions are found too.
    fn session_by_digest(&self, digest: &SessionDigest) -> impl StoreFuture<Option<(Session, Member)>>;

    /// The session with this ID. Expired sessions are found too.
    fn session_by_id(&self, id: SessionId) -> impl StoreFuture<Option<Session>>;

    /// The sessions of a member, newest first, at most [`MAX_SESSIONS`]. Expired sessions are included.
    fn sessions_for_member(&self, member: MemberId) -> impl StoreFuture<Vec<Session>>;

    /// Stores the time of the last use of the session.
    fn session_touch(&self, id: SessionId, now: Timestamp) -> impl StoreFuture<()>;

    /// Ends the session. Returns `false` and stores nothing if there was none. If the session is ended from outside,
    /// the links that were made in it end too, and the sessions that they began.
    fn session_remove(&self, id: SessionId, audit: NewAudit) -> impl StoreFuture<bool>;

    /// Stores a new token.
    fn token_insert(&self, token: Token, audit: NewAudit) -> impl StoreFuture<()>;

    /// The token with this digest, and the member that owns it, if there is one. Dead tokens are found too.
    fn token_by_digest(&self, digest: &ApiTokenDigest) -> impl StoreFuture<Option<(Token, Option<Member>)>>;

    /// The token with this ID. Dead tokens are found too.
    fn token_by_id(&self, id: TokenId) -> impl StoreFuture<Option<Token>>;

    /// Tokens in the order of their IDs, which is the order of their creation, behind `after`. Dead tokens are
    /// included.
    fn token_page(&self, after: Option<TokenId>, size: PageSize) -> impl StoreFuture<Vec<Token>>;

    /// Stores the time of the last use of the token.
    fn token_touch(&self, id: TokenId, now: Timestamp) -> impl StoreFuture<()>;

    /// Revokes the token and returns it after the change. The inner error is the rule that refused. When this returns,
    /// [`token_by_digest`](Self::token_by_digest) gives the token as revoked, and all tokens that it made, directly or
    /// through others.
    fn token_revoke(
        &self,
        id: TokenId,
        audit: NewAudit,
    ) -> impl StoreFuture<Option<Result<Token, TokenError>>>;

    /// Stores a sign-in link in place of an earlier one of the same member. With `first`, that member is stored too,
    /// but only while there are no members at all.
    ///
    /// # Errors
    /// [`StoreError::Conflict`](crate::StoreError::Conflict) if the member is gone or above the actor by now, or if
    /// `first` is not the first.
    fn sign_in_link_insert(
        &self,
        link: SignInLink,
        first: Option<Member>,
        audit: NewAudit,
    ) -> impl StoreFuture<()>;

    /// The link with this digest, and its member. Expired links are found too; used links never.
    fn sign_in_link_by_digest(
        &self,
        digest: &SignInSecretDigest,
    ) -> impl StoreFuture<Option<(SignInLink, Member)>>;

    /// Uses a link up and stores the session that it begins, as [`session_insert`](Self::session_insert) does. Of
    /// several concurrent calls, only one returns `true`.
    fn sign_in_link_use(
        &self,
        digest: SignInSecretDigest,
        session: Session,
        audit: NewAudit,
    ) -> impl StoreFuture<bool>;

    /// The failed sign-ins of a member between the sign-in of this session and the one before, and those since the
    /// newest sign-in; `None` if there were none. [`audit_insert`](Self::audit_insert) counts a failed sign-in with its
    /// entry, and a new session takes over the count until then.
    fn failed_sign_ins(
        &self,
        member: MemberId,
        session: SessionId,
    ) -> impl StoreFuture<Option<FailedSignIns>>;

    /// Stores an entry of the audit trail without a change.
    fn audit_insert(&self, audit: NewAudit) -> impl StoreFuture<()>;

    /// Entries that match the filter, newest first, older than `before`.
    fn audit_page(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        size: PageSize,
    ) -> impl StoreFuture<Vec<AuditEntry>>;

    /// The number of entries of the trail that were ever removed before they were
    /// [`AUDIT_DAYS`](hookgate_people::AUDIT_DAYS) old, because there were more than
    /// [`AUDIT_ROWS`](hookgate_people::AUDIT_ROWS). The oldest entries of the most frequent pair of actor and act are
    /// removed first.
    fn audit_removed_early(&self) -> impl StoreFuture<u64>;

    /// The actors of this kind on the trail, in the order of their names, each name once; at most `most`.
    fn audit_actors(&self, kind: ActorKind, most: u16) -> impl StoreFuture<Vec<KnownActor>>;
}
