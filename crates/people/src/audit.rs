//! The audit trail: actor, act, address, subject and change. It never holds a secret.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::str::FromStr;

use thiserror::Error;

use crate::{Member, MemberId, Role, SessionId, Token, TokenId};
use hookgate_domain::idempotency::{IdempotencyKey, PayloadDigest};
use hookgate_domain::{OrganizationId, Timestamp};

/// Maximum number of entries of the audit trail beside failed sign-ins: some hundred MiB, and more than people do in
/// two years.
pub const AUDIT_ROWS: NonZeroU64 = NonZeroU64::new(1_000_000).unwrap();
/// Retention of the audit trail, in days.
pub const AUDIT_DAYS: u64 = 730;
/// Retention of failed sign-ins, in days: strangers cause them, so they must not push out the acts of members.
pub const AUDIT_FAILED_DAYS: u64 = 30;
/// Maximum number of entries of failed sign-ins, each for one hour, subject and network: some MiB.
pub const AUDIT_FAILED_ROWS: u32 = 10_000;

/// The actor of an entry.
///
/// ```
/// use hookgate_people::{Actor, Role};
///
/// let actor = Actor::CommandLine { user: "root".into() };
/// assert_eq!((actor.kind(), actor.name(), actor.id()), ("command_line", "root", None));
/// // Whoever reaches the database can do everything anyway.
/// assert_eq!(actor.role(), Role::Owner);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A member, signed in.
    Member {
        /// The member.
        id: MemberId,
        /// The name at that time.
        name: String,
        /// The role at that time.
        role: Role,
    },
    /// A program with an API token.
    Token {
        /// The token.
        id: TokenId,
        /// The name at that time.
        name: String,
        /// The role at that time.
        role: Role,
    },
    /// A person on the command line of the server's machine.
    CommandLine {
        /// The user's name in the operating system.
        user: String,
    },
    /// Hookgate itself.
    System,
}

impl Actor {
    /// The role that bounds the actor's permissions.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self {
            Self::Member { role, .. } | Self::Token { role, .. } => *role,
            Self::CommandLine { .. } | Self::System => Role::Owner,
        }
    }

    /// The word for the kind of actor.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Member { .. } => "member",
            Self::Token { .. } => "token",
            Self::CommandLine { .. } => "command_line",
            Self::System => "system",
        }
    }

    /// The public ID of a member or token, as text.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        match self {
            Self::Member { id, .. } => Some(id.to_string()),
            Self::Token { id, .. } => Some(id.to_string()),
            Self::CommandLine { .. } | Self::System => None,
        }
    }

    /// The display name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Member { name, .. } | Self::Token { name, .. } => name,
            Self::CommandLine { user } => user,
            Self::System => "hookgate",
        }
    }
}

impl From<&Member> for Actor {
    fn from(member: &Member) -> Self {
        Self::Member {
            id: member.id,
            name: member.name.to_string(),
            role: member.role,
        }
    }
}

impl From<&Token> for Actor {
    fn from(token: &Token) -> Self {
        Self::Token {
            id: token.id,
            name: token.name.to_string(),
            role: token.role,
        }
    }
}

/// Declares the acts with their words, so that none is forgotten.
macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident = $word:literal,)+) => {
        /// The act of an entry. The words are stable.
        ///
        /// ```
        /// use hookgate_people::AuditAct;
        ///
        /// assert_eq!(AuditAct::WebhookRevoke.to_string(), "webhook.revoke");
        /// for act in AuditAct::ALL {
        ///     assert_eq!(act.as_str().parse(), Ok(*act));
        /// }
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditAct {
            $($(#[$doc])* $act,)+
        }

        impl AuditAct {
            /// Every act.
            pub const ALL: &[Self] = &[$(Self::$act,)+];

            /// The word for the act.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$act => $word,)+
                }
            }

            /// The part of the word before the dot: the kind of subject.
            ///
            /// ```
            /// assert_eq!(hookgate_people::AuditAct::WebhookRevoke.family(), "webhook");
            /// ```
            #[must_use]
            pub fn family(self) -> &'static str {
                let word = self.as_str();
                word.split_once('.').map_or(word, |(family, _)| family)
            }
        }
    };
}

acts! {
    /// A webhook was created.
    WebhookCreate = "webhook.create",
    /// The name or policy of a webhook was changed.
    WebhookEdit = "webhook.edit",
    /// A webhook got a new URL.
    WebhookRegenerate = "webhook.regenerate",
    /// A webhook was revoked.
    WebhookRevoke = "webhook.revoke",
    /// The URL of a webhook was sent over plain HTTP.
    WebhookExpose = "webhook.expose",
    /// An address set was made.
    AddressSetCreate = "address_set.create",
    /// The networks of an address set were changed.
    AddressSetEdit = "address_set.edit",
    /// The pending version of an address set was approved.
    AddressSetApprove = "address_set.approve",
    /// The pending version of an address set was rejected.
    AddressSetReject = "address_set.reject",
    /// An address set was removed.
    AddressSetRemove = "address_set.remove",
    /// An incident was acknowledged.
    IncidentAcknowledge = "incident.acknowledge",
    /// An incident was resolved.
    IncidentResolve = "incident.resolve",
    /// A resolved incident was reopened.
    IncidentReopen = "incident.reopen",
    /// A note was added to an incident.
    IncidentNote = "incident.note",
    /// A member was added.
    MemberAdd = "member.add",
    /// A member got another role.
    MemberRole = "member.role",
    /// A member got another password.
    MemberPassword = "member.password",
    /// A member was removed, with sessions and tokens.
    MemberRemove = "member.remove",
    /// An API token was made.
    TokenCreate = "token.create",
    /// An API token was revoked.
    TokenRevoke = "token.revoke",
    /// A member signed in.
    SessionSignIn = "session.sign_in",
    /// A sign-in failed.
    SessionSignInFailed = "session.sign_in_failed",
    /// A session was ended.
    SessionSignOut = "session.sign_out",
    /// A sign-in link was made.
    SignInLinkCreate = "sign_in_link.create",
    /// The audit trail was exported.
    AuditExport = "audit.export",
}

