//! The audit trail: the actor of a change, and the entry that records it.

use std::borrow::Cow;
use std::net::IpAddr;

use hookgate_domain::idempotency::{IdempotencyKey, PayloadDigest};
use hookgate_domain::leaks::with_secrets_masked;
use hookgate_domain::{OrganizationId, Timestamp, Webhook};
use hookgate_people::{
    Actor, AuditAct, AuditEntry, AuditRequest, AuditSubject, MemberId, NewAudit, Permission, Role, SessionId,
};
use serde_json::{Map, Value};
use thiserror::Error;

use super::audit_changes::kept_texts;
use crate::history::page::{bounded_page, written_bytes};
use crate::{
    ActorMatch, AuditFilter, Gate, Page, PageSize, PeopleError, PeopleStore, SealError, Store, StoreError,
};

/// Bytes of an entry in an answer, beside its texts.
const ENTRY_BYTES: usize = 400;

impl<S: Store> Gate<S> {
    /// The idempotency key of a request that may be repeated, and the digest of its content. People put anything into
    /// both, so both are stored as keyed digests, which are worth nothing without the installation's key.
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

/// The actor of a change, with its session, address and request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorContext {
    /// The member, token or program that acts.
    pub identity: Actor,
    /// The session of the actor, if a member acts in one.
    pub session: Option<SessionId>,
    /// Source address, if the request came over the network.
    pub from: Option<IpAddr>,
    /// The idempotency key and digest of the request, if its sender may repeat it.
    pub request: Option<AuditRequest>,
}

impl ActorContext {
    /// An actor over the network.
    #[must_use]
    pub fn remote(actor: impl Into<Actor>, from: IpAddr) -> Self {
        Self {
            from: Some(from),
            ..Self::local(actor.into())
        }
    }

    /// The same actor in this session: a change is stored only while the session lives.
    #[must_use]
    pub fn in_session(self, session: SessionId) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    /// An actor on the command line, by the user name of the operating system.
    #[must_use]
    pub fn command_line(user: impl Into<String>) -> Self {
        Self::local(Actor::CommandLine { user: user.into() })
    }

    /// Hookgate itself.
    #[must_use]
    pub const fn system() -> Self {
        Self::local(Actor::System)
    }

    const fn local(identity: Actor) -> Self {
        Self {
            identity,
            session: None,
            from: None,
            request: None,
        }
    }

    /// Role of the actor.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.identity.role()
    }

    /// `true` if the actor is this member.
    pub(crate) fn is_member(&self, member: MemberId) -> bool {
        matches!(self.identity, Actor::Member { id, .. } if id == member)
    }

    /// Checks that the actor has this permission.
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

    /// An entry of the audit trail without a change. A secret in the name of its subject is masked.
    #[must_use]
    pub fn note(&self, act: AuditAct, subject: AuditSubject, now: Timestamp) -> NewAudit {
        NewAudit {
            organization: OrganizationId::FIRST,
            at: now,
            actor: self.identity.clone(),
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

    /// An entry of the audit trail with a change: the values before and after it. `null` and an object without fields
    /// stand for nothing. Large values are cut, so the entry is small.
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

/// The text with its secrets masked: stores of older versions have names and comments that were never checked for them.
fn masked(text: String) -> String {
    match with_secrets_masked(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => masked,
    }
}

/// A request with an idempotency key that was used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdempotentReplay {
    /// The request is the same as the first one, which changed this subject.
    Same(AuditSubject),
    /// The first request with this key asked for something else.
    Other,
}

/// The actor's role does not have the permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this needs the {0} role")]
pub struct Forbidden(pub Role);

impl<S: Store + PeopleStore> Gate<S> {
    /// Entries of the audit trail, newest first, older than `before`. A page of large entries is shorter than `size`.
    ///
    /// # Errors
    /// [`PeopleError::Forbidden`] or [`PeopleError::Store`].
    pub async fn audit_page(
        &self,
        actor: &ActorContext,
        filter: &AuditFilter,
        before: Option<i64>,
        size: PageSize,
    ) -> Result<Page<AuditEntry, i64>, PeopleError> {
        actor.require(Permission::ManagePeople)?;
        let read = |before, size: PageSize| async move {
            let found = self.store.audit_page(filter, before, size.and_one()).await?;
            Ok::<_, StoreError>(Page::new(found, size, |entry| entry.id, None))
        };
        Ok(bounded_page(size, before, read, entry_bytes, |entry| entry.id).await?)
    }

    /// Records an export of the trail on the trail, with the filter that was `asked` for. Must be called before the
    /// first entry is sent.
    ///
    /// # Errors
    /// [`PeopleError::Forbidden`] or [`PeopleError::Store`]; nothing may be exported then.
    pub async fn audit_export(
        &self,
        actor: &ActorContext,
        format: &str,
        asked: Vec<(&'static str, String)>,
    ) -> Result<(), PeopleError> {
        actor.require(Permission::ManagePeople)?;
        let filter = asked.into_iter().map(|(name, value)| (name, value.into()));
        let after: Map<String, Value> = [("format", format.into())]
            .into_iter()
            .chain(filter)
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let subject = AuditSubject::new("", "audit trail");
        let changes = (Value::Null, after.into());
        let audit = actor.note_change(AuditAct::AuditExport, subject, self.now(), changes);
        Ok(self.store.audit_insert(audit).await?)
    }

    /// The request that the actor made before with the same idempotency key, if there is one. Of two equal requests at
    /// the same time, the store accepts only one.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn repeated(&self, actor: &ActorContext) -> Result<Option<IdempotentReplay>, StoreError> {
        let (Some(request), Some(id)) = (&actor.request, actor.identity.id()) else {
            return Ok(None);
        };
        let filter = AuditFilter {
            actor: Some(ActorMatch::Id(id)),
            request: Some(request.key.clone()),
            ..AuditFilter::default()
        };
        let entry = self.store.audit_page(&filter, None, PageSize::ONE).await?.pop();
        Ok(entry.map(|entry| {
            if entry.request.as_ref() == Some(request) {
                IdempotentReplay::Same(entry.subject)
            } else {
                IdempotentReplay::Other
            }
        }))
    }
}

/// Bytes of an entry in an answer, which has the change both as it is kept and in words.
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
