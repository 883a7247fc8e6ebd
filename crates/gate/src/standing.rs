//! Whether an actor still may: it was authenticated some time before, so a store asks again in the transaction of the change.

use hookgate_domain::{Actor, Role};
use thiserror::Error;

/// Why an actor may no longer do what it is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ActorError {
    /// The session, the token or the member is gone.
    #[error("the session or token has ended, so nothing was changed")]
    Ended,
    /// The role is lower than the one that was checked.
    #[error("the role was lowered, so nothing was changed")]
    RoleLowered,
}

/// Compares an actor as it was authenticated with the role that it has in the store now, `None` if it can't act any more.
///
/// A lower role refuses whatever it is: the rules above compared the earlier one with the roles of others.
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
