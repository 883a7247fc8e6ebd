//! `hookgate incidents`: lists, shows, acknowledges, resolves and reopens incidents, and adds notes.

use hookgate_domain::incident::IncidentEvent;
use hookgate_domain::invisible::with_hidden_shown;
use hookgate_domain::{Incident, IncidentNumber, Timestamp};
use hookgate_gate::{IncidentAction, IncidentFilter, Page, Store, TimelineEntry, TimelineKind};
use hookgate_people::Role;
use hookgate_wire as wire;

use crate::app::{App, command_line_actor};
use crate::cli::{IncidentsCommand, Options, PageArgs};
use crate::effect::Effect;
use crate::failure::Failure;
use crate::output;
use crate::table::Table;
use crate::text_input;

pub(crate) async fn run(options: &Options, command: IncidentsCommand) -> Result<(), Failure> {
    let app = App::open(options).await?;
    match command {
        IncidentsCommand::List {
            status,
            webhook,
            since,
            page,
        } => {
            let webhook = match &webhook {
                Some(webhook) => Some(app.webhook(webhook).await?.handle),
                None => None,
            };
            let since = since.map(|since| since.start(app.gate.now()));
            let filter = IncidentFilter { status, webhook };
            list(options.json, &app, filter, since, &page).await
        }
        IncidentsCommand::Show(incident) => show(options.json, &app, incident.number).await,
        IncidentsCommand::Acknowledge(incident) => {
            act(options.json, &app, incident.number, IncidentAction::Acknowledge).await
        }
        IncidentsCommand::Resolve(incident) => {
            act(options.json, &app, incident.number, IncidentAction::Resolve).await
        }
        IncidentsCommand::Reopen(incident) => {
            act(options.json, &app, incident.number, IncidentAction::Reopen).await
        }
        IncidentsCommand::Note { incident, text } => note(options.json, &app, incident.number, text).await,
    }
}

async fn list(
    json: bool,
    app: &App,
    filter: IncidentFilter,
    since: Option<Timestamp>,
    page: &PageArgs,
) -> Result<(), Failure> {
    let size = page.limit;
    let before = match &page.cursor {
        Some(cursor) => Some(
            cursor
                .parse()
                .map_err(|_| Failure::usage("not a cursor of `incidents list`"))?,
        ),
        None => None,
    };
    let Page {
        items: mut incidents,
        mut next,
    } = app.gate.incident_page(Role::Owner, filter, before, size).await?;
    // Numbers rise in the order of opening, so the list ends at the first incident that is too old.
    let end = since.and_then(|since| incidents.iter().position(|incident| incident.opened_at < since));
    if let Some(end) = end {
        incidents.truncate(end);
        next = None;
    }
    let next = next.map(|number| number.to_string());
    let objects: Vec<_> = incidents.iter().map(wire::Incident::from).collect();
    let table = Table::of(output::INCIDENT_HEADER, &incidents, output::incident_cells);
    output::list(json, &objects, &table, next.as_deref(), "incidents")
}

async fn show(json: bool, app: &App, number: IncidentNumber) -> Result<(), Failure> {
    let timeline = app
        .gate
        .incident_timeline(Role::Owner, number)
        .await?
        .ok_or_else(not_found)?;
    let now = app.gate.now();
    if json {
        return Ok(output::line(&output::json(&wire::IncidentRecord::new(
            &timeline,
            Role::Owner,
            now,
        ))?)?);
    }
    let incident = &timeline.incident;
    let whole = wire::Incident::from(incident);
    let mut object = output::object(&whole)?;
    object["metadata"] = output::json(&whole.metadata)?.into();
    if let Some(webhook) = app.gate.store().webhook_by_handle(incident.webhook).await? {
        object["webhook"] = format!("{} ({})", webhook.name, webhook.handle).into();
    }
    object["summary"] = wire::summary(&timeline, now).into();
    output::thing(
        false,
        &object,
        app.console_page(format_args!("incidents/{number}")),
    )?;
    output::line("")?;
    timeline.entries.iter().try_for_each(happened)
}

/// Prints one event, with the lines of a note below it.
fn happened(entry: &TimelineEntry) -> Result<(), Failure> {
    let until = entry
        .until
        .map_or_else(String::new, |until| format!(" to {}", wire::time(until)));
    let sentence = wire::sentence(entry);
    let delivery = entry
        .delivery
        .map_or_else(String::new, |delivery| format!("  {delivery}"));
    let (at, sentence) = (wire::time(entry.at), with_hidden_shown(&sentence));
    output::line(&format!("  {at}{until}  {sentence}{delivery}"))?;
    if let TimelineKind::Event(IncidentEvent::Note(note)) = &entry.kind {
        for line in note.as_str().lines() {
            output::line(&format!("      {}", with_hidden_shown(line)))?;
        }
    }
    Ok(())
}

/// Adds a note; `-` stands for standard input.
async fn note(json: bool, app: &App, number: IncidentNumber, text: String) -> Result<(), Failure> {
    let text = if text == "-" {
        let piped = text_input::piped_text().map_err(Failure::usage)?;
        piped.map_or_else(String::new, |text| text.to_string())
    } else {
        text
    };
    let incident = app
        .gate
        .incident_note(&command_line_actor(), number, &text)
        .await?;
    Effect::of(format!("the note is on {number}")).report(printed(json, &incident))
}

async fn act(json: bool, app: &App, number: IncidentNumber, action: IncidentAction) -> Result<(), Failure> {
    let incident = app
        .gate
        .incident_act(&command_line_actor(), number, action)
        .await?;
    let done = format!("{} is {} now", incident.number, incident.status.as_str());
    Effect::of(done).report(printed(json, &incident))
}

fn printed(json: bool, incident: &Incident) -> Result<(), Failure> {
    let text = if json {
        output::json(&wire::Incident::from(incident))?
    } else {
        output::incident_line(incident)
    };
    Ok(output::line(&text)?)
}

fn not_found() -> Failure {
    Failure::not_found("no such incident; `hookgate incidents list` shows them")
}
