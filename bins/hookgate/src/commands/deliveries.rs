//! `hookgate deliveries`: accepted and refused deliveries.

use std::time::Duration;

use hookgate_admin::delivery_page;
use hookgate_domain::DeliveryId;
use hookgate_domain::client_address::{Hop, Verdict};
use hookgate_domain::networks::is_private;
use hookgate_gate::{
    DeliveryFilter, DeliveryRecord, DeliverySummary, Gate, Outcome, Page, PageSize, Seek, Store,
};
use hookgate_people::Role;
use hookgate_wire::{self as wire, ExportFormat};

use crate::app::App;
use crate::cli::{
    DeliveriesArgs, DeliveriesCommand, DeliveryName, ExportArg, FilterArgs, Options, OutcomeArg,
};
use crate::failure::{Failure, with_sources};
use crate::output;
use crate::table::{Table, details, fields};

/// The page that holds the newest record alone.
const ONE: PageSize = PageSize::new(1).unwrap();
/// Interval of polling the store for new records.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

pub(crate) async fn run(options: &Options, command: DeliveriesCommand) -> Result<(), Failure> {
    let app = App::open(options).await?;
    match command {
        DeliveriesCommand::List(arguments) => list(options.json, &app, arguments).await,
        DeliveriesCommand::Export { format, filter } => export(&app, format, &filter).await,
        DeliveriesCommand::Show { id } => show(options.json, &app, id).await,
    }
}

/// Prints the records after `last` as they arrive, without end.
pub(crate) async fn follow<S: Store>(
    store: &S,
    filter: &DeliveryFilter,
    mut last: Option<DeliveryId>,
    print: impl AsyncFn(&DeliverySummary) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if last.is_none() {
        let newest = store
            .delivery_page(&DeliveryFilter::default(), Seek::Newest, ONE)
            .await?;
        last = newest.items.first().map(|newest| newest.id);
    }
    loop {
        let page = store
            .delivery_page(filter, Seek::After(last), PageSize::MAX)
            .await?;
        for record in &page.items {
            print(record).await?;
        }
        last = page.next.or(page.items.last().map(|record| record.id)).or(last);
        if page.next.is_none() {
            tokio::time::sleep(FOLLOW_INTERVAL).await;
        }
    }
}

async fn list(json: bool, app: &App, arguments: DeliveriesArgs) -> Result<(), Failure> {
    let store = app.gate.store();
    let filter = read_filter(app, &arguments.filter).await?;
    let seek = match &arguments.page.cursor {
        Some(cursor) => Seek::Before(
            cursor
                .parse()
                .map_err(|_| Failure::usage("not a cursor of `deliveries list`"))?,
        ),
        None => Seek::Newest,
    };
    let Page {
        items: mut records,
        next,
    } = store.delivery_page(&filter, seek, arguments.page.limit).await?;
    if arguments.follow {
        records.reverse();
        if !json {
            output::line(&output::delivery_header())?;
        }
        let print = async |record: &DeliverySummary| print(json, store, record).await;
        for record in &records {
            print(record).await?;
        }
        return follow(store, &filter, records.last().map(|newest| newest.id), print).await;
    }
    let next = next.map(|last| last.to_string());
    let mut objects = Vec::new();
    for record in records.iter().filter(|_| json) {
        objects.push(with_payload(store, record).await?);
    }
    let table = Table::of(output::DELIVERY_HEADER, &records, output::delivery_cells);
    output::list(json, &objects, &table, next.as_deref(), "deliveries")
}

/// Prints every matching record, page by page. On an error, the failure tells the number of printed records.
async fn export(app: &App, format: ExportArg, arguments: &FilterArgs) -> Result<(), Failure> {
    let filter = read_filter(app, arguments).await?;
    let format = match format {
        ExportArg::Csv => ExportFormat::Csv,
        ExportArg::Excel => ExportFormat::Excel,
        ExportArg::Ndjson => ExportFormat::Ndjson,
    };
    let mut printed = 0;
    let exported = export_pages(&app.gate, &filter, format, &mut printed).await;
    exported.map_err(|failure| {
        failure.after(&format!(
            "the export stopped after {} and is not complete",
            wire::counted(printed, "delivery")
        ))
    })
}

async fn export_pages(
    gate: &Gate<impl Store>,
    filter: &DeliveryFilter,
    format: ExportFormat,
    printed: &mut usize,
) -> Result<(), Failure> {
    let mut seek = Seek::Newest;
    loop {
        let page = delivery_page(
            gate,
            Role::Owner,
            filter,
            seek,
            PageSize::MAX,
            format.has_payloads(),
        )
        .await?;
        let piece = format.piece(&page.items, seek == Seek::Newest);
        output::raw(&piece.map_err(|error| Failure::failed(with_sources(&error)))?)?;
        *printed += page.items.len();
        match page.next {
            Some(last) => seek = Seek::Before(last),
            None => return Ok(()),
        }
    }
}

