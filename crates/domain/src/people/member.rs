//! Members, and the rules about owners.

use thiserror::Error;

use crate::{MemberId, MemberName, OrganizationId, PasswordHash, Role, Timestamp};

/// Somebody who belongs to an organization.
///
/// ```
/// use hookgate_domain::{Member, MemberError, MemberId, OrganizationId, Role, Timestamp};
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
    /// Where the member belongs.
    pub organization: OrganizationId,
    /// What the member signs in as.
    pub name: MemberName,
    /// What the member may do.
    pub role: Role,
    /// The hash of the password; `None` while there is none, and then only a link signs in.
    pub password: Option<PasswordHash>,
    /// When the member was added.
    pub created_at: Timestamp,
}

impl Member {
    /// The member with another role, given by somebody with the role `by`, where there are so many owners.
    ///
    /// # Errors
    /// [`MemberError::OwnersOnly`] if an owner is made or changed by somebody else, and [`MemberError::LastOwner`].
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

    /// Whether somebody with the role `by` may remove the member, where there are so many owners.
    ///
    /// # Errors
    /// [`MemberError::OwnersOnly`] or [`MemberError::LastOwner`].
    pub fn check_removable(&self, by: Role, owners: u64) -> Result<(), MemberError> {
        self.check_changeable(by)?;
        self.check_dispensable(owners)
    }

    /// Whether somebody with the role `by` may change the member: only an owner may change an owner.
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

/// Why a change of a member is refused.
///
/// ```
/// use hookgate_domain::MemberError;
///
/// assert_eq!(MemberError::LastOwner.to_string(), "the last owner can't be removed or given another role");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MemberError {
    /// Only an owner may make, change or remove an owner.
    #[error("only an owner may make, change or remove an owner")]
    OwnersOnly,
    /// The member has another role than the one that was to be changed.
    #[error("the role was changed by somebody else meanwhile")]
    Changed,
    /// Somebody has to be able to do everything.
    #[error("the last owner can't be removed or given another role")]
    LastOwner,
}
