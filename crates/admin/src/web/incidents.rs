//! `/incidents`: the incidents that accepted deliveries opened or updated.

use std::collections::HashMap;

use hookgate_domain::draft::MetadataValue;
use hookgate_domain::incident::{IncidentError, IncidentEvent};
use hookgate_domain::{Incident, IncidentNumber, IncidentStatus, Timestamp, WebhookHandle};
use hookgate_gate::{
    self as gate, IncidentActError, IncidentAction, IncidentFilter, PageSize, PeopleStore, Seek, Store,
    Timeline, TimelineKind, is_withheld_from,
};
use hookgate_pages::{
    Flash, FlashKind, IncidentDetail, IncidentList, NoteForm, Paging, Shell, TimelineEntry, UserText,
};
use hookgate_people::Actor;
use hyper::StatusCode;

use super::answers::{page, page_with, re_render};
use super::models::{delivery_row, incident_row};
use super::once::Done;
use super::page_context::PageContext;
use crate::html;
use hookgate_request::{ApiError, ErrorCode, Fields, path_id};
use hookgate_transport::Reply;
use hookgate_wire as wire;

/// Value of `done` after an act that another person did first.
const EARLIER: &str = "earlier";
/// Value of `status` that shows incidents of every status.
const ALL: &str = "all";
/// Maximum number of deliveries on the page of an incident.
const DELIVERIES: PageSize = PageSize::new(20).unwrap();

/// Shows the list, newest first.
pub(super) async fn list<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    let query = context.fields(&["status", "cursor"])?;
    let status = match query.get("status") {
        None => Some(IncidentStatus::Open),
        Some(ALL) => None,
        Some(_) => query.read::<IncidentStatus>("status")?,
    };
    let before = query.read::<IncidentNumber>("cursor")?;
    let size = PageSize::default();
    let filter = IncidentFilter {
        status,
        webhook: None,
    };
    let page = context
        .gate()
        .incident_page(context.signed_in.member.role, filter, before, size)
        .await?;
    let older = page.next.map(|number| number.to_string());
    let mut names = HashMap::new();
    let mut rows = Vec::with_capacity(page.items.len());
    for incident in &page.items {
        let name = name_of(context, &mut names, incident.webhook).await?;
        rows.push(incident_row(incident, name));
    }
    let counts = context.gate().store().incident_counts().await?;
    let count = |status| {
        let of_it = counts.iter().filter(|found| found.status == status);
        of_it.map(|found| found.count).sum()
    };
    super::answers::page(
        IncidentList {
            shell: context.shell(),
            status,
            open: count(IncidentStatus::Open),
            acknowledged: count(IncidentStatus::Acknowledged),
            rows,
            paging: Paging { newer: None, older },
        }
        .render(),
    )
}

/// Shows one incident.
pub(super) async fn show<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
) -> Result<Reply, ApiError> {
    let number = path_id(id)?;
    let timeline = read(context, number).await?;
    let mut shell = context.shell();
    shell.flash = flash(&timeline, context, shell.flash);
    page(
        detail(context, shell, &timeline, NoteForm::default())
            .await?
            .render(),
    )
}

/// The flash about the last act, if it is still true: the page may be loaded again later, or by another person.
fn flash(
    timeline: &Timeline,
    context: &PageContext<'_, impl Store + PeopleStore>,
    flash: Option<Flash>,
) -> Option<Flash> {
    let wanted = match context.done() {
        Some(EARLIER) => return Some(earlier(timeline, &context.signed_in.actor.identity, context.now)),
        Some("acknowledged") => IncidentStatus::Acknowledged,
        Some("resolved") => IncidentStatus::Resolved,
        Some("reopened") => IncidentStatus::Open,
        _ => return flash,
    };
    flash.filter(|_| timeline.incident.status == wanted)
}

/// The flash for an act that another person did first: the name and the time.
fn earlier(timeline: &Timeline, visitor: &Actor, now: Timestamp) -> Flash {
    let done = timeline.entries.iter().rev().find_map(|entry| {
        let done = match &entry.kind {
            TimelineKind::Event(IncidentEvent::Acknowledged) => "acknowledged",
            TimelineKind::Event(IncidentEvent::Resolved) => "resolved",
            TimelineKind::Event(IncidentEvent::Reopened) => "reopened",
            _ => return None,
        };
        let who = match &entry.actor {
            Some(actor) if actor == visitor => "You".to_owned(),
            Some(actor) => wire::doer(Some(actor)),
            None => "The sender".to_owned(),
        };
        let ago = wire::span(now.since(entry.at));
        Some(format!("{who} {done} this {ago} ago."))
    });
    let status = timeline.incident.status.as_str();
    let text = done.unwrap_or_else(|| format!("This incident is already {status}."));
    Flash {
        kind: FlashKind::Done,
        text: text.into(),
    }
}

