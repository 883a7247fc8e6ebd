//! `/incidents`: what accepted deliveries told of.

use std::collections::HashMap;

use hookgate_domain::{
    AuditAct, AuditEntry, Incident, IncidentNumber, IncidentStatus, MetadataValue, WebhookHandle,
};
use hookgate_gate::{
    Acting, AuditFilter, IncidentActError, IncidentAction, IncidentFilter, PageSize, PeopleStore, Seek,
    Store, SubjectMatch,
};
use hookgate_pages::{
    Flash, FlashKind, IncidentDetail, IncidentList, Paging, Shell, TimelineEntry, UserText,
};

use super::models::{delivery_row, incident_row};
use super::{Screen, page};
use crate::console::fault::{Code, Fault};
use crate::console::html;
use crate::reply::Reply;

/// The word of the redirect after an act that came too late.
const EARLIER: &str = "earlier";

/// The newest deliveries of an incident that its page shows.
const DELIVERIES: u16 = 20;

/// The list, newest first.
pub(super) async fn list<S: Store + PeopleStore>(screen: &Screen<'_, S>) -> Result<Reply, Fault> {
    let query = screen.fields(&["status", "cursor"])?;
    let status = query.read::<IncidentStatus>("status")?;
    let before = query.read::<IncidentNumber>("cursor")?;
    let size = PageSize::default();
    let filter = IncidentFilter {
        status,
        webhook: None,
    };
    let page = screen.gate().store().incident_page(filter, before, size).await?;
    let older = page.next.map(|number| number.to_string());
    let mut names = HashMap::new();
    let mut rows = Vec::with_capacity(page.items.len());
    for incident in &page.items {
        let name = name_of(screen, &mut names, incident.webhook).await?;
        rows.push(incident_row(incident, name));
    }
    super::page(
        IncidentList {
            shell: screen.shell(),
            status,
            rows,
            paging: Paging { newer: None, older },
        }
        .render(),
    )
}

/// One incident.
pub(super) async fn show<S: Store + PeopleStore>(screen: &Screen<'_, S>, id: &str) -> Result<Reply, Fault> {
    let incident = find(screen, id).await?;
    let name = name_of(screen, &mut HashMap::new(), incident.webhook).await?;
    let newest = PageSize::new(DELIVERIES).unwrap_or_default();
    let deliveries = screen
        .gate()
        .store()
        .deliveries_of_incident(incident.number, Seek::Newest, newest)
        .await?;
    let text = |text: &Option<String>| text.as_deref().map(UserText::from);
    let shell = screen.shell();
    let flash = earlier(screen, &incident).await?.or(shell.flash.clone());
    page(
        IncidentDetail {
            shell: Shell { flash, ..shell },
            description: text(&incident.description),
            service: text(&incident.service),
            source_url: text(&incident.source_url),
            dedup_key: text(&incident.dedup_key),
            metadata: metadata(&incident),
            timeline: timeline(screen, &incident).await?,
            deliveries: deliveries.items.iter().map(delivery_row).collect(),
            row: incident_row(&incident, name),
        }
        .render(),
    )
}

/// Acknowledges or resolves.
pub(super) async fn act<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    id: &str,
    word: &str,
) -> Result<Reply, Fault> {
    let number: IncidentNumber = id.parse().map_err(|_| Code::NotFound)?;
    let (action, done) = match word {
        "acknowledge" => (IncidentAction::Acknowledge, "acknowledged"),
        _ => (IncidentAction::Resolve, "resolved"),
    };
    let acting = &screen.visitor.acting;
    let done = match screen.gate().incident_act(acting, number, action).await {
        Ok(_) => done,
        // Somebody was faster. The page of the incident says who.
        Err(IncidentActError::Refused(_)) => EARLIER,
        Err(error) => return Err(error.into()),
    };
    Ok(html::see_other(&format!("/incidents/{number}?done={done}")))
}

/// Says who was faster, for somebody whose act came too late.
async fn earlier<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    incident: &Incident,
) -> Result<Option<Flash>, Fault> {
    if screen.done() != Some(EARLIER) {
        return Ok(None);
    }
    let filter = AuditFilter {
        subject: Some(SubjectMatch::Ids(vec![incident.number.to_string()])),
        ..AuditFilter::default()
    };
    let acts = screen
        .gate()
        .audit_page(&Acting::system(), &filter, None, PageSize::default())
        .await?;
    let done = acts.iter().find_map(|entry| {
        let done = match entry.act {
            AuditAct::IncidentAcknowledge => "acknowledged",
            AuditAct::IncidentResolve => "resolved",
            _ => return None,
        };
        let is_own = entry.actor == screen.visitor.acting.actor;
        let who = if is_own { "You" } else { entry.actor.name() };
        Some(format!(
            "{who} {done} this {} ago.",
            span(screen.now.since(entry.at).as_secs())
        ))
    });
    let text = done.unwrap_or_else(|| format!("This incident is already {}.", incident.status.as_str()));
    Ok(Some(Flash {
        kind: FlashKind::Done,
        text: text.into(),
    }))
}

/// A span of time in its largest unit.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

async fn find<S: Store + PeopleStore>(screen: &Screen<'_, S>, id: &str) -> Result<Incident, Fault> {
    let number = id.parse().map_err(|_| Code::NotFound)?;
    let found = screen.gate().store().incident_by_number(number).await?;
    found.ok_or_else(|| Code::NotFound.into())
}

/// The name of a webhook, looked up once for each page.
pub(super) async fn name_of<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    names: &mut HashMap<WebhookHandle, UserText>,
    handle: WebhookHandle,
) -> Result<UserText, Fault> {
    if let Some(name) = names.get(&handle) {
        return Ok(name.clone());
    }
    let webhook = screen.gate().store().webhook_by_handle(handle).await?;
    let name = webhook.map_or_else(UserText::default, |webhook| webhook.name.as_str().into());
    names.insert(handle, name.clone());
    Ok(name)
}

fn metadata(incident: &Incident) -> Vec<(UserText, UserText)> {
    let shown = |value: &MetadataValue| match value {
        MetadataValue::Null => "null".to_owned(),
        MetadataValue::Bool(value) => value.to_string(),
        MetadataValue::Integer(value) => value.to_string(),
        MetadataValue::Number(number) => number.to_string(),
        MetadataValue::Text(value) => value.clone(),
    };
    let pairs = incident.metadata.iter();
    pairs
        .map(|(key, value)| (key.as_str().into(), shown(value).into()))
        .collect()
}

/// What happened, newest first. Who worked on an incident is no secret to anybody who sees it.
async fn timeline<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    incident: &Incident,
) -> Result<Vec<TimelineEntry>, Fault> {
    let filter = AuditFilter {
        subject: Some(SubjectMatch::Ids(vec![incident.number.to_string()])),
        ..AuditFilter::default()
    };
    let acts = screen
        .gate()
        .audit_page(&Acting::system(), &filter, None, PageSize::default())
        .await?;
    let mut entries: Vec<_> = acts.iter().filter_map(entry).collect();
    entries.push(TimelineEntry {
        at: incident.opened_at,
        who: None,
        what: "Opened by a delivery.".into(),
    });
    Ok(entries)
}

fn entry(entry: &AuditEntry) -> Option<TimelineEntry> {
    let what = match entry.act {
        AuditAct::IncidentAcknowledge => "Acknowledged.",
        AuditAct::IncidentResolve => "Resolved.",
        _ => return None,
    };
    Some(TimelineEntry {
        at: entry.at,
        who: Some(entry.actor.name().into()),
        what: what.into(),
    })
}
