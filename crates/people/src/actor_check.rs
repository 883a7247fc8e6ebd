//! The check that an actor may still act. An actor was authenticated some time before, so the store checks it again in
//! the transaction of the change.

use thiserror::Error;

use crate::{Actor, Role};

/// The reason for which an actor may no longer act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ActorError {
    /// The session, the token or the member is gone.
    #[error("the session or token has ended, so nothing was changed")]
    Ended,
    /// The role is lower than the one that was checked.
    #[error("the role was lowered, so nothing was changed")]
    RoleLowered,
}

/// Compares an actor as it was authenticated with its present role in the store; `None` if it can't act any more.
///
/// A lower role refuses every change: the rules before compared the earlier role with the roles of others.
///
/// # Errors
/// [`ActorError`]; nothing may be stored then.
pub fn check_actor(actor: &Actor, role: Option<Role>) -> Result<(), ActorError> {
    match role {
        None => Err(ActorError::Ended),
        Some(role) if role < actor.role() => Err(ActorError::RoleLowered),
        Some(_) => Ok(()),
    }
}
