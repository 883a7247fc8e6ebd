//! What people do with incidents.

use hookgate_domain::{
    Actor, AuditAct, AuditSubject, DeliveryId, Incident, IncidentError, IncidentEvent, IncidentNote,
    IncidentNoteError, IncidentNumber, NewAudit, Permission, Timestamp, with_secrets_masked,
};
use serde_json::json;
use thiserror::Error;

use crate::{ActorContext, Forbidden, Gate, Store, StoreError};

/// Most events of an incident that are kept. Senders' changes end at a bound of their own
/// ([`MAX_LISTED_CHANGES`](hookgate_domain::MAX_LISTED_CHANGES)), long before.
pub const MAX_EVENTS: usize = 1_000;
/// Events from which on notes and reopenings are refused: what is left is for acknowledging and resolving.
const FULL: usize = MAX_EVENTS / 2;

/// What people do with an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncidentAction {
    /// Somebody works on it.
    Acknowledge,
    /// It is over.
    Resolve,
    /// It is not over after all.
    Reopen,
    /// Something is written down about it.
    Note(IncidentNote),
}

/// An incident that somebody acts on, with what the rules look at beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct ActedOn {
    /// The incident as it is.
    pub incident: Incident,
    /// How many events of it are kept.
    pub events: usize,
    /// The unresolved incident of its webhook with the same dedup key, if it is another one.
    pub twin: Option<IncidentNumber>,
}

/// What an action comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Acted {
    /// The incident as it is then.
    pub incident: Incident,
    /// What happened.
    pub event: IncidentEvent,
    /// The entry of the audit trail.
    pub audit: NewAudit,
}

impl IncidentAction {
    /// Does it.
    ///
    /// # Errors
    /// The rule that refuses it.
    pub fn apply(&self, on: ActedOn, acting: &ActorContext, now: Timestamp) -> Result<Acted, IncidentError> {
        let ActedOn {
            incident,
            events,
            twin,
        } = on;
        if matches!(self, Self::Reopen | Self::Note(_)) && events >= FULL {
            return Err(IncidentError::TimelineFull);
        }
        let status = |incident: &Incident| json!({"status": incident.status.as_str()});
        let before = status(&incident);
        let (incident, act, event) = match self {
            Self::Acknowledge => (
                incident.acknowledge(now)?,
                AuditAct::IncidentAcknowledge,
                IncidentEvent::Acknowledged,
            ),
            Self::Resolve => (
                incident.resolve(now)?,
                AuditAct::IncidentResolve,
                IncidentEvent::Resolved,
            ),
            Self::Reopen => {
                let reopened = incident.reopen(now)?;
                if let Some(twin) = twin {
                    return Err(IncidentError::DedupKeyTaken(twin));
                }
                (reopened, AuditAct::IncidentReopen, IncidentEvent::Reopened)
            }
            Self::Note(note) => {
                let noted = Incident {
                    updated_at: now,
                    ..incident
                };
                (noted, AuditAct::IncidentNote, IncidentEvent::Note(note.clone()))
            }
        };
        let subject = AuditSubject::new(incident.number, &incident.title);
        let changes = match self {
            Self::Note(note) => (json!({}), json!({"note": note.as_str()})),
            _ => (before, status(&incident)),
        };
        let audit = acting.note_change(act, subject, now, changes);
        Ok(Acted {
            incident,
            event,
            audit,
        })
    }
}

/// Something that happened to an incident, as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRecord {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: IncidentEvent,
    /// The person or program that did it; `None` for a sender.
    pub actor: Option<Actor>,
    /// The delivery that did it, or the last one of the incident before a person did.
    pub delivery: Option<DeliveryId>,
    /// How many deliveries had told of the incident then, this one included.
    pub occurrences: i64,
}

/// Why an action on an incident could not be done.
#[derive(Debug, Error)]
pub enum IncidentActError {
    /// There is no such incident.
    #[error("no such incident")]
    NotFound,
    /// The actor's role does not include it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A rule of the incident's life forbids it.
    #[error(transparent)]
    Refused(#[from] IncidentError),
    /// The note is empty or too long.
    #[error(transparent)]
    Note(#[from] IncidentNoteError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<S: Store> Gate<S> {
    /// Acknowledges, resolves or reopens an incident.
    ///
    /// # Errors
    /// [`IncidentActError`]; nothing is stored then.
    pub async fn incident_act(
        &self,
        acting: &ActorContext,
        number: IncidentNumber,
        action: IncidentAction,
    ) -> Result<Incident, IncidentActError> {
        acting.require(Permission::HandleIncidents)?;
        let acted = self
            .store
            .incident_act(number, action, acting.clone(), self.now())
            .await?;
        Ok(acted.ok_or(IncidentActError::NotFound)??)
    }

    /// Writes something down about an incident. A secret in it is masked, as it is in a payload.
    ///
    /// # Errors
    /// [`IncidentActError`]; nothing is stored then.
    pub async fn incident_note(
        &self,
        acting: &ActorContext,
        number: IncidentNumber,
        text: &str,
    ) -> Result<Incident, IncidentActError> {
        acting.require(Permission::HandleIncidents)?;
        let note: IncidentNote = with_secrets_masked(text).parse()?;
        self.incident_act(acting, number, IncidentAction::Note(note))
            .await
    }
}
