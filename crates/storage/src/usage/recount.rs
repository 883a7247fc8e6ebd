//! Writes counts to their tables, and counts records.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use diesel::result::QueryResult;
use hookgate_domain::Timestamp;
use hookgate_domain::networks::{address_bytes, source_prefix};
use hookgate_gate::LogInterval;

use super::counts::{Counts, SourceCount, SourceKey};
use super::holdings::holding_add;
use super::holdings::holdings_try_lock;
use super::observation::Observation;
use super::source_statements::{
    KnownSource, SourceCodeRow, SourceRow, source_add, source_code_add, source_count, source_insert,
    source_seen,
};
use super::statements::{recorded, usage_add};
use crate::connection::Connection;
use crate::counters::{Counter, counter_set, counter_try_lock, counter_value};
use crate::locks::history::try_keep_partitions;
use crate::rows::read_address;

/// Log interval for corrupt records.
static DAMAGED: LogInterval = LogInterval::new();

/// Maximum number of sources of a webhook that are counted separately on a day, of those that passed. A webhook has a
/// handful of senders; more is an attack or a mistake, and must not fill the disk.
const MAX_SOURCES: i64 = 2_000;
/// The same for refused ones: apart, because a refused source must not take a place from a sender, and fewer,
/// because each may be refused with every code. All of them take a quarter of a MiB a day, which no webhook's
/// holding includes.
const MAX_REFUSED_SOURCES: i64 = 200;
/// Webhooks and days whose number of sources is cached. A full cache is cleared, and the numbers are counted
/// again.
const MAX_REMEMBERED: usize = 8_192;
/// Records that are read at once for counting.
const RECOUNT: i64 = 5_000;

/// Numbers of sources of a webhook in the table for a day: those that passed, and the refused ones.
pub(crate) type SourcesOfDay = HashMap<(i64, i64, bool), i64>;

/// Result of a step of counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountStep {
    /// Everything is counted.
    Done,
    /// More may be left to count.
    More,
    /// Another transaction counts or removes history: nothing was counted, and this step did not wait.
    Busy,
}

/// Counts some of the records behind the watermark, with the deliveries that have no record there, and moves
/// the watermark. For a store that many nodes write to, of which none sees all deliveries. It does not wait
/// for the removal of history, because readers of usage wait for it.
pub(crate) fn count_step(connection: &mut Connection, off_record: &Counts) -> QueryResult<CountStep> {
    connection.transaction(|connection| {
        let Some(watermark) = counter_try_lock(connection, Counter::Usage)? else {
            return Ok(CountStep::Busy);
        };
        let next = counter_value(connection, Counter::Delivery)?;
        if watermark == next && off_record.is_empty() {
            return Ok(CountStep::Done);
        }
        if !try_keep_partitions(connection)? {
            return Ok(CountStep::Busy);
        }
        let mut counts = off_record.off_record();
        let last = add_records(connection, &mut counts, watermark, next)?;
        if !holdings_try_lock(connection, &counts.held())? {
            return Ok(CountStep::Busy);
        }
        write_counts(connection, &counts, &mut SourcesOfDay::new())?;
        counter_set(connection, Counter::Usage, last.map_or(next, |last| last + 1))?;
        Ok(last.map_or(CountStep::Done, |_| CountStep::More))
    })
}

/// Writes counts to their tables.
pub(crate) fn write_counts(
    connection: &mut Connection,
    counts: &Counts,
    sources_of_day: &mut SourcesOfDay,
) -> QueryResult<()> {
    for row in counts.usage_rows() {
        usage_add(connection, &row)?;
    }
    for held in counts.held() {
        holding_add(connection, &held)?;
    }
    write_sources(connection, counts, sources_of_day)
}

/// Adds the records between two numbers, the second excluded, to these counts.
pub(crate) fn recount(
    connection: &mut Connection,
    mut counts: Counts,
    mut first: i64,
    end: i64,
) -> QueryResult<Counts> {
    while let Some(last) = add_records(connection, &mut counts, first, end)? {
        first = last + 1;
    }
    Ok(counts)
}

