//! Conversions from the gate's types to the models of the pages.

use hookgate_domain::{Incident, Webhook, WebhookState};
use hookgate_gate::{Answer, DeliverySummary};
use hookgate_pages::{DeliveryRow, IncidentRow, UserText, Verdict, WebhookFacts};

use hookgate_wire::answered_status;

/// The row of a delivery.
pub(super) fn delivery_row(record: &DeliverySummary) -> DeliveryRow {
    DeliveryRow {
        id: record.id,
        webhook: record.webhook,
        webhook_name: record.webhook_name.as_str().into(),
        received_at: record.received_at,
        source: record.source,
        user_agent: record.user_agent.as_deref().map(Into::into),
        verdict: match record.answer {
            Answer::Opened => Verdict::Opened,
            Answer::Updated => Verdict::Updated,
            Answer::Unmatched => Verdict::Unmatched,
            Answer::Refused(code) => Verdict::Refused(code),
            Answer::Postponed(code) => Verdict::Postponed(code),
        },
        status: answered_status(record.answer),
        would_be_refused: record.would_be_refused,
        incident: record.incident,
        count: u64::try_from(record.count).unwrap_or(0),
        request_id: record.request_id,
    }
}

/// The row of an incident, with the name of its webhook.
pub(super) fn incident_row(incident: &Incident, webhook_name: UserText) -> IncidentRow {
    IncidentRow {
        number: incident.number,
        title: incident.title.as_str().into(),
        severity: incident.severity,
        status: incident.status,
        webhook: incident.webhook,
        webhook_name,
        occurrences: u64::try_from(incident.occurrences).unwrap_or(0),
        opened_at: incident.opened_at,
        updated_at: incident.updated_at,
    }
}

/// State and policy of a webhook.
pub(super) fn webhook_facts(webhook: &Webhook, now: hookgate_domain::Timestamp) -> WebhookFacts {
    let policy = &webhook.policy;
    let (issued_at, revoked_at) = match &webhook.state {
        WebhookState::Active(url) => (url.issued_at, None),
        WebhookState::Revoked { at, .. } => (webhook.created_at, Some(*at)),
    };
    let entries = policy.allowlist.entries().into_iter().flatten();
    WebhookFacts {
        handle: webhook.handle,
        name: webhook.name.as_str().into(),
        format: webhook.format.as_str().to_owned(),
        hint: webhook.state.hint().to_string(),
        created_at: webhook.created_at,
        issued_at,
        rotation: webhook.rotation_age(now),
        leaver: webhook.leaver.as_ref().map(|leaver| leaver.name.as_str().into()),
        revoked_at,
        revoked_by: None,
        networks: entries.map(|entry| entry.allowed.to_string()).collect(),
        allowlist_mode: policy.allowlist_mode,
        body_bytes: policy.limits.body_bytes(),
        per_minute: policy.limits.per_minute().map(std::num::NonZero::get),
        postpones: policy.limits.overload() == hookgate_domain::policy::Overload::Postpone,
        payload_logging: policy.payload_logging == hookgate_domain::policy::PayloadLogging::On,
        signed: policy.signing_secret.is_some(),
        rotation_days: policy.rotation.days.map(std::num::NonZero::get),
    }
}
