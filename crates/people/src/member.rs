//! Members, and the rules about owners.

use thiserror::Error;

use crate::{MemberId, MemberName, PasswordHash, Role};
use hookgate_domain::{OrganizationId, Timestamp};

/// A person who belongs to an organization.
///
/// ```
/// use hookgate_domain::{OrganizationId, Timestamp};
/// use hookgate_people::{Member, MemberError, MemberId, Role};
///
/// let now = Timestamp::from_micros(0);
/// let member = Member {
///     id: MemberId::new(now, [1; 10]),
///     organization: OrganizationId::FIRST,
///     name: "ada@example.org".parse()?,
///     role: Role::Owner,
///     password: None,
///     created_at: now,
/// };
/// // The last owner stays one.
/// assert_eq!(member.clone().with_role(Role::Admin, Role::Owner, 1), Err(MemberError::LastOwner));
/// // And with two of them, an admin still can't change either.
/// assert_eq!(member.clone().with_role(Role::Admin, Role::Admin, 2), Err(MemberError::OwnersOnly));
/// assert_eq!(member.with_role(Role::Admin, Role::Owner, 2)?.role, Role::Admin);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The public name.
    pub id: MemberId,
    /// The member's organization.
    pub organization: OrganizationId,
    /// The name that the member signs in with.
    pub name: MemberName,
    /// The member's role.
    pub role: Role,
    /// The hash of the password; `None` if there is no password yet, so that only a link signs the member in.
    pub password: Option<PasswordHash>,
    /// Time of creation.
    pub created_at: Timestamp,
}

impl Member {
    /// Changes the role. `by` is the role of the actor, `owners` the number of owners in the organization.
    ///
    /// # Errors
    /// [`MemberError::OwnersOnly`] if another role than the owner's makes or changes an owner;
    /// [`MemberError::LastOwner`].
    pub fn with_role(self, role: Role, by: Role, owners: u64) -> Result<Self, MemberError> {
        if role == Role::Owner && by != Role::Owner {
            return Err(MemberError::OwnersOnly);
        }
        self.check_changeable(by)?;
        if role != Role::Owner {
            self.check_dispensable(owners)?;
        }
        Ok(Self { role, ..self })
    }

    /// Checks that an actor with the role `by` may remove the member; `owners` is the number of owners in the
    /// organization.
    ///
    /// # Errors
    /// [`MemberError::OwnersOnly`] or [`MemberError::LastOwner`].
    pub fn check_removable(&self, by: Role, owners: u64) -> Result<(), MemberError> {
        self.check_changeable(by)?;
        self.check_dispensable(owners)
    }

    /// Checks that an actor with the role `by` may change the member: only an owner may change an owner.
    ///
    /// # Errors
    /// [`MemberError::OwnersOnly`].
    pub fn check_changeable(&self, by: Role) -> Result<(), MemberError> {
        if self.role == Role::Owner && by != Role::Owner {
            Err(MemberError::OwnersOnly)
        } else {
            Ok(())
        }
    }

    fn check_dispensable(&self, owners: u64) -> Result<(), MemberError> {
        if self.role == Role::Owner && owners < 2 {
            Err(MemberError::LastOwner)
        } else {
            Ok(())
        }
    }
}

/// Refusals of a change of a member.
///
/// ```
/// use hookgate_people::MemberError;
///
/// assert_eq!(MemberError::LastOwner.to_string(), "the last owner can't be removed or given another role");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MemberError {
    /// Only an owner may make, change or remove an owner.
    #[error("only an owner may make, change or remove an owner")]
    OwnersOnly,
    /// The member's role is no longer the one that the change expected.
    #[error("the role was changed by somebody else meanwhile")]
    Changed,
    /// The organization would have no owner, and so no member who may do everything.
    #[error("the last owner can't be removed or given another role")]
    LastOwner,
}
