//! Where deliveries came from.

use std::collections::HashMap;

use diesel::prelude::*;
use hookgate_domain::{Timestamp, WebhookHandle, address_bytes};
use hookgate_gate::{
    DAY_MICROS, PageSize, SourceDay, SourceTotals, SourceUsage, TopSources, UsageRange, site,
};

use crate::connection::{Connection, RunQueryDsl};

use super::usage::webhook_key;
use crate::fault::{Damage, Fault};
use crate::rows::read_address;
use crate::schema::{known_sources, sources, webhooks};

/// Source, an address of it, accepted, refused, last seen.
type SourceRow = (Vec<u8>, Vec<u8>, i64, i64, i64);

/// The sources of a webhook that sent most within the range.
pub(crate) fn top_sources(
    connection: &mut Connection,
    webhook: WebhookHandle,
    range: UsageRange,
    limit: PageSize,
    now: Timestamp,
) -> Result<TopSources, Fault> {
    let Some(key) = webhook_key(connection, webhook)? else {
        return Ok(TopSources::default());
    };
    let start = range.start(now);
    let totals = source_totals(connection, key, start, false)?;
    let (beyond_accepted, beyond_refused) = (totals.beyond_accepted, totals.beyond_refused);
    let top = totals.top(limit);
    let created_at: i64 = webhooks::table
        .filter(webhooks::id.eq(key))
        .select(webhooks::created_at)
        .get_result(connection)?;
    let names: Vec<_> = top
        .iter()
        .map(|total| address_bytes(site(total.address)).to_vec())
        .collect();
    let query = known_sources::table.filter(known_sources::webhook.eq(key));
    let first: HashMap<Vec<u8>, i64> = query
        .filter(known_sources::source.eq_any(&names))
        .select((known_sources::source, known_sources::first_at))
        .load(connection)?
        .into_iter()
        .collect();
    let sources = top.iter().zip(&names).map(|(total, name)| {
        let first = first
            .get(name)
            .copied()
            .map_or(total.last_seen, Timestamp::from_micros);
        SourceUsage::of(total, first, Timestamp::from_micros(created_at), start)
    });
    Ok(TopSources {
        sources: sources.collect(),
        beyond_accepted,
        beyond_refused,
    })
}

/// Every source that the webhook accepted a delivery from since then.
pub(crate) fn accepted_sources(
    connection: &mut Connection,
    webhook: WebhookHandle,
    since: Timestamp,
) -> Result<SourceTotals, Fault> {
    match webhook_key(connection, webhook)? {
        Some(key) => source_totals(connection, key, since, true),
        None => Ok(SourceTotals::default()),
    }
}

fn source_totals(
    connection: &mut Connection,
    webhook: i64,
    since: Timestamp,
    only_accepted: bool,
) -> Result<SourceTotals, Fault> {
    let day = since.as_micros() - since.as_micros().rem_euclid(DAY_MICROS);
    let query = sources::table.filter(sources::webhook.eq(webhook));
    let rows: Vec<SourceRow> = query
        .filter(sources::day.ge(day))
        .filter(sources::accepted.ge(i64::from(only_accepted)))
        .select((
            sources::source,
            sources::address,
            sources::accepted,
            sources::refused,
            sources::last_at,
        ))
        .load(connection)?;
    let days = rows
        .into_iter()
        .map(|(source, address, accepted, refused, last_at)| {
            let address = if source.is_empty() {
                None
            } else {
                Some(read_address(&address).ok_or_else(|| Damage::at("sources", webhook, "address"))?)
            };
            Ok(SourceDay {
                address,
                accepted: u64::try_from(accepted).unwrap_or(0),
                refused: u64::try_from(refused).unwrap_or(0),
                last_seen: Timestamp::from_micros(last_at),
            })
        });
    let days: Vec<_> = days.collect::<Result<_, Damage>>()?;
    Ok(if only_accepted {
        SourceTotals::of_addresses(days, since)
    } else {
        SourceTotals::of(days, since)
    })
}
