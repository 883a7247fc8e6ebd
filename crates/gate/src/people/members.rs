//! Members: add, set the role or the password, remove.

use hookgate_domain::{OrganizationId, Timestamp};
use hookgate_people::{
    AuditAct, AuditSubject, Member, MemberError, MemberId, MemberName, NewAudit, Password, PasswordHash,
    Permission, Role, Session, SessionId,
};
use serde_json::{Value, json};

use super::login_limiter::{AttemptOrigin, TooMany};
use super::password_queue::PasswordCaller;
use crate::{ActorContext, Gate, KnownWebhooks, PasswordsError, PeopleError, PeopleStore, Store, StoreError};

/// A change of a member. The store applies it to the member as it is in its transaction.
#[derive(Clone, Debug)]
pub enum MemberChange {
    /// Sets the role, if the member still has the role `from`.
    Role {
        /// The new role.
        to: Role,
        /// The role that the actor saw; `None` skips the comparison.
        from: Option<Role>,
    },
    /// Sets the password and ends the member's sessions except this one.
    Password(PasswordHash, Option<SessionId>),
    /// Removes the member.
    Remove,
}

impl MemberChange {
    /// The member after the change, and the entry of the audit trail. A removed member is returned as it was.
    ///
    /// # Errors
    /// The rule that refuses the change, given the number of owners.
    pub fn apply(
        &self,
        member: Member,
        owners: u64,
        actor: &ActorContext,
        now: Timestamp,
    ) -> Result<(Member, NewAudit), MemberError> {
        let subject = member_subject(&member);
        let before = json!({"role": member.role.as_str()});
        let (member, act, changes) = match self {
            Self::Role { to, from } => {
                if from.is_some_and(|seen| seen != member.role) {
                    return Err(MemberError::Changed);
                }
                let member = member.with_role(*to, actor.role(), owners)?;
                let after = json!({"role": to.as_str()});
                (member, AuditAct::MemberRole, (before, after))
            }
            Self::Password(hash, _) => {
                member.check_changeable(actor.role())?;
                let password = Some(hash.clone());
                let member = Member { password, ..member };
                (member, AuditAct::MemberPassword, (Value::Null, Value::Null))
            }
            Self::Remove => {
                member.check_removable(actor.role(), owners)?;
                (member, AuditAct::MemberRemove, (before, Value::Null))
            }
        };
        Ok((member, actor.note_change(act, subject, now, changes)))
    }
}

/// Maximum number of webhooks that a removal names. All of them are marked, and the list of webhooks shows the marks.
pub const MAX_KNOWN_WEBHOOKS: u16 = 200;

/// A removed member, with the secrets that the member still knows.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The member as it was.
    pub member: Member,
    /// The live URLs and signing secrets that were shown to the member.
    pub known: KnownWebhooks,
}

impl<S: Store + PeopleStore> Gate<S> {
    /// Adds a member. Without a password, the member can sign in only by a [sign-in link](Self::sign_in_link).
    ///
    /// # Errors
    /// [`PeopleError::NameTaken`], [`PeopleError::Forbidden`], [`PeopleError::Member`] if an actor other than an owner
    /// adds an owner, [`PeopleError::ByToken`], [`PeopleError::ByLink`] or [`PeopleError::Password`] with a password,
    /// or a failure of a port.
    pub async fn member_add(
        &self,
        actor: &ActorContext,
        name: MemberName,
        role: Role,
        password: Option<Password>,
    ) -> Result<Member, PeopleError> {
        actor.require(Permission::ManagePeople)?;
        let mut member = self.new_member(name, role)?;
        member.check_changeable(actor.role())?;
        if let Some(password) = password {
            // A member with a password is an account that outlives the token or the session of the actor.
            self.check_lasting(actor).await?;
            password.check_uncommon()?;
            member.password = Some(self.hash_password(caller(actor), password).await?);
        }
        let after = json!({"role": role.as_str(), "password": member.password.is_some()});
        let (subject, changes) = (member_subject(&member), (Value::Null, after));
        let audit = actor.note_change(AuditAct::MemberAdd, subject, member.created_at, changes);
        match self.store.member_insert(member.clone(), audit).await {
            Err(StoreError::Conflict) => Err(PeopleError::NameTaken),
            inserted => Ok(inserted.map(|()| member)?),
        }
    }

    /// Sets the role of a member. It takes effect from the member's next request. With `from`, only while the member
    /// has that role: a choice on an old page does not overwrite a newer one.
    ///
    /// # Errors
    /// [`PeopleError::NotFound`], [`PeopleError::Forbidden`], [`PeopleError::Member`] or [`PeopleError::Store`].
    pub async fn member_set_role(
        &self,
        actor: &ActorContext,
        id: MemberId,
        to: Role,
        from: Option<Role>,
    ) -> Result<Member, PeopleError> {
        actor.require(Permission::ManagePeople)?;
        self.member_act(actor, id, MemberChange::Role { to, from }).await
    }

