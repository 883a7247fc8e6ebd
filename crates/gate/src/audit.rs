//! The audit trail: who acts, and what is written down of it.

use std::borrow::Cow;
use std::net::IpAddr;

use hookgate_domain::{
    Actor, AuditAct, AuditEntry, AuditRequest, AuditSubject, IdempotencyKey, NewAudit, OrganizationId,
    PayloadDigest, Permission, Role, SessionId, Timestamp, Webhook, with_secrets_masked,
};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::audit_changes::kept_texts;
use crate::page_bytes::{bounded_page, written_bytes};
use crate::{
    ActorMatch, AuditFilter, Gate, Page, PageSize, PeopleError, PeopleStore, SealError, Store, StoreError,
};

/// Bytes of an entry, as an answer has it, beside its texts.
const ENTRY_BYTES: usize = 400;

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
pub struct ActorContext {
    /// Who.
    pub actor: Actor,
    /// In which session, if a member does it in one.
    pub session: Option<SessionId>,
    /// From which address, if over the network.
    pub from: Option<IpAddr>,
    /// By which request, if its sender may repeat it.
    pub request: Option<AuditRequest>,
}

impl ActorContext {
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

    /// An entry of the audit trail, without what changed. A secret in the name of its subject is masked.
    #[must_use]
    pub fn note(&self, act: AuditAct, subject: AuditSubject, now: Timestamp) -> NewAudit {
        NewAudit {
            organization: OrganizationId::FIRST,
            at: now,
            actor: self.actor.clone(),
            session: self.session,
            from: self.from,
            act,
            subject: AuditSubject {
                name: masked(subject.name),
                ..subject
            },
            before: None,
            after: None,
            request: self.request.clone(),
        }
    }

    /// The same with what changed; `null` and an object without fields stand for nothing. However large that is, the entry is
    /// small.
    pub(crate) fn note_change(
        &self,
        act: AuditAct,
        subject: AuditSubject,
        now: Timestamp,
        changes: (Value, Value),
    ) -> NewAudit {
        let (before, after) = kept_texts(changes);
        NewAudit {
            before: before.map(masked),
            after: after.map(masked),
            ..self.note(act, subject, now)
        }
    }
}

/// The text without secrets in it: older stores have names and comments that nobody had looked through.
fn masked(text: String) -> String {
    match with_secrets_masked(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => masked,
    }
}

/// The request was made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdempotentReplay {
    /// It asked for the same, and made this.
    Same(AuditSubject),
    /// It asked for something else under the same key.
    Other,
}

/// The actor's role does not include what it tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this needs the {0} role")]
pub struct Forbidden(pub Role);

impl<S: Store + PeopleStore> Gate<S> {
    /// Entries of the audit trail, newest first, older than `before`. The page ends early where entries are large.
    ///
    /// # Errors
    /// [`PeopleError::Forbidden`] or [`PeopleError::Store`].
    pub async fn audit_page(
        &self,
        acting: &ActorContext,
        filter: &AuditFilter,
        before: Option<i64>,
        size: PageSize,
    ) -> Result<Page<AuditEntry, i64>, PeopleError> {
        acting.require(Permission::ManagePeople)?;
        let read = |before, size: PageSize| async move {
            let found = self.store.audit_page(filter, before, size.and_one()).await?;
            Ok::<_, StoreError>(Page::new(found, size, |entry| entry.id, None))
        };
        Ok(bounded_page(size, before, read, entry_bytes, |entry| entry.id).await?)
    }

    /// Puts an export of the trail on the trail, with what it was `asked` for. Call it before the first entry is sent.
    ///
    /// # Errors
    /// [`PeopleError::Forbidden`] or [`PeopleError::Store`]; nothing may be exported then.
    pub async fn audit_export(
        &self,
        acting: &ActorContext,
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
    pub async fn repeated(&self, acting: &ActorContext) -> Result<Option<IdempotentReplay>, StoreError> {
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
                IdempotentReplay::Same(entry.subject)
            } else {
                IdempotentReplay::Other
            }
        }))
    }
}

/// Bytes of an entry as an answer has it: what changed is in it as it is kept, and in words.
fn entry_bytes(entry: &AuditEntry) -> usize {
    let changes = [&entry.before, &entry.after].map(|side| side.as_deref().map_or(0, written_bytes));
    ENTRY_BYTES
        + written_bytes(entry.actor.name())
        + written_bytes(&entry.subject.name)
        + 2 * changes.iter().sum::<usize>()
}

/// A webhook as the subject of an entry.
pub(crate) fn webhook_subject(webhook: &Webhook) -> AuditSubject {
    AuditSubject::new(webhook.handle, &webhook.name)
}
