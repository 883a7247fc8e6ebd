//! Usage: counts over time, of one webhook, of all, or of those on a page.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use hookgate_domain::{RefusalCode, Timestamp, WebhookHandle};
use hookgate_gate::{LastSeen, MAX_FAILING_WEBHOOKS, Seek, Usage, UsageRange, UsageTotals, WebhookUsage};

use super::statements::{ALL_WEBHOOKS, HOUR, MINUTE, PASSED};
use crate::connection::{Connection, RunQueryDsl};
use crate::deliveries::row::read_answer;
use crate::deliveries::spans::{PERIOD_OF_ROW, parts, span_for_seek};
use crate::query_error::{CorruptRow, QueryError};
use crate::rows::{read_count, read_handle};
use crate::schema::{usage, webhooks};

/// The usage of a webhook, or of all.
pub(crate) fn usage_for_webhook(
    connection: &mut Connection,
    webhook: Option<WebhookHandle>,
    range: UsageRange,
    now: Timestamp,
) -> Result<Usage, QueryError> {
    let webhook = match webhook {
        None => Some(ALL_WEBHOOKS),
        Some(handle) => webhook_key(connection, handle)?,
    };
    let Some(webhook) = webhook else {
        return Ok(Usage::of(range, now, []));
    };
    let step = if range.is_coarse() { HOUR } else { MINUTE };
    let query = usage::table.filter(usage::webhook.eq(webhook));
    let rows: Vec<(i64, String, i64)> = query
        .filter(usage::step.eq(step))
        .filter(usage::at.ge(range.start(now).as_micros()))
        .select((usage::at, usage::code, usage::count))
        .load(connection)?;
    let counts = rows.into_iter().map(|(at, code, count)| {
        Ok((
            Timestamp::from_micros(at),
            read_code(&code, at)?,
            read_count("usage", "count", count)?,
        ))
    });
    let counts: Vec<_> = counts.collect::<Result<_, CorruptRow>>()?;
    Ok(Usage::of(range, now, counts))
}

/// The last 24 hours of these webhooks, and their last delivery.
pub(crate) fn usage_many(
    connection: &mut Connection,
    handles: &[WebhookHandle],
    now: Timestamp,
) -> Result<Vec<WebhookUsage>, QueryError> {
    let names: Vec<_> = handles.iter().map(ToString::to_string).collect();
    let start = WebhookUsage::start(now).as_micros();
    let query = usage::table.inner_join(webhooks::table.on(webhooks::id.eq(usage::webhook)));
    let rows: Vec<(String, i64, String, i64)> = query
        .filter(webhooks::handle.eq_any(&names))
        .filter(usage::step.eq(HOUR))
        .filter(usage::at.ge(start))
        .select((webhooks::handle, usage::at, usage::code, usage::count))
        .load(connection)?;
    let mut all: Vec<_> = handles.iter().copied().map(WebhookUsage::silent).collect();
    let mut places = HashMap::<_, Vec<usize>>::new();
    for (place, name) in names.iter().enumerate() {
        places.entry(name.as_str()).or_default().push(place);
    }
    let places = |name: &str| places.get(name).into_iter().flatten().copied();
    for (name, at, code, count) in rows {
        let (count, code) = (read_count("usage", "count", count)?, read_code(&code, at)?);
        for place in places(&name) {
            all[place].add(now, Timestamp::from_micros(at), code, count);
        }
    }
    for row in last_seen(connection, &names)? {
        let answer = read_answer(&row.answer, row.code.as_deref());
        let answer = answer.ok_or_else(|| CorruptRow::at("deliveries", row.id, "answer"))?;
        let at = Timestamp::from_micros(row.received_at);
        for place in places(&row.handle) {
            all[place].last = Some(LastSeen { at, answer });
        }
    }
    Ok(all)
}

/// The refusal code of a count; `None` for deliveries that passed.
fn read_code(code: &str, at: i64) -> Result<Option<RefusalCode>, CorruptRow> {
    match code {
        PASSED => Ok(None),
        code => code
            .parse()
            .map(Some)
            .map_err(|_| CorruptRow::at("usage", at, "code")),
    }
}

#[derive(QueryableByName)]
struct CodeSum {
    #[diesel(sql_type = Text)]
    handle: String,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Deliveries of the last 24 hours to the active webhooks that refused any of them. An index of refusals
/// alone finds these webhooks.
pub(crate) fn recent_refusals(
    connection: &mut Connection,
    now: Timestamp,
) -> Result<Vec<(WebhookHandle, UsageTotals)>, QueryError> {
    let start = WebhookUsage::start(now).as_micros();
    let query = format!(
        "SELECT w.handle AS handle, u.code AS code, CAST(sum(u.count) AS BIGINT) AS count \
         FROM usage u JOIN webhooks w ON w.id = u.webhook \
         WHERE u.webhook IN (SELECT DISTINCT webhook FROM usage \
            WHERE step = 3600 AND code <> '' AND at >= {start} AND webhook <> {ALL_WEBHOOKS} LIMIT {MAX_FAILING_WEBHOOKS}) \
         AND u.step = {HOUR} AND u.at >= {start} AND w.state = 'active' \
         GROUP BY w.handle, u.code"
    );
    let rows: Vec<CodeSum> = diesel::sql_query(query).load(connection)?;
    let mut all = HashMap::<String, UsageTotals>::new();
    for row in rows {
        let code = read_code(&row.code, start)?;
        let totals = all.entry(row.handle).or_default();
        totals.add(code, read_count("usage", "count", row.count)?);
    }
    let all = all
        .into_iter()
        .map(|(handle, totals)| Ok((read_handle(&handle)?, totals)));
    all.collect()
}

/// The key of the webhook with this handle.
pub(crate) fn webhook_key(connection: &mut Connection, handle: WebhookHandle) -> QueryResult<Option<i64>> {
    let query = webhooks::table.filter(webhooks::handle.eq(handle.to_string()));
    query.select(webhooks::id).get_result(connection).optional()
}

#[derive(QueryableByName)]
struct LastRow {
    #[diesel(sql_type = Text)]
    handle: String,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    received_at: i64,
    #[diesel(sql_type = Text)]
    answer: String,
    #[diesel(sql_type = Nullable<Text>)]
    code: Option<String>,
}

/// The newest record of each of these webhooks: for each, one search of an index in every period until it is
/// found.
fn last_seen(connection: &mut Connection, names: &[String]) -> QueryResult<Vec<LastRow>> {
    // Quoting is safe: a handle consists of letters, digits and an underscore.
    let mut missing: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    let mut found = Vec::new();
    for part in parts(connection, span_for_seek(Seek::Newest), false)? {
        if missing.is_empty() {
            break;
        }
        let period = part
            .period
            .map_or_else(String::new, |period| format!("{PERIOD_OF_ROW} = {period} AND "));
        let query = diesel::sql_query(format!(
            "SELECT w.handle AS handle, d.id AS id, d.received_at AS received_at, d.answer AS answer, d.code AS code \
             FROM webhooks w JOIN deliveries d ON d.id = (SELECT max(id) FROM deliveries WHERE {period}webhook = w.id) \
             WHERE w.handle IN ({})",
            missing.join(", ")
        ));
        let rows: Vec<LastRow> = query.load(connection)?;
        missing.retain(|name| rows.iter().all(|row| row.handle != name.trim_matches('\'')));
        found.extend(rows);
    }
    Ok(found)
}
