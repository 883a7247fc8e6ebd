//! Members, tokens and the audit trail.

use hookgate_domain::{AuditEntry as DomainEntry, Member as DomainMember, Timestamp, Token as DomainToken};
use hookgate_gate::{KnownWebhooks as DomainKnown, Removed};
use hookgate_pages::audit_changes;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{time, words};

/// A member.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Member {
    /// `mem_` and more.
    #[schema(value_type = words::MemberId)]
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// `viewer`, `operator`, `admin` or `owner`.
    #[schema(value_type = words::Role)]
    pub role: &'static str,
    /// Whether a password is set; without one, only a sign-in link lets the member in.
    pub has_password: bool,
    /// When the member was added.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<&DomainMember> for Member {
    fn from(member: &DomainMember) -> Self {
        Self {
            id: member.id.to_string(),
            name: member.name.to_string(),
            role: member.role.as_str(),
            has_password: member.password.is_some(),
            created_at: time(member.created_at),
        }
    }
}

/// The living webhooks of which a member was shown the URL or the signing secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KnownWebhooks {
    /// Them, in the order of their creation; at most 200.
    pub webhooks: Vec<KnownWebhook>,
    /// How many there are.
    #[schema(minimum = 0)]
    pub webhooks_count: u64,
    /// Whether there are other living URLs of which it is not on record to whom they were shown.
    pub others_unknown: bool,
}

/// A webhook of which a member was shown a secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KnownWebhook {
    /// Its public name.
    #[schema(value_type = words::Handle)]
    pub handle: String,
    /// What people call it.
    pub name: String,
    /// The first characters of the webhook ID.
    pub hint: String,
    /// Whether the URL was shown.
    pub url: bool,
    /// Whether the signing secret was shown.
    pub signing_secret: bool,
}

impl From<&DomainKnown> for KnownWebhooks {
    fn from(known: &DomainKnown) -> Self {
        let webhooks = known.webhooks.iter().map(|webhook| KnownWebhook {
            handle: webhook.handle.to_string(),
            name: webhook.name.to_string(),
            hint: webhook.hint.to_string(),
            url: webhook.url,
            signing_secret: webhook.signing_secret,
        });
        Self {
            webhooks: webhooks.collect(),
            webhooks_count: known.count,
            others_unknown: known.others_unknown,
        }
    }
}

/// A member who was removed, and the secrets that the member goes on knowing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RemovedMember {
    /// The member as it was.
    #[serde(flatten)]
    pub member: Member,
    /// The URLs and signing secrets that are due now, because the member was shown them.
    #[serde(flatten)]
    pub known: KnownWebhooks,
}

impl From<&Removed> for RemovedMember {
    fn from(removed: &Removed) -> Self {
        Self {
            member: Member::from(&removed.member),
            known: KnownWebhooks::from(&removed.known),
        }
    }
}

/// An API token, without the secret: that is shown once, where it is made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Token {
    /// `tok_` and more.
    #[schema(value_type = words::TokenId)]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `viewer`, `operator`, `admin` or `owner`.
    #[schema(value_type = words::Role)]
    pub role: &'static str,
    /// `live`, `expired` or `revoked`.
    #[schema(value_type = words::TokenState)]
    pub state: &'static str,
    /// The member whose token it is: it ends with the member. Null is nobody's.
    #[schema(required)]
    pub owner: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it ends by itself; null is never.
    #[schema(required, format = DateTime)]
    pub expires_at: Option<String>,
    /// When it was last used, to the minute.
    #[schema(required, format = DateTime)]
    pub last_used_at: Option<String>,
    /// When it was revoked.
    #[schema(required, format = DateTime)]
    pub revoked_at: Option<String>,
}

impl Token {
    /// The token as it is at that time.
    #[must_use]
    pub fn new(token: &DomainToken, now: Timestamp) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.to_string(),
            role: token.role.as_str(),
            state: token.state(now).as_str(),
            owner: token.owner.map(|owner| owner.to_string()),
            created_by: token.created_by.clone(),
            created_at: time(token.created_at),
            expires_at: token.expires_at.map(time),
            last_used_at: token.last_used_at.map(time),
            revoked_at: token.revoked_at.map(time),
        }
    }
}

/// An entry of the audit trail.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Its place in the trail.
    pub id: i64,
    /// When it happened.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who did it.
    pub actor: AuditActor,
    /// From which address; null on the command line.
    #[schema(required)]
    pub from: Option<String>,
    /// What was done, `webhook.revoke` for instance.
    #[schema(value_type = words::AuditAct)]
    pub act: &'static str,
    /// What it was done to.
    pub subject: AuditSubject,
    /// What changed, in words, as the console shows it: `role: viewer → admin`; empty if nothing did.
    pub change: String,
    /// What it was before, where that says something.
    #[schema(value_type = Value, required)]
    pub before: Option<Value>,
    /// What it is after it.
    #[schema(value_type = Value, required)]
    pub after: Option<Value>,
}

/// Who did something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditActor {
    /// `member`, `token`, `command_line` or `system`.
    pub kind: &'static str,
    /// The ID of a member or a token.
    #[schema(required)]
    pub id: Option<String>,
    /// What people call it.
    pub name: String,
    /// The role of a member or a token then.
    #[schema(required)]
    pub role: Option<&'static str>,
}

/// What something was done to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditSubject {
    /// Its handle or ID.
    pub id: String,
    /// What people called it then.
    pub name: String,
}

impl From<&DomainEntry> for AuditEntry {
    fn from(entry: &DomainEntry) -> Self {
        let json = |text: &Option<String>| {
            let text = text.as_deref()?;
            Some(serde_json::from_str(text).unwrap_or_else(|_| text.into()))
        };
        let actor = entry.actor.id();
        let changes = audit_changes(entry.before.as_deref(), entry.after.as_deref());
        let change: Vec<_> = changes.iter().map(ToString::to_string).collect();
        Self {
            id: entry.id,
            at: time(entry.at),
            actor: AuditActor {
                kind: entry.actor.kind(),
                role: actor.as_ref().map(|_| entry.actor.role().as_str()),
                id: actor,
                name: entry.actor.name().to_owned(),
            },
            from: entry.from.map(|address| address.to_string()),
            act: entry.act.as_str(),
            subject: AuditSubject {
                id: entry.subject.id.clone(),
                name: entry.subject.name.clone(),
            },
            change: change.join("; "),
            before: json(&entry.before),
            after: json(&entry.after),
        }
    }
}
