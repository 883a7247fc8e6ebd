//! Members, tokens and the audit trail.

use hookgate_domain::Timestamp;
use hookgate_gate::{KnownWebhooks as DomainKnown, Removed};
use hookgate_pages::audit_changes;
use hookgate_people::{AuditEntry as DomainEntry, Member as DomainMember, Token as DomainToken};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{time, words};

/// A member.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Member {
    /// ID of the member, with the prefix `mem_`.
    #[schema(value_type = words::MemberId)]
    pub id: String,
    /// Name of the member, also for signing in.
    pub name: String,
    /// `viewer`, `operator`, `admin` or `owner`.
    #[schema(value_type = words::Role)]
    pub role: &'static str,
    /// True if a password is set. Without one, a member can sign in only by a sign-in link.
    pub has_password: bool,
    /// Time when the member was added.
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

/// The active webhooks whose URL or signing secret was shown to a member.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KnownWebhooks {
    /// The webhooks in the order of their creation, at most 200.
    pub webhooks: Vec<KnownWebhook>,
    /// Number of all of them.
    #[schema(minimum = 0)]
    pub webhooks_count: u64,
    /// True if there are other live URLs without a record of the members that saw them.
    pub others_unknown: bool,
}

/// A webhook whose secret was shown to a member.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KnownWebhook {
    /// Public name of the webhook.
    #[schema(value_type = words::Handle)]
    pub handle: String,
    /// Name.
    pub name: String,
    /// First characters of the webhook ID.
    pub hint: String,
    /// True if the URL was shown.
    pub url: bool,
    /// True if the signing secret was shown.
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

/// A removed member, and the secrets that the member still knows.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RemovedMember {
    /// The member before the removal.
    #[serde(flatten)]
    pub member: Member,
    /// The webhooks whose URL or signing secret should be replaced, because the member was shown it.
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

/// An API token, without its secret: that is shown only once, when the token is created.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Token {
    /// ID of the token, with the prefix `tok_`.
    #[schema(value_type = words::TokenId)]
    pub id: String,
    /// Name.
    pub name: String,
    /// `viewer`, `operator`, `admin` or `owner`.
    #[schema(value_type = words::Role)]
    pub role: &'static str,
    /// `live`, `expired` or `revoked`.
    #[schema(value_type = words::TokenState)]
    pub state: &'static str,
    /// ID of the member who owns the token, and whose removal ends it; null if no member does.
    #[schema(required)]
    pub owner: Option<String>,
    /// Name of the actor that created it.
    pub created_by: String,
    /// Time of creation.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Time of expiry; null is never.
    #[schema(required, format = DateTime)]
    pub expires_at: Option<String>,
    /// Time of the last use, to the minute; null if it was never used.
    #[schema(required, format = DateTime)]
    pub last_used_at: Option<String>,
    /// Time of revocation; null if it is not revoked.
    #[schema(required, format = DateTime)]
    pub revoked_at: Option<String>,
}

impl Token {
    /// The token at the time `now`.
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
    /// Number of the entry in the trail.
    pub id: i64,
    /// Time of the act.
    #[schema(format = DateTime)]
    pub at: String,
    /// The actor.
    pub actor: AuditActor,
    /// Address of the actor; null if the act did not come over the network.
    #[schema(required)]
    pub from: Option<String>,
    /// The act, such as `webhook.revoke`.
    #[schema(value_type = words::AuditAct)]
    pub act: &'static str,
    /// The subject.
    pub subject: AuditSubject,
    /// The change in words, as the console shows it: `role: viewer → admin`; empty if nothing changed.
    pub change: String,
    /// The changed values before the act; null if none are recorded.
    #[schema(value_type = Value, required)]
    pub before: Option<Value>,
    /// The changed values after the act; null if none are recorded.
    #[schema(value_type = Value, required)]
    pub after: Option<Value>,
}

/// The actor of an act.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditActor {
    /// `member`, `token`, `command_line` or `system`.
    pub kind: &'static str,
    /// ID of the member or token.
    #[schema(required)]
    pub id: Option<String>,
    /// Name.
    pub name: String,
    /// Role of the member or token at that time; else null.
    #[schema(required)]
    pub role: Option<&'static str>,
}

/// The subject of an act.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditSubject {
    /// Handle or ID of the subject.
    pub id: String,
    /// Name of the subject at that time.
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
