//! Changes of incidents: a delivery of a sender opens, updates, acknowledges and resolves any number of them.

use super::{DraftFields, FieldError, IncidentDraft, IncidentStatus};

/// One change of an incident by a delivery: the action, and the values that it brings. The draft's dedup key names the
/// incident.
///
/// ```
/// use hookgate_domain::draft::{ChangeAction, DraftFields, IncidentChange};
///
/// // A tool reports the end of a problem with the key alone.
/// let fields = DraftFields { dedup_key: Some("db1/disk".into()), ..DraftFields::default() };
/// let change = IncidentChange::check(ChangeAction::Resolve, fields.clone())?;
/// assert!(change.draft.resolves());
///
/// // An incident needs a title to be opened.
/// assert!(IncidentChange::check(ChangeAction::Open, fields).is_err());
/// # Ok::<(), Vec<hookgate_domain::draft::FieldError>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentChange {
    /// The action. The status of the draft agrees with it.
    pub action: ChangeAction,
    /// The values.
    pub draft: IncidentDraft,
}

/// The action of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeAction {
    /// Updates the unresolved incident of the key, or opens one if there is none.
    Open,
    /// Updates the unresolved incident of the key. If there is none, nothing happens.
    Update,
    /// Acknowledges the open incident of the key. If there is none, nothing happens.
    Acknowledge,
    /// Resolves the unresolved incident of the key. If there is none, nothing happens: tools repeat that a problem is over,
    /// and each repeat would make an incident that nobody saw.
    Resolve,
}

impl ChangeAction {
    /// The status that the action gives to an incident.
    const fn status(self) -> IncidentStatus {
        match self {
            Self::Open | Self::Update => IncidentStatus::Open,
            Self::Acknowledge => IncidentStatus::Acknowledged,
            Self::Resolve => IncidentStatus::Resolved,
        }
    }
}

impl IncidentChange {
    /// Checks the fields like [`IncidentDraft::check`]. The status comes from the action, and the field `status` is ignored.
    ///
    /// # Errors
    /// The title is missing, and the action is [`ChangeAction::Open`]; or the dedup key is missing, and the action is another
    /// one, which needs an incident.
    pub fn check(action: ChangeAction, fields: DraftFields<'_>) -> Result<Self, Vec<FieldError>> {
        let mut draft = IncidentDraft::repair(DraftFields {
            status: None,
            ..fields
        });
        draft.status = action.status();
        let required = match action {
            ChangeAction::Open => ("title", draft.title()),
            ChangeAction::Update | ChangeAction::Acknowledge | ChangeAction::Resolve => {
                ("dedup_key", draft.dedup_key())
            }
        };
        match required {
            (field, None) => Err(vec![FieldError::required(field)]),
            (_, Some(_)) => Ok(Self { action, draft }),
        }
    }
}

impl From<IncidentDraft> for IncidentChange {
    /// The change of a payload that has a status of its own: it resolves, or it opens or updates. An incident may be opened as
    /// acknowledged.
    fn from(draft: IncidentDraft) -> Self {
        let action = if draft.resolves() {
            ChangeAction::Resolve
        } else {
            ChangeAction::Open
        };
        Self { action, draft }
    }
}
