//! Actions of people on incidents.

use hookgate_domain::incident::{IncidentError, IncidentEvent, IncidentNote, IncidentNoteError};
use hookgate_domain::leaks::with_secrets_masked;
use hookgate_domain::{DeliveryId, Incident, IncidentNumber, Timestamp};
use hookgate_people::{Actor, AuditAct, AuditSubject, NewAudit, Permission};
use serde_json::json;
use thiserror::Error;

use crate::{ActorContext, Forbidden, Gate, Store, StoreError};

/// Maximum number of events of an incident that are kept. Changes by senders have a lower bound of their own
/// ([`MAX_LISTED_CHANGES`](hookgate_domain::incident::MAX_LISTED_CHANGES)).
pub const MAX_EVENTS: usize = 1_000;
/// Number of events from which notes and reopenings are refused: the rest is for acknowledging and resolving.
const FULL_EVENTS: usize = MAX_EVENTS / 2;

/// An action of a person on an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncidentAction {
    /// Acknowledges it: a member works on it.
    Acknowledge,
    /// Resolves it.
    Resolve,
    /// Reopens it: it is not over after all.
    Reopen,
    /// Adds a note to it.
    Note(IncidentNote),
}

/// An incident that an action is applied to, with the other facts that the rules need.
#[derive(Clone, Debug, PartialEq)]
pub struct ActedOn {
    /// The incident as it is.
    pub incident: Incident,
    /// Number of its events that are kept.
    pub events: usize,
    /// The unresolved incident of its webhook with the same dedup key, if that is another one.
    pub twin: Option<IncidentNumber>,
}

/// The result of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Acted {
    /// The incident after the action.
    pub incident: Incident,
    /// The event for the timeline.
    pub event: IncidentEvent,
    /// The entry of the audit trail.
    pub audit: NewAudit,
}

impl IncidentAction {
    /// Applies the action.
    ///
    /// # Errors
    /// The rule that refuses the action.
    pub fn apply(&self, on: ActedOn, actor: &ActorContext, now: Timestamp) -> Result<Acted, IncidentError> {
        let ActedOn {
            incident,
            events,
            twin,
        } = on;
        if matches!(self, Self::Reopen | Self::Note(_)) && events >= FULL_EVENTS {
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
        let audit = actor.note_change(act, subject, now, changes);
        Ok(Acted {
            incident,
            event,
            audit,
        })
    }
}

/// An event of an incident, as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRecord {
    /// Time of the event.
    pub at: Timestamp,
    /// The event.
    pub event: IncidentEvent,
    /// The actor that caused it; `None` for a sender.
    pub actor: Option<Actor>,
    /// The delivery that caused it, or for an actor the last delivery of the incident before.
    pub delivery: Option<DeliveryId>,
    /// Number of deliveries of the incident until then, this one included.
    pub occurrences: i64,
}

/// Errors of an action on an incident.
#[derive(Debug, Error)]
pub enum IncidentActError {
    /// There is no such incident.
    #[error("no such incident")]
    NotFound,
    /// The actor's role does not have the permission.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A rule of the life cycle of incidents forbids it.
    #[error(transparent)]
    Refused(#[from] IncidentError),
    /// The note is empty or too long.
    #[error(transparent)]
    Note(#[from] IncidentNoteError),
    /// The store failed.
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
        actor: &ActorContext,
        number: IncidentNumber,
        action: IncidentAction,
    ) -> Result<Incident, IncidentActError> {
        actor.require(Permission::HandleIncidents)?;
        let acted = self
            .store
            .incident_act(number, action, actor.clone(), self.now())
            .await?;
        Ok(acted.ok_or(IncidentActError::NotFound)??)
    }

    /// Adds a note to an incident. A secret in the note is masked, as in a payload.
    ///
    /// # Errors
    /// [`IncidentActError`]; nothing is stored then.
    pub async fn incident_note(
        &self,
        actor: &ActorContext,
        number: IncidentNumber,
        text: &str,
    ) -> Result<Incident, IncidentActError> {
        actor.require(Permission::HandleIncidents)?;
        let note: IncidentNote = with_secrets_masked(text).parse()?;
        self.incident_act(actor, number, IncidentAction::Note(note)).await
    }
}
