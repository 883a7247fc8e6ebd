//! `hookgate incidents`: look at them, acknowledge and resolve them.

use hookgate_domain::IncidentNumber;
use hookgate_gate::{IncidentAction, IncidentFilter, Page, PageSize, Store};
use hookgate_transport::wire;

use crate::cli::{Cli, IncidentsCommand, PageArgs};
use crate::effect::Effect;
use crate::failure::Failure;
use crate::output;
use crate::place::{Place, acting};
use crate::table::Table;

pub(crate) async fn run(cli: &Cli, command: IncidentsCommand) -> Result<(), Failure> {
    let place = Place::open(cli).await?;
    match command {
        IncidentsCommand::List {
            status,
            webhook,
            page,
        } => {
            let webhook = match &webhook {
                Some(webhook) => Some(place.webhook(webhook).await?.handle),
                None => None,
            };
            list(cli.json, &place, IncidentFilter { status, webhook }, &page).await
        }
        IncidentsCommand::Show(incident) => show(cli.json, &place, incident.number).await,
        IncidentsCommand::Acknowledge(incident) => {
            act(cli.json, &place, incident.number, IncidentAction::Acknowledge).await
        }
        IncidentsCommand::Resolve(incident) => {
            act(cli.json, &place, incident.number, IncidentAction::Resolve).await
        }
    }
}

async fn list(json: bool, place: &Place, filter: IncidentFilter, page: &PageArgs) -> Result<(), Failure> {
    let size = PageSize::new(page.limit).unwrap_or_default();
    let before = match &page.cursor {
        Some(cursor) => Some(
            cursor
                .parse()
                .map_err(|_| Failure::usage("not a cursor of `incidents list`"))?,
        ),
        None => None,
    };
    let Page {
        items: incidents,
        next,
    } = place.gate.store().incident_page(filter, before, size).await?;
    let next = next.map(|number| number.to_string());
    let objects: Vec<_> = incidents.iter().map(wire::Incident::from).collect();
    let table = Table::of(output::INCIDENT_HEADER, &incidents, output::incident_cells);
    output::list(json, &objects, &table, next.as_deref(), "incidents")
}

async fn show(json: bool, place: &Place, number: IncidentNumber) -> Result<(), Failure> {
    let incident = place
        .gate
        .store()
        .incident_by_number(number)
        .await?
        .ok_or_else(not_found)?;
    let whole = wire::Incident::from(&incident);
    if json {
        return Ok(output::line(&output::json(&whole)?)?);
    }
    let mut object = output::object(&whole);
    object["metadata"] = output::json(&whole.metadata)?.into();
    if let Some(webhook) = place.gate.store().webhook_by_handle(incident.webhook).await? {
        object["webhook"] = format!("{} ({})", webhook.name, webhook.handle).into();
    }
    output::thing(
        false,
        &object,
        place.console_page(format_args!("incidents/{number}")),
    )
}

async fn act(
    json: bool,
    place: &Place,
    number: IncidentNumber,
    action: IncidentAction,
) -> Result<(), Failure> {
    let incident = place.gate.incident_act(&acting(), number, action).await?;
    let text = if json {
        output::json(&wire::Incident::from(&incident))?
    } else {
        output::incident_line(&incident)
    };
    Effect::of(format!("{} is {} now", incident.number, incident.status.as_str()))
        .told(output::line(&text).map_err(Failure::from))
}

fn not_found() -> Failure {
    Failure::not_found("no such incident; `hookgate incidents list` shows them")
}
