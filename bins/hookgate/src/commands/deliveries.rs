//! `hookgate deliveries`: what was delivered and what was refused.

use std::time::Duration;

use hookgate_domain::DeliveryId;
use hookgate_gate::{DeliveryFilter, DeliveryRecord, Outcome, PageSize, Seek, Store};
use serde_json::Value;

use crate::cli::{Cli, DeliveriesArgs, DeliveriesCommand, OutcomeArg};
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

/// How often the store is asked for what came since.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

pub(crate) async fn run(cli: &Cli, command: DeliveriesCommand) -> Result<(), Failure> {
    let place = Place::open(cli).await?;
    match command {
        DeliveriesCommand::List(arguments) => list(cli.json, &place, arguments).await,
        DeliveriesCommand::Show { id } => show(cli.json, &place, id).await,
    }
}

/// Prints the records behind `last` as they come, for ever.
pub(crate) async fn follow(
    store: &impl Store,
    filter: &DeliveryFilter,
    mut last: Option<DeliveryId>,
    print: impl Fn(&DeliveryRecord) -> std::io::Result<()>,
) -> Result<(), Failure> {
    if last.is_none() {
        let one = PageSize::new(1).unwrap_or_default();
        last = store
            .delivery_page(&DeliveryFilter::default(), Seek::Newest, one)
            .await?
            .first()
            .map(|newest| newest.id);
    }
    loop {
        let page = store
            .delivery_page(filter, Seek::After(last), PageSize::MAX)
            .await?;
        for record in &page {
            print(record)?;
        }
        last = page.last().map(|record| record.id).or(last);
        if page.len() < usize::from(PageSize::MAX.rows()) {
            tokio::time::sleep(FOLLOW_INTERVAL).await;
        }
    }
}

async fn list(json: bool, place: &Place, arguments: DeliveriesArgs) -> Result<(), Failure> {
    let store = place.gate.store();
    let filter = filter(place, &arguments).await?;
    let size = PageSize::new(arguments.page.limit).unwrap_or_default();
    let seek = match &arguments.page.cursor {
        Some(cursor) => Seek::Before(
            cursor
                .parse()
                .map_err(|_| Failure::usage("not a cursor of `deliveries list`"))?,
        ),
        None => Seek::Newest,
    };
    let mut records = store.delivery_page(&filter, seek, size).await?;
    if arguments.follow {
        records.reverse();
        let print = |record: &DeliveryRecord| print(json, record);
        records.iter().try_for_each(print)?;
        return follow(store, &filter, records.last().map(|newest| newest.id), print).await;
    }
    let next = records
        .last()
        .filter(|_| records.len() == usize::from(size.rows()))
        .map(|last| last.id.to_string());
    if json {
        let items: Vec<_> = records.iter().map(output::delivery).collect();
        return Ok(output::line(&output::page(&items, next.as_deref()).to_string())?);
    }
    records
        .iter()
        .try_for_each(|record| output::line(&output::delivery_line(record)))?;
    if let Some(next) = next {
        output::line(&format!("more: --cursor {next}"))?;
    }
    Ok(())
}

async fn show(json: bool, place: &Place, id: DeliveryId) -> Result<(), Failure> {
    let record = place.gate.store().delivery_by_id(id).await?;
    let record = record
        .ok_or_else(|| Failure::not_found("no such delivery; it may be older than the history is kept"))?;
    if json {
        return print(true, &record).map_err(Into::into);
    }
    let Value::Object(fields) = output::delivery(&record) else {
        return Ok(());
    };
    for (name, value) in fields {
        let text = if let Value::String(text) = &value {
            text.clone()
        } else {
            value.to_string()
        };
        output::line(&format!("{name:<12} {}", output::visible(&text)))?;
    }
    if let Some(code) = record.answer.code() {
        output::line(&format!("{:<12} {}", "because", code.message()))?;
    }
    Ok(())
}

async fn filter(place: &Place, arguments: &DeliveriesArgs) -> Result<DeliveryFilter, Failure> {
    let webhook = match &arguments.webhook {
        Some(webhook) => Some(place.webhook(webhook).await?.handle),
        None => None,
    };
    let outcome = arguments.outcome.map(|outcome| match outcome {
        OutcomeArg::Accepted => Outcome::Accepted,
        OutcomeArg::Refused => Outcome::Refused,
    });
    Ok(DeliveryFilter {
        webhook,
        outcome,
        code: arguments.code,
        source: arguments.source,
    })
}

fn print(json: bool, record: &DeliveryRecord) -> std::io::Result<()> {
    let text = if json {
        output::delivery(record).to_string()
    } else {
        output::delivery_line(record)
    };
    output::line(&text)
}
