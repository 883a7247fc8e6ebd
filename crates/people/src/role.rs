//! Roles of members and tokens, and their permissions.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The role of a member or a token. Each role may do all that the roles below it may.
///
/// ```
/// use hookgate_people::{Permission, Role};
///
/// assert!(Role::Viewer < Role::Operator && Role::Admin < Role::Owner);
/// assert!(Role::Admin.may(Permission::ManageWebhooks) && !Role::Operator.may(Permission::ManageWebhooks));
/// assert_eq!("operator".parse(), Ok(Role::Operator));
/// assert_eq!(Role::Operator.to_string(), "operator");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Sees everything but payloads and people.
    Viewer,
    /// Sees payloads and works on incidents.
    Operator,
    /// Manages webhooks and people, owners excepted.
    Admin,
    /// May do everything. There is always one.
    Owner,
}

impl Role {
    /// Every role, lowest first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Admin, Self::Owner];

    /// `true` if the role has the permission.
    ///
    /// ```
    /// use hookgate_people::{Permission, Role};
    ///
    /// assert!(!Role::Viewer.may(Permission::SeePayloads));
    /// assert!(Role::Owner.may(Permission::ManagePeople));
    /// ```
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self >= permission.lowest()
    }

    /// The word for the role.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or(UnknownRole)
    }
}

/// The text is no role.
///
/// ```
/// use hookgate_people::{Role, UnknownRole};
///
/// assert_eq!("Owner".parse::<Role>(), Err(UnknownRole));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a role (viewer, operator, admin or owner)")]
pub struct UnknownRole;

/// A permission that not every role has.
///
/// ```
/// use hookgate_people::{Permission, Role};
///
/// assert_eq!(Permission::HandleIncidents.lowest(), Role::Operator);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See the payloads of deliveries, which may hold the senders' secrets.
    SeePayloads,
    /// Acknowledge and resolve incidents.
    HandleIncidents,
    /// Create, edit, regenerate and revoke webhooks.
    ManageWebhooks,
    /// Manage members, tokens and other people's sessions, and read the audit trail.
    ManagePeople,
}

impl Permission {
    /// The lowest role that has it.
    #[must_use]
    pub const fn lowest(self) -> Role {
        match self {
            Self::SeePayloads | Self::HandleIncidents => Role::Operator,
            Self::ManageWebhooks | Self::ManagePeople => Role::Admin,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SeePayloads => "see payloads",
            Self::HandleIncidents => "work on incidents",
            Self::ManageWebhooks => "manage webhooks",
            Self::ManagePeople => "manage people",
        })
    }
}
