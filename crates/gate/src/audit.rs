//! The audit trail: who acts, and what is written down of it.

use std::net::IpAddr;

use hookgate_domain::{
    Actor, AuditAct, AuditEntry, AuditRequest, AuditSubject, IdempotencyKey, NewAudit, OrganizationId,
    PayloadDigest, Permission, Policy, Role, SessionId, Timestamp, Webhook,
};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::{
    ActorMatch, AuditFilter, Gate, PageSize, PeopleError, PeopleStore, SealError, Store, StoreError,
};

impl<S: Store> Gate<S> {
    /// What a request is known by that may be repeated, of its sender's name for it and what it asks for. People put anything into
    /// both, so both are kept as keyed digests: worth nothing to whoever has the store alone.
    ///
    /// # Errors
    /// [`SealError`] if the installation's key is missing.
    pub fn audit_request(&self, key: &[u8], request: &[u8]) -> Result<AuditRequest, SealError> {
        let digest = |bytes: &[u8]| self.ports.seal.digest(bytes).map(PayloadDigest::from_bytes);
        Ok(AuditRequest {
            key: IdempotencyKey::of_keyed(&digest(&[b"key ", key].concat())?),
            digest: digest(request)?,
        })
    }
}

/// Who acts, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// Who.
    pub actor: Actor,
    /// In which session, if a member does it in one.
    pub session: Option<SessionId>,
    /// From which address, if over the network.
    pub from: Option<IpAddr>,
    /// By which request, if its sender may repeat it.
    pub request: Option<AuditRequest>,
}

impl Acting {
    /// Somebody over the network.
    #[must_use]
    pub fn remote(actor: impl Into<Actor>, from: IpAddr) -> Self {
        Self {
            actor: actor.into(),
            session: None,
            from: Some(from),
            request: None,
        }
    }

    /// The same in this session: what is done counts only while it lives.
    #[must_use]
    pub fn in_session(self, session: SessionId) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    /// Somebody on the command line, by the name that the operating system knows.
    #[must_use]
    pub fn command_line(user: impl Into<String>) -> Self {
        Self {
            actor: Actor::CommandLine { user: user.into() },
            session: None,
            from: None,
            request: None,
        }
    }

    /// Hookgate itself.
    #[must_use]
    pub const fn system() -> Self {
        Self {
            actor: Actor::System,
            session: None,
            from: None,
            request: None,
        }
    }

    /// What the actor may do.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.actor.role()
    }

    /// Whether the actor may.
    ///
    /// # Errors
    /// [`Forbidden`] if not.
    pub fn require(&self, permission: Permission) -> Result<(), Forbidden> {
        if self.role().may(permission) {
            Ok(())
        } else {
            Err(Forbidden(permission.lowest()))
        }
    }

    /// An entry of the audit trail, without what changed.
    #[must_use]
    pub fn note(&self, act: AuditAct, subject: AuditSubject, now: Timestamp) -> NewAudit {
        NewAudit {
            organization: OrganizationId::FIRST,
            at: now,
            actor: self.actor.clone(),
            session: self.session,
            from: self.from,
            act,
            subject,
            before: None,
            after: None,
            request: self.request.clone(),
        }
    }

    /// The same with what changed; `null` and an object without fields stand for nothing.
    pub(crate) fn note_change(
        &self,
        act: AuditAct,
        subject: AuditSubject,
        now: Timestamp,
        (before, after): (Value, Value),
    ) -> NewAudit {
        let text = |value: Value| Some(value).filter(|value| !value.is_null() && *value != json!({}));
        NewAudit {
            before: text(before).map(|value| value.to_string()),
            after: text(after).map(|value| value.to_string()),
            ..self.note(act, subject, now)
        }
    }
}

/// The request was made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// It asked for the same, and made this.
    Same(AuditSubject),
    /// It asked for something else under the same key.
    Other,
}

/// The actor's role does not include what it tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this takes the role {0} or higher")]
pub struct Forbidden(pub Role);