    /// Removes a member. The member's sessions and tokens no longer work when this returns, and the URLs that were
    /// shown to the member are marked for regeneration.
    ///
    /// # Errors
    /// As [`Self::member_set_role`].
    pub async fn member_remove(&self, actor: &ActorContext, id: MemberId) -> Result<Removed, PeopleError> {
        actor.require(Permission::ManagePeople)?;
        let member = self.member_act(actor, id, MemberChange::Remove).await?;
        // After the removal: from now on, no more secrets are shown to the member.
        let known = self.store.known_webhooks(id, MAX_KNOWN_WEBHOOKS).await?;
        Ok(Removed { member, known })
    }

    /// The live URLs and signing secrets that were shown to a member: those that a removal marks.
    ///
    /// # Errors
    /// [`PeopleError::NotFound`], [`PeopleError::Forbidden`] or [`PeopleError::Store`].
    pub async fn member_known(
        &self,
        actor: &ActorContext,
        id: MemberId,
    ) -> Result<KnownWebhooks, PeopleError> {
        actor.require(Permission::ManagePeople)?;
        self.store.member_by_id(id).await?.ok_or(PeopleError::NotFound)?;
        Ok(self.store.known_webhooks(id, MAX_KNOWN_WEBHOOKS).await?)
    }

    /// Sets a member's password and ends the member's other sessions.
    ///
    /// Members who set their own password give their present `session`, which stays, and the `current` password. They
    /// need no current password if they have none, or if the session was just begun by a sign-in link. An actor who
    /// manages people needs neither for another member.
    ///
    /// # Errors
    /// [`PeopleError::WrongPassword`] or [`PeopleError::TooMany`] for the current password, [`PeopleError::Password`]
    /// for the new one, [`PeopleError::ByToken`] or [`PeopleError::ByLink`] for that of another member, and as
    /// [`Self::member_set_role`].
    pub async fn set_password(
        &self,
        actor: &ActorContext,
        id: MemberId,
        session: Option<&Session>,
        current: Option<Password>,
        new: Password,
    ) -> Result<Member, PeopleError> {
        let member = self.store.member_by_id(id).await?.ok_or(PeopleError::NotFound)?;
        let is_self = actor.is_member(id);
        let session = session.filter(|session| session.member == id);
        if is_self {
            let resets = session.is_some_and(|session| session.resets_password(self.now()));
            if member.password.is_some() && !resets {
                self.check_current(session, &member, current).await?;
            }
        } else {
            actor.require(Permission::ManagePeople)?;
            self.check_lasting(actor).await?;
            member.check_changeable(actor.role())?;
        }
        new.check_uncommon()?;
        let hash = self.hash_password(caller(actor), new).await?;
        let kept = session.filter(|_| is_self).map(|session| session.id);
        self.member_act(actor, id, MemberChange::Password(hash, kept))
            .await
    }

    /// Checks the member's present password. Wrong ones are counted by session, so no stranger can use up the limit.
    async fn check_current(
        &self,
        session: Option<&Session>,
        member: &Member,
        current: Option<Password>,
    ) -> Result<(), PeopleError> {
        let current = current.ok_or(PeopleError::WrongPassword)?;
        let key = session.map_or_else(String::new, |session| session.id.to_string());
        let attempt = self
            .login_limiter
            .begin(&member.name, AttemptOrigin::Known(key), self.now());
        let attempt = attempt.map_err(|error| {
            let (TooMany::Source(retry_after) | TooMany::Name(retry_after)) = error;
            PeopleError::TooMany { retry_after }
        })?;
        match self.is_password(member, current).await {
            Ok(true) => {
                attempt.succeeded();
                Ok(())
            }
            Ok(false) => Err(PeopleError::WrongPassword),
            Err(error) => {
                attempt.give_back();
                Err(error.into())
            }
        }
    }

    async fn is_password(&self, member: &Member, password: Password) -> Result<bool, PasswordsError> {
        let caller = PasswordCaller::Known(member.name.key());
        let _turn = self.password_queue.turn(caller, 0).await?;
        let hash = member.password.clone();
        self.ports.passwords.verify(password, hash).await
    }

    async fn member_act(
        &self,
        actor: &ActorContext,
        id: MemberId,
        change: MemberChange,
    ) -> Result<Member, PeopleError> {
        let acted = self
            .store
            .member_act(id, change, actor.clone(), self.now())
            .await?;
        Ok(acted.ok_or(PeopleError::NotFound)??)
    }

    /// A new member that is not stored yet.
    pub(crate) fn new_member(&self, name: MemberName, role: Role) -> Result<Member, PeopleError> {
        let now = self.now();
        Ok(Member {
            id: MemberId::new(now, self.random()?),
            organization: OrganizationId::FIRST,
            name,
            role,
            password: None,
            created_at: now,
        })
    }
}

/// The place of the actor in the password queue.
fn caller(actor: &ActorContext) -> PasswordCaller {
    let identity = &actor.identity;
    PasswordCaller::Known(identity.id().unwrap_or_else(|| identity.name().to_owned()))
}

/// The member as the subject of an entry of the audit trail.
pub(crate) fn member_subject(member: &Member) -> AuditSubject {
    AuditSubject::new(member.id, &member.name)
}
