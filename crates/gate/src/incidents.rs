//! What people do with incidents.

use hookgate_domain::{
    AuditAct, AuditSubject, Incident, IncidentError, IncidentNumber, NewAudit, Permission, Timestamp,
};
use serde_json::json;
use thiserror::Error;

use crate::{Acting, Forbidden, Gate, Store, StoreError};

/// What people do with an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentAction {
    /// Somebody works on it.
    Acknowledge,
    /// It is over.
    Resolve,
}

impl IncidentAction {
    /// The incident after the action, and the entry of the audit trail.
    ///
    /// # Errors
    /// The rule that refuses it.
    pub fn apply(
        self,
        incident: Incident,
        acting: &Acting,
        now: Timestamp,
    ) -> Result<(Incident, NewAudit), IncidentError> {
        let status = |incident: &Incident| json!({"status": incident.status.as_str()});
        let before = status(&incident);
        let (incident, act) = match self {
            Self::Acknowledge => (incident.acknowledge(now)?, AuditAct::IncidentAcknowledge),
            Self::Resolve => (incident.resolve(now)?, AuditAct::IncidentResolve),
        };
        let subject = AuditSubject::new(incident.number, &incident.title);
        let changes = (before, status(&incident));
        let audit = acting.note_change(act, subject, now, changes);
        Ok((incident, audit))
    }
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
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<S: Store> Gate<S> {
    /// Acknowledges or resolves an incident.
    ///
    /// # Errors
    /// [`IncidentActError`]; nothing is stored then.
    pub async fn incident_act(
        &self,
        acting: &Acting,
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
}