async fn show(json: bool, app: &App, name: DeliveryName) -> Result<(), Failure> {
    let store = app.gate.store();
    let id = match name {
        DeliveryName::Delivery(id) => Some(id),
        DeliveryName::Request(id) => app.gate.delivery_by_request(id).await?,
    };
    let record = match id {
        Some(id) => store.delivery_by_id(id).await?,
        None => None,
    };
    let record = record
        .ok_or_else(|| Failure::not_found("no such delivery; it may be older than the history is kept"))?;
    let whole = wire::DeliveryRecord::from(&record);
    if json {
        return Ok(output::line(&output::json(&whole)?)?);
    }
    let mut object = output::object(&whole)?;
    object["webhook"] = format!("{} ({})", record.summary.webhook_name, record.summary.webhook).into();
    if let Some(payload) = &whole.delivery.payload {
        object["payload"] = payload.to_string().into();
    }
    let mut hidden = vec!["headers", "trail", "webhook_name", "notes"];
    if whole.incidents.len() < 2 {
        // It is shown as `incident`.
        hidden.push("incidents");
    }
    let mut shown: Vec<_> = fields(&object)
        .into_iter()
        .filter(|(name, _)| !hidden.contains(name))
        .collect();
    shown.extend(
        record
            .headers
            .iter()
            .map(|(name, value)| ("header", format!("{name}: {value}"))),
    );
    let notes = whole.delivery.notes.iter();
    shown.extend(notes.map(|note| ("note", note.sentence.clone())));
    if let Some(code) = record.summary.answer.code() {
        shown.push(("because", code.message().to_owned()));
    }
    shown.extend(explain_source(&record));
    shown.extend(app.console_page(format_args!("deliveries/{}", record.summary.id)));
    Ok(output::lines(&details(shown))?)
}

/// Origin of the source address and the remedy, for a delivery that was refused for its source or would have been.
fn explain_source(record: &DeliveryRecord) -> Vec<(&'static str, String)> {
    let Some(trail) = &record.trail else {
        return Vec::new();
    };
    let source = record.summary.source;
    let mut shown = vec![("source is", trail.sentence())];
    let untrusted = |hop: &Hop| hop.verdict == Verdict::Untrusted;
    if is_private(source) && trail.hops().iter().any(untrusted) {
        let fix = format!("if {source} is your proxy, set gate.trusted_proxies to it");
        shown.push(("to fix it", fix));
    } else if trail.fault().is_none() {
        let fix = format!("hookgate webhook allow {} {source}", record.summary.webhook);
        shown.push(("to allow it", fix));
    }
    shown
}

async fn read_filter(app: &App, arguments: &FilterArgs) -> Result<DeliveryFilter, Failure> {
    let webhook = match &arguments.webhook {
        Some(webhook) => Some(app.webhook(webhook).await?.handle),
        None => None,
    };
    let outcome = arguments.outcome.map(|outcome| match outcome {
        OutcomeArg::Accepted => Outcome::Accepted,
        OutcomeArg::Refused => Outcome::Refused,
    });
    let now = app.gate.now();
    let from = arguments.since.map(|since| since.start(now)).or(arguments.from);
    let to = arguments.until.map(|until| until.end(now)).or(arguments.to);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Failure::usage("the end of the range is before its start"));
    }
    Ok(DeliveryFilter {
        webhook,
        outcome,
        code: arguments.code,
        would_be_refused: arguments.would_be_refused,
        source: arguments.source,
        from,
        to,
        request_id: arguments.request,
    })
}

async fn print(json: bool, store: &impl Store, record: &DeliverySummary) -> Result<(), Failure> {
    let text = if json {
        output::json(&with_payload(store, record).await?)?
    } else {
        output::delivery_line(record)
    };
    Ok(output::line(&text)?)
}

/// A delivery of a list, with its payload. A payload that was pruned meanwhile is missing.
async fn with_payload(store: &impl Store, record: &DeliverySummary) -> Result<wire::Delivery, Failure> {
    let whole = store.delivery_by_id(record.id).await?;
    let payload = whole.and_then(|whole| whole.payload);
    Ok(wire::Delivery {
        payload: payload.as_deref().map(wire::Payload::of),
        ..wire::Delivery::from(record)
    })
}
