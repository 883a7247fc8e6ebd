//! Sources of deliveries.

use std::collections::HashMap;

use diesel::prelude::*;
use hookgate_domain::networks::{address_bytes, source_prefix};
use hookgate_domain::{RefusalCode, Timestamp, WebhookHandle};
use hookgate_gate::{
    DAY_MICROS, PageSize, SourceDay, SourceReasons, SourceTotals, SourceUsage, TopSources, UsageRange,
};

use super::queries::webhook_key;
use super::source_statements::OBSERVED;
use crate::connection::{Connection, RunQueryDsl};
use crate::query_error::{CorruptRow, QueryError};
use crate::rows::{read_address, read_count};
use crate::schema::{known_sources, source_codes, sources, webhooks};

/// Source, an address of it, accepted, refused, last seen.
type SourceRow = (Vec<u8>, Vec<u8>, i64, i64, i64);

/// The sources of a webhook with the most deliveries in the range.
pub(crate) fn top_sources(
    connection: &mut Connection,
    webhook: WebhookHandle,
    range: UsageRange,
    limit: PageSize,
    now: Timestamp,
) -> Result<TopSources, QueryError> {
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
        .map(|total| address_bytes(source_prefix(total.address)).to_vec())
        .collect();
    let query = known_sources::table.filter(known_sources::webhook.eq(key));
    let first: HashMap<Vec<u8>, i64> = query
        .filter(known_sources::source.eq_any(&names))
        .select((known_sources::source, known_sources::first_at))
        .load(connection)?
        .into_iter()
        .collect();
    let reasons = source_reasons(connection, key, start)?;
    let sources = top.iter().zip(&names).map(|(total, name)| {
        let first = first
            .get(name)
            .copied()
            .map_or(total.last_seen, Timestamp::from_micros);
        SourceUsage::of(total, &reasons, first, Timestamp::from_micros(created_at), start)
    });
    Ok(TopSources {
        sources: sources.collect(),
        beyond_accepted,
        beyond_refused,
    })
}

/// Every source from which the webhook accepted a delivery since a time.
pub(crate) fn accepted_sources(
    connection: &mut Connection,
    webhook: WebhookHandle,
    since: Timestamp,
) -> Result<SourceTotals, QueryError> {
    match webhook_key(connection, webhook)? {
        Some(key) => source_totals(connection, key, since, true),
        None => Ok(SourceTotals::default()),
    }
}

/// Codes of refused deliveries by source since a time. Sources that are not counted separately are left out.
fn source_reasons(
    connection: &mut Connection,
    webhook: i64,
    since: Timestamp,
) -> Result<SourceReasons, QueryError> {
    let query = source_codes::table.filter(source_codes::webhook.eq(webhook));
    let rows: Vec<(Vec<u8>, String, i64)> = query
        .filter(source_codes::day.ge(day_start(since)))
        .select((source_codes::source, source_codes::code, source_codes::count))
        .load(connection)?;
    let corrupt = |column| move || CorruptRow::at("source_codes", webhook, column);
    let counts = rows.into_iter().filter(|(source, ..)| !source.is_empty());
    let counts = counts.map(|(source, code, count)| {
        let code = match code.as_str() {
            OBSERVED => None,
            code => Some(code.parse::<RefusalCode>().ok().ok_or_else(corrupt("code"))?),
        };
        let address = read_address(&source).ok_or_else(corrupt("source"))?;
        Ok((address, code, read_count("source_codes", "count", count)?))
    });
    let counts: Vec<_> = counts.collect::<Result<_, CorruptRow>>()?;
    Ok(SourceReasons::of(counts))
}

/// The beginning of the day of a time, in UTC.
fn day_start(at: Timestamp) -> i64 {
    at.as_micros() - at.as_micros().rem_euclid(DAY_MICROS)
}

fn source_totals(
    connection: &mut Connection,
    webhook: i64,
    since: Timestamp,
    only_accepted: bool,
) -> Result<SourceTotals, QueryError> {
    let query = sources::table.filter(sources::webhook.eq(webhook));
    let rows: Vec<SourceRow> = query
        .filter(sources::day.ge(day_start(since)))
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
                Some(read_address(&address).ok_or_else(|| CorruptRow::at("sources", webhook, "address"))?)
            };
            Ok(SourceDay {
                address,
                accepted: read_count("sources", "accepted", accepted)?,
                refused: read_count("sources", "refused", refused)?,
                last_seen: Timestamp::from_micros(last_at),
            })
        });
    let days: Vec<_> = days.collect::<Result<_, CorruptRow>>()?;
    Ok(if only_accepted {
        SourceTotals::of_addresses(days, since)
    } else {
        SourceTotals::of(days, since)
    })
}