/// Adds some of these records. Returns the last of them, if there may be more.
fn add_records(
    connection: &mut Connection,
    counts: &mut Counts,
    first: i64,
    end: i64,
) -> QueryResult<Option<i64>> {
    let records = recorded(connection, first, end, RECOUNT)?;
    let last = records.last().map(|record| record.0);
    let is_all = i64::try_from(records.len()).is_ok_and(|found| found < RECOUNT);
    for (id, webhook, at, source, code, count, has_trail, held) in records {
        let code = code.as_deref().map(str::parse);
        let (Some(source), Ok(code)) = (read_address(&source), code.transpose()) else {
            if let Some(left_out) = DAMAGED.line() {
                tracing::error!(delivery = id, left_out, "a damaged record can't be counted");
            }
            continue;
        };
        let seen = Observation {
            webhook,
            at: Timestamp::from_micros(at),
            code,
            observed: has_trail && code.is_none(),
            source,
            record: Some(id),
            // The others on the record of a delivery that passed are its retries.
            times: if code.is_none() { 1 } else { count },
            held: Some(held),
        };
        counts.hold(std::slice::from_ref(&seen));
        counts.add(&seen, seen.times, true);
    }
    Ok(last.filter(|_| !is_all))
}

/// Adds the counts of the sources. Those beyond the number that is counted separately on a day are added up.
fn write_sources(
    connection: &mut Connection,
    counts: &Counts,
    sources_of_day: &mut SourcesOfDay,
) -> QueryResult<()> {
    let mut beyond = HashMap::<(i64, i64), SourceCount>::new();
    for (key, count) in counts.sources() {
        let (webhook, day, source) = key;
        let row = source_row(key, source, count);
        if source_add(connection, &row)? {
            write_codes(connection, key, source, count)?;
            continue;
        }
        if sources_of_day.len() >= MAX_REMEMBERED {
            sources_of_day.clear();
        }
        let place = (*webhook, *day, count.accepted() > 0);
        let most = if place.2 { MAX_SOURCES } else { MAX_REFUSED_SOURCES };
        let known = match sources_of_day.get(&place) {
            Some(known) => *known,
            None => source_count(connection, *webhook, *day, place.2)?,
        };
        if known < most {
            insert_first_of_day(connection, &row, Ipv6Addr::from(*source).into())?;
            write_codes(connection, key, source, count)?;
        } else {
            let all = beyond.entry((*webhook, *day));
            all.and_modify(|all| all.merge(count))
                .or_insert_with(|| count.clone());
        }
        sources_of_day.insert(place, known + i64::from(known < most));
    }
    for ((webhook, day), count) in beyond {
        let key = (webhook, day, [0; 16]);
        let row = source_row(&key, &[], &count);
        if !source_add(connection, &row)? {
            source_insert(connection, &row)?;
        }
        write_codes(connection, &key, &[], &count)?;
    }
    Ok(())
}

/// Adds the codes of refused deliveries of a source.
fn write_codes(
    connection: &mut Connection,
    key: &SourceKey,
    source: &[u8],
    count: &SourceCount,
) -> QueryResult<()> {
    for (code, count) in count.reasons() {
        let row = SourceCodeRow {
            webhook: key.0,
            day: key.1,
            source,
            code,
            count,
        };
        source_code_add(connection, &row)?;
    }
    Ok(())
}

fn source_row<'a>(key: &SourceKey, source: &'a [u8], count: &'a SourceCount) -> SourceRow<'a> {
    SourceRow {
        webhook: key.0,
        day: key.1,
        source,
        address: &count.address,
        accepted: count.accepted(),
        refused: count.refused(),
        first_at: count.first_at,
        last_at: count.last_at,
    }
}

fn insert_first_of_day(connection: &mut Connection, row: &SourceRow<'_>, source: IpAddr) -> QueryResult<()> {
    source_insert(connection, row)?;
    source_seen(
        connection,
        &KnownSource {
            webhook: row.webhook,
            source: &address_bytes(source_prefix(source)),
            first_at: row.first_at,
            last_day: row.day,
        },
    )
}
