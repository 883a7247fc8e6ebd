//! Sign-in links: making one, and signing in by it.

use std::net::IpAddr;

use hookgate_people::{
    Actor, AuditAct, LinkMaker, Member, MemberName, Permission, Role, Session, SessionToken, SignInLink,
    SignInMeans, SignInSecret,
};

use super::members::member_subject;
use crate::{ActorContext, CredentialError, Gate, PageSize, PeopleError, PeopleStore, SignInError, Store};

/// Name of the owner that the very first sign-in link creates.
const FIRST_OWNER: &str = "owner";

impl<S: Store + PeopleStore> Gate<S> {
    /// Makes a link that signs a member in, once. An earlier link of that member no longer works.
    ///
    /// Without a name the link is for the first owner. In a store without members it creates one, named `owner` and
    /// without a password.
    ///
    /// # Errors
    /// [`PeopleError::NotFound`], [`PeopleError::Forbidden`], [`PeopleError::ByToken`] for an API token,
    /// [`PeopleError::ByLink`] in a session that a member's link began, [`PeopleError::Member`] if the link is for an
    /// owner and the actor is none, or a failure of a port.
    pub async fn sign_in_link(
        &self,
        actor: &ActorContext,
        name: Option<&MemberName>,
    ) -> Result<(SignInSecret, SignInLink, Member), PeopleError> {
        actor.require(Permission::ManagePeople)?;
        self.check_lasting(actor).await?;
        let (member, is_new) = match name {
            Some(name) => (self.store.member_by_name(name).await?, false),
            None => self.first_owner().await?,
        };
        let member = member.ok_or(PeopleError::NotFound)?;
        member.check_changeable(actor.role())?;
        let secret = SignInSecret::generate(|buffer| self.ports.entropy.fill(buffer))?;
        let link = SignInLink {
            digest: secret.digest(),
            member: member.id,
            created_at: self.now(),
            made_by: maker(actor),
        };
        let subject = member_subject(&member);
        let audit = actor.note(AuditAct::SignInLinkCreate, subject, link.created_at);
        let first = is_new.then(|| member.clone());
        self.store.sign_in_link_insert(link, first, audit).await?;
        Ok((secret, link, member))
    }

    /// The sign-in link and its member, unless it has expired or was used.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn find_sign_in_link(
        &self,
        secret: &SignInSecret,
        from: IpAddr,
    ) -> Result<Option<(SignInLink, Member)>, CredentialError> {
        let (now, digest) = (self.now(), secret.digest());
        let look_up = self.store.sign_in_link_by_digest(&digest);
        let found = self.credentials.find(digest.as_bytes(), from, now, look_up);
        Ok(found.await?.filter(|(link, _)| !link.is_over(now)))
    }

    /// Signs a member in by a link and uses it up. Of several concurrent attempts, one succeeds.
    ///
    /// # Errors
    /// [`SignInError`]. Links can't be guessed; the limit is for the work of looking unknown links up.
    pub async fn sign_in_by_link(
        &self,
        secret: &SignInSecret,
        from: IpAddr,
        user_agent: Option<&str>,
    ) -> Result<(SessionToken, Session, Member), SignInError> {
        let found = self.find_sign_in_link(secret, from).await?;
        let (link, member) = found.ok_or(SignInError::Wrong)?;
        let (token, session, audit) =
            self.new_session(&member, SignInMeans::Link, link.made_by, from, user_agent)?;
        let used = self.store.sign_in_link_use(link.digest, session.clone(), audit);
        if !used.await? {
            return Err(SignInError::Wrong);
        }
        self.credentials.remember(*session.digest.as_bytes());
        Ok((token, session, member))
    }

    /// The first owner, or a new one if there is no member at all; `true` if it is new.
    async fn first_owner(&self) -> Result<(Option<Member>, bool), PeopleError> {
        let mut after = None;
        loop {
            let page = self.store.member_page(after, PageSize::MAX).await?;
            let last = page.last().map(|member| member.id);
            if let Some(owner) = page.into_iter().find(|member| member.role == Role::Owner) {
                return Ok((Some(owner), false));
            }
            match last {
                Some(last) => after = Some(last),
                None if after.is_none() => break,
                None => return Ok((None, false)),
            }
        }
        let name = FIRST_OWNER.parse().map_err(|_| PeopleError::NotFound)?;
        Ok((Some(self.new_member(name, Role::Owner)?), true))
    }
}

/// The member that makes a link; `None` for another actor.
fn maker(actor: &ActorContext) -> Option<LinkMaker> {
    match actor.identity {
        Actor::Member { id, .. } => Some(LinkMaker {
            member: id,
            session: actor.session,
        }),
        Actor::Token { .. } | Actor::CommandLine { .. } | Actor::System => None,
    }
}