impl fmt::Display for AuditAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AuditAct {
    type Err = UnknownAuditAct;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|act| act.as_str() == text);
        found.copied().ok_or(UnknownAuditAct)
    }
}

/// The text is no act.
///
/// ```
/// use hookgate_people::{AuditAct, UnknownAuditAct};
///
/// assert_eq!("webhook".parse::<AuditAct>(), Err(UnknownAuditAct));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an act of the audit trail (for instance webhook.create)")]
pub struct UnknownAuditAct;

/// The subject of an act.
///
/// ```
/// let subject = hookgate_people::AuditSubject::new("INC-1", "Disk full");
/// assert_eq!((subject.id.as_str(), subject.name.as_str()), ("INC-1", "Disk full"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSubject {
    /// The public ID: of a webhook, an incident, a member or a token; empty if the subject has none.
    pub id: String,
    /// The display name at that time.
    pub name: String,
}

impl AuditSubject {
    /// A subject by ID and name.
    #[must_use]
    pub fn new(id: impl fmt::Display, name: impl fmt::Display) -> Self {
        Self {
            id: id.to_string(),
            name: name.to_string(),
        }
    }
}

/// A request that its client may repeat, because the answer may be lost on the way.
///
/// ```
/// use hookgate_domain::idempotency::{IdempotencyKey, PayloadDigest};
/// use hookgate_people::AuditRequest;
///
/// let request = AuditRequest {
///     key: IdempotencyKey::parse(b"create-db-alerts")?,
///     digest: PayloadDigest::of(b"{}"),
/// };
/// assert_eq!(request.clone(), request);
/// # Ok::<(), hookgate_domain::idempotency::IdempotencyKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRequest {
    /// The idempotency key that the client gave it.
    pub key: IdempotencyKey,
    /// Digest of the request's content.
    pub digest: PayloadDigest,
}

/// An entry of the audit trail before it has its number.
///
/// ```
/// use hookgate_domain::{OrganizationId, Timestamp};
/// use hookgate_people::{Actor, AuditAct, AuditSubject, NewAudit};
///
/// let entry = NewAudit {
///     organization: OrganizationId::FIRST,
///     at: Timestamp::from_micros(0),
///     actor: Actor::System,
///     session: None,
///     from: None,
///     act: AuditAct::WebhookExpose,
///     subject: AuditSubject::new("hk_…", "db alerts"),
///     before: None,
///     after: None,
///     request: None,
/// }
/// .numbered(7);
/// assert_eq!((entry.id, entry.act), (7, AuditAct::WebhookExpose));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAudit {
    /// The organization of the trail.
    pub organization: OrganizationId,
    /// Time of the act.
    pub at: Timestamp,
    /// The actor.
    pub actor: Actor,
    /// The member's session. It must not have ended when the change is stored. It is not stored in the entry.
    pub session: Option<SessionId>,
    /// The actor's address, if the act came over the network.
    pub from: Option<IpAddr>,
    /// The act.
    pub act: AuditAct,
    /// The subject of the act.
    pub subject: AuditSubject,
    /// The changed values before the act: a small JSON object.
    pub before: Option<String>,
    /// The changed values after the act.
    pub after: Option<String>,
    /// The request that caused it, if it can be repeated.
    pub request: Option<AuditRequest>,
}

impl NewAudit {
    /// The entry with its number.
    #[must_use]
    pub fn numbered(self, id: i64) -> AuditEntry {
        AuditEntry {
            id,
            organization: self.organization,
            at: self.at,
            actor: self.actor,
            from: self.from,
            act: self.act,
            subject: self.subject,
            before: self.before,
            after: self.after,
            request: self.request,
        }
    }
}

/// An entry of the audit trail. See [`NewAudit`].
///
/// ```
/// # use hookgate_domain::{OrganizationId, Timestamp};
/// # use hookgate_people::{Actor, AuditAct, AuditEntry, AuditSubject};
/// let entry = AuditEntry {
///     id: 1,
///     organization: OrganizationId::FIRST,
///     at: Timestamp::from_micros(0),
///     actor: Actor::System,
///     from: None,
///     act: AuditAct::WebhookExpose,
///     subject: AuditSubject::new("hk_…", "db alerts"),
///     before: None,
///     after: None,
///     request: None,
/// };
/// assert_eq!(entry.actor.name(), "hookgate");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The number. Numbers rise in the order of commits.
    pub id: i64,
    /// The organization of the trail.
    pub organization: OrganizationId,
    /// Time of the act.
    pub at: Timestamp,
    /// The actor.
    pub actor: Actor,
    /// The actor's address, if the act came over the network.
    pub from: Option<IpAddr>,
    /// The act.
    pub act: AuditAct,
    /// The subject of the act.
    pub subject: AuditSubject,
    /// The changed values before the act: a small JSON object.
    pub before: Option<String>,
    /// The changed values after the act.
    pub after: Option<String>,
    /// The request that caused it, if it can be repeated.
    pub request: Option<AuditRequest>,
}