impl<S: Store + PeopleStore> Gate<S> {
    /// Entries of the audit trail, newest first, older than `before`.
    ///
    /// # Errors
    /// [`PeopleError::Forbidden`] or [`PeopleError::Store`].
    pub async fn audit_page(
        &self,
        acting: &Acting,
        filter: &AuditFilter,
        before: Option<i64>,
        size: PageSize,
    ) -> Result<Vec<AuditEntry>, PeopleError> {
        acting.require(Permission::ManagePeople)?;
        Ok(self.store.audit_page(filter, before, size).await?)
    }

    /// Puts an export of the trail on the trail, with what it was `asked` for. Call it before the first entry is sent.
    ///
    /// # Errors
    /// [`PeopleError::Forbidden`] or [`PeopleError::Store`]; nothing may be exported then.
    pub async fn audit_export(
        &self,
        acting: &Acting,
        format: &str,
        asked: Vec<(&'static str, String)>,
    ) -> Result<(), PeopleError> {
        acting.require(Permission::ManagePeople)?;
        let filter = asked.into_iter().map(|(name, value)| (name, value.into()));
        let after: Map<String, Value> = [("format", format.into())]
            .into_iter()
            .chain(filter)
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let subject = AuditSubject::new("", "audit trail");
        let changes = (Value::Null, after.into());
        let audit = acting.note_change(AuditAct::AuditExport, subject, self.now(), changes);
        Ok(self.store.audit_insert(audit).await?)
    }

    /// Whether who acts has made this request before. What two of the same do at the same time is decided by the store:
    /// only one of them is stored.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
    pub async fn repeated(&self, acting: &Acting) -> Result<Option<Repeated>, StoreError> {
        let (Some(request), Some(actor)) = (&acting.request, acting.actor.id()) else {
            return Ok(None);
        };
        let filter = AuditFilter {
            actor: Some(ActorMatch::Id(actor)),
            request: Some(request.key.clone()),
            ..AuditFilter::default()
        };
        let one = PageSize::new(1).unwrap_or_default();
        let entry = self.store.audit_page(&filter, None, one).await?.pop();
        Ok(entry.map(|entry| {
            if entry.request.as_ref() == Some(request) {
                Repeated::Same(entry.subject)
            } else {
                Repeated::Other
            }
        }))
    }
}

/// A webhook as the subject of an entry.
pub(crate) fn webhook_subject(webhook: &Webhook) -> AuditSubject {
    AuditSubject::new(webhook.handle, &webhook.name)
}

/// Everything about a webhook that people set.
pub(crate) fn webhook_settings(webhook: &Webhook) -> Value {
    let Policy {
        allowlist,
        allowlist_mode,
        limits,
        payload_logging,
        signing_secret,
        rotation,
    } = &webhook.policy;
    let postpones = limits.overload() == hookgate_domain::Overload::Postpone;
    json!({
        "name": webhook.name.as_str(),
        "allowlist": allowlist.to_string(),
        "allowlist_mode": allowlist_mode.as_str(),
        "max_body": limits.body_bytes(),
        "per_minute": limits.per_minute().map(std::num::NonZero::get),
        "overload": if postpones { 503 } else { 429 },
        "payload_logging": *payload_logging == hookgate_domain::PayloadLogging::On,
        "signed": signing_secret.is_some(),
        "rotation_days": rotation.days.map(std::num::NonZero::get),
    })
}

/// What an edit changed, before and after. Of a signing secret it says that it changed, and nothing of it.
pub(crate) fn webhook_changes(before: &Webhook, after: &Webhook) -> (Value, Value) {
    let (old, new) = (webhook_settings(before), webhook_settings(after));
    let mut changes = changed(&old, &new);
    let secrets = [before, after].map(|webhook| &webhook.policy.signing_secret);
    if secrets[0] != secrets[1] && secrets[0].is_some() && secrets[1].is_some() {
        changes.1["signing_secret"] = json!("changed");
    }
    changes
}

/// The fields of two objects that differ.
pub(crate) fn changed(before: &Value, after: &Value) -> (Value, Value) {
    let differing = |this: &Value, other: &Value| -> Map<String, Value> {
        let fields = this.as_object().into_iter().flatten();
        fields
            .filter(|(name, value)| other.get(name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    (differing(before, after).into(), differing(after, before).into())
}