async fn detail<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    shell: Shell,
    timeline: &Timeline,
    note: NoteForm,
) -> Result<IncidentDetail, ApiError> {
    let incident = &timeline.incident;
    let role = context.signed_in.member.role;
    let name = name_of(context, &mut HashMap::new(), incident.webhook).await?;
    let deliveries = context
        .gate()
        .deliveries_of_incident(role, incident.number, Seek::Newest, DELIVERIES)
        .await?;
    let text = |text: &Option<String>| text.as_deref().map(UserText::from);
    Ok(IncidentDetail {
        shell,
        description: text(&incident.description),
        service: text(&incident.service),
        source_url: text(&incident.source_url),
        dedup_key: text(&incident.dedup_key),
        metadata: metadata(incident),
        withheld: is_withheld_from(role),
        summary: wire::summary(timeline, context.now).into(),
        timeline: timeline.entries.iter().rev().map(entry).collect(),
        deliveries: deliveries.items.iter().map(delivery_row).collect(),
        row: incident_row(incident, name),
        can_be_reopened: incident.clone().reopen(context.now).is_ok(),
        note,
    })
}

/// Acknowledges, resolves or reopens.
pub(super) async fn act<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
    word: &str,
) -> Result<Reply, ApiError> {
    let number: IncidentNumber = path_id(id)?;
    let (action, done) = match word {
        "acknowledge" => (IncidentAction::Acknowledge, "acknowledged"),
        "reopen" => (IncidentAction::Reopen, "reopened"),
        _ => (IncidentAction::Resolve, "resolved"),
    };
    let actor = &context.signed_in.actor;
    let done = match context.gate().incident_act(actor, number, action).await {
        Ok(_) => done,
        // Another person did it first. The page of the incident names this person.
        Err(IncidentActError::Refused(
            IncidentError::AlreadyAcknowledged | IncidentError::AlreadyResolved | IncidentError::NotResolved,
        )) => EARLIER,
        Err(IncidentActError::Refused(error)) => return refused(context, number, error).await,
        Err(error) => return Err(error.into()),
    };
    Ok(html::see_other(&format!("/incidents/{number}?done={done}")))
}

/// Shows the current page of the incident, with the reason for which nothing was changed.
async fn refused<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    number: IncidentNumber,
    error: IncidentError,
) -> Result<Reply, ApiError> {
    let timeline = read(context, number).await?;
    let mut shell = context.shell();
    shell.flash = Some(Flash {
        kind: FlashKind::Failed,
        text: format!("Nothing was changed: {error}.").into(),
    });
    page_with(
        StatusCode::CONFLICT,
        detail(context, shell, &timeline, NoteForm::default())
            .await?
            .render(),
    )
}

/// Adds a note, at most once for each form.
pub(super) async fn note<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let number: IncidentNumber = path_id(id)?;
    fields.complete(&["text"], &[])?;
    let text = fields.text("text");
    let there = || Ok(html::see_other(&format!("/incidents/{number}#timeline")));
    let added = context.once(fields, async |actor| {
        context.gate().incident_note(actor, number, text).await
    });
    match added.await? {
        Done::Now(_) | Done::Before(_) => there(),
        Done::Refused(IncidentActError::Refused(error)) => refused(context, number, error).await,
        Done::Refused(IncidentActError::Note(error)) => {
            let problem = Some(format!("Nothing was added: {error}.").into());
            re_render(typed(context, number, text, problem).await?.render())
        }
        Done::Refused(error) => Err(error.into()),
    }
}

/// Shows the page with a note that was typed but not added.
pub(super) async fn restore<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let number = path_id(id)?;
    let text = fields.text("text");
    page(typed(context, number, text, None).await?.render())
}

async fn typed<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    number: IncidentNumber,
    text: &str,
    problem: Option<UserText>,
) -> Result<IncidentDetail, ApiError> {
    let timeline = read(context, number).await?;
    let form = NoteForm {
        text: text.to_owned(),
        problem,
    };
    detail(context, context.shell(), &timeline, form).await
}

async fn read<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    number: IncidentNumber,
) -> Result<Timeline, ApiError> {
    let role = context.signed_in.member.role;
    let found = context.gate().incident_timeline(role, number).await?;
    found.ok_or_else(|| ErrorCode::NotFound.into())
}

/// The name of a webhook. `names` caches it for one page.
pub(super) async fn name_of<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    names: &mut HashMap<WebhookHandle, UserText>,
    handle: WebhookHandle,
) -> Result<UserText, ApiError> {
    if let Some(name) = names.get(&handle) {
        return Ok(name.clone());
    }
    let webhook = context.gate().store().webhook_by_handle(handle).await?;
    let name = webhook.map_or_else(UserText::default, |webhook| webhook.name.as_str().into());
    names.insert(handle, name.clone());
    Ok(name)
}

fn metadata(incident: &Incident) -> Vec<(UserText, UserText)> {
    let shown = |value: MetadataValue<'_>| match value {
        MetadataValue::Null => "null".to_owned(),
        MetadataValue::Bool(value) => value.to_string(),
        MetadataValue::Integer(value) => value.to_string(),
        MetadataValue::Number(number) => number.to_string(),
        MetadataValue::Text(value) => value.into_owned(),
    };
    let pairs = incident.metadata.iter();
    pairs
        .map(|(key, value)| ((&*key).into(), shown(value).into()))
        .collect()
}

fn entry(entry: &gate::TimelineEntry) -> TimelineEntry {
    TimelineEntry {
        at: entry.at,
        until: entry.until,
        what: wire::sentence(entry).into(),
        note: match &entry.kind {
            TimelineKind::Event(IncidentEvent::Note(note)) => Some(note.as_str().into()),
            _ => None,
        },
        delivery: entry.delivery,
    }
}

#[cfg(test)]
mod tests;
