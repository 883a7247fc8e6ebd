//! The audit trail: who did what, from where, to what, and what it changed. It never holds a secret.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use crate::{
    IdempotencyKey, Member, MemberId, OrganizationId, PayloadDigest, Role, SessionId, Timestamp, Token,
    TokenId,
};

/// Who acts.
///
/// ```
/// use hookgate_domain::{Actor, Role};
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
        /// Which one.
        id: MemberId,
        /// Called so at that time.
        name: String,
        /// With this role at that time.
        role: Role,
    },
    /// A program with an API token.
    Token {
        /// Which one.
        id: TokenId,
        /// Called so at that time.
        name: String,
        /// With this role at that time.
        role: Role,
    },
    /// Somebody on the command line of the server's machine.
    CommandLine {
        /// The name that the operating system knows.
        user: String,
    },
    /// Hookgate itself.
    System,
}

impl Actor {
    /// What the actor may do.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self {
            Self::Member { role, .. } | Self::Token { role, .. } => *role,
            Self::CommandLine { .. } | Self::System => Role::Owner,
        }
    }

    /// The word for its kind.
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

    /// What people call it.
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
        /// What was done. The words are stable.
        ///
        /// ```
        /// use hookgate_domain::AuditAct;
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

            /// Its word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$act => $word,)+
                }
            }

            /// The part of its word before the dot: what it was done to.
            ///
            /// ```
            /// assert_eq!(hookgate_domain::AuditAct::WebhookRevoke.family(), "webhook");
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
    /// Its name or policy was changed.
    WebhookEdit = "webhook.edit",
    /// It got a new URL.
    WebhookRegenerate = "webhook.regenerate",
    /// It was killed for good.
    WebhookRevoke = "webhook.revoke",
    /// Its URL came over plain HTTP.
    WebhookExpose = "webhook.expose",
    /// An address set was made.
    AddressSetCreate = "address_set.create",
    /// It has other networks.
    AddressSetEdit = "address_set.edit",
    /// What waited for approval counts.
    AddressSetApprove = "address_set.approve",
    /// What waited for approval will not count.
    AddressSetReject = "address_set.reject",
    /// An address set was removed.
    AddressSetRemove = "address_set.remove",
    /// Somebody works on an incident.
    IncidentAcknowledge = "incident.acknowledge",
    /// An incident is over.
    IncidentResolve = "incident.resolve",
    /// A resolved incident is open again.
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
    /// Somebody signed in.
    SessionSignIn = "session.sign_in",
    /// Somebody tried to sign in and failed.
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
/// use hookgate_domain::{AuditAct, UnknownAuditAct};
///
/// assert_eq!("webhook".parse::<AuditAct>(), Err(UnknownAuditAct));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an act of the audit trail (for instance webhook.create)")]
pub struct UnknownAuditAct;

/// What something was done to.
///
/// ```
/// let subject = hookgate_domain::AuditSubject::new("INC-1", "Disk full");
/// assert_eq!((subject.id.as_str(), subject.name.as_str()), ("INC-1", "Disk full"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSubject {
    /// Its public ID: a handle, an incident, a member, a token; empty if it has none.
    pub id: String,
    /// What people called it at that time.
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

/// A request that its sender may repeat, because the answer got lost on the way.
///
/// ```
/// use hookgate_domain::{AuditRequest, IdempotencyKey, PayloadDigest};
///
/// let request = AuditRequest {
///     key: IdempotencyKey::parse(b"create-db-alerts")?,
///     digest: PayloadDigest::of(b"{}"),
/// };
/// assert_eq!(request.clone(), request);
/// # Ok::<(), hookgate_domain::IdempotencyKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRequest {
    /// The sender's name for it.
    pub key: IdempotencyKey,
    /// What it asked for.
    pub digest: PayloadDigest,
}

/// An entry of the audit trail before it has its number.
///
/// ```
/// use hookgate_domain::{Actor, AuditAct, AuditSubject, NewAudit, OrganizationId, Timestamp};
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
    /// Whose trail it is on.
    pub organization: OrganizationId,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// The session of the member that did it, which has to live still when the change is stored. It is not kept.
    pub session: Option<SessionId>,
    /// From which address, if over the network.
    pub from: Option<IpAddr>,
    /// What was done.
    pub act: AuditAct,
    /// To what.
    pub subject: AuditSubject,
    /// What it changed, as it was: a small JSON object.
    pub before: Option<String>,
    /// What it changed, as it is since.
    pub after: Option<String>,
    /// The request that asked for it, if it can be repeated.
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
/// # use hookgate_domain::{Actor, AuditAct, AuditEntry, AuditSubject, OrganizationId, Timestamp};
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
    /// Its number: they rise in the order of commits.
    pub id: i64,
    /// Whose trail it is on.
    pub organization: OrganizationId,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// From which address, if over the network.
    pub from: Option<IpAddr>,
    /// What was done.
    pub act: AuditAct,
    /// To what.
    pub subject: AuditSubject,
    /// What it changed, as it was: a small JSON object.
    pub before: Option<String>,
    /// What it changed, as it is since.
    pub after: Option<String>,
    /// The request that asked for it, if it can be repeated.
    pub request: Option<AuditRequest>,
}
