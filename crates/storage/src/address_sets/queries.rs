//! Address sets and their networks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::dsl::count_star;
use diesel::prelude::*;
use hookgate_domain::address_set::{AddressSet, AddressSetName, SetVersion};
use hookgate_domain::{Allowlist, Networks};
use hookgate_gate::SoleSource;

use super::row::{AddressSetRow, SetVersionRow, read_networks};
use crate::connection::{Connection, RunQueryDsl, columns};
use crate::query_error::{CorruptRow, QueryError};
use crate::rows::{read_address, read_count};
use crate::schema::{address_set_versions, address_sets, allowlist_sets, deliveries, webhooks};

/// Newest deliveries that are examined for a common source.
const MAX_NEWEST_DELIVERIES: i64 = 1_000;

/// Cache of the networks of address sets, one version for each set. A version never changes, so an entry is
/// never stale.
#[derive(Debug, Default)]
pub(crate) struct NetworkCache(Mutex<HashMap<i64, (i64, Arc<Networks>)>>);

impl NetworkCache {
    fn remembered(&self, set: i64, version: i64) -> Option<Arc<Networks>> {
        let cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, networks) = cache.get(&set)?;
        (*known == version).then(|| Arc::clone(networks))
    }

    fn remember(&self, set: i64, version: i64, networks: &Arc<Networks>) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(set, (version, Arc::clone(networks)));
    }
}

/// The allowlist with the current networks of its sets. It must be read after the webhook: a set that changes
/// in between makes the webhook's revision stale.
pub(crate) fn resolve(
    connection: &mut Connection,
    allowlist: &Allowlist,
    cache: &NetworkCache,
) -> Result<Allowlist, QueryError> {
    let names: Vec<_> = allowlist.sets().map(ToString::to_string).collect();
    if names.is_empty() {
        return Ok(allowlist.clone());
    }
    let rows: Vec<(i64, String, i64)> = address_sets::table
        .filter(address_sets::name.eq_any(&names))
        .select((address_sets::id, address_sets::name, address_sets::version))
        .load(connection)?;
    let mut found = HashMap::new();
    for (id, name, version) in rows {
        let networks = match cache.remembered(id, version) {
            Some(networks) => Some(networks),
            None => networks_for_versions(connection, id, version)?.map(Arc::new),
        };
        if let Some(networks) = networks {
            cache.remember(id, version, &networks);
            found.insert(name, networks);
        }
    }
    Ok(allowlist.resolve(|name| found.get(name.as_str()).cloned()))
}

/// All sets, by name.
pub(crate) fn address_sets(connection: &mut Connection, most: i64) -> Result<Vec<AddressSet>, QueryError> {
    let query = address_sets::table.order(address_sets::name).limit(most);
    let rows: Vec<AddressSetRow> = query.select(columns::<AddressSetRow>()).load(connection)?;
    Ok(rows
        .into_iter()
        .map(AddressSet::try_from)
        .collect::<Result<_, CorruptRow>>()?)
}

/// The set with this name.
pub(crate) fn address_set_by_name(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<AddressSet>, QueryError> {
    let query = address_sets::table.filter(address_sets::name.eq(name));
    let row: Option<AddressSetRow> = query
        .select(columns::<AddressSetRow>())
        .get_result(connection)
        .optional()?;
    Ok(row.map(AddressSet::try_from).transpose()?)
}

/// The key of the set with this name.
pub(crate) fn address_set_key(connection: &mut Connection, name: &str) -> QueryResult<Option<i64>> {
    let query = address_sets::table.filter(address_sets::name.eq(name));
    query.select(address_sets::id).get_result(connection).optional()
}

/// The networks of a version of the set with this name.
pub(crate) fn networks_by_name(
    connection: &mut Connection,
    name: &AddressSetName,
    version: i64,
) -> Result<Option<Networks>, QueryError> {
    match address_set_key(connection, name.as_str())? {
        Some(id) => networks_for_versions(connection, id, version),
        None => Ok(None),
    }
}

fn networks_for_versions(
    connection: &mut Connection,
    id: i64,
    version: i64,
) -> Result<Option<Networks>, QueryError> {
    let query = address_set_versions::table
        .filter(address_set_versions::address_set.eq(id))
        .filter(address_set_versions::number.eq(version));
    let text: Option<String> = query
        .select(address_set_versions::networks)
        .get_result(connection)
        .optional()?;
    Ok(text.map(|text| read_networks(&text, version)).transpose()?)
}

/// The versions of a set, newest first.
pub(crate) fn set_versions(connection: &mut Connection, name: &str) -> Result<Vec<SetVersion>, QueryError> {
    let Some(id) = address_set_key(connection, name)? else {
        return Ok(Vec::new());
    };
    let query = address_set_versions::table
        .filter(address_set_versions::address_set.eq(id))
        .order(address_set_versions::number.desc());
    let rows: Vec<SetVersionRow> = query.select(columns::<SetVersionRow>()).load(connection)?;
    Ok(rows
        .into_iter()
        .map(SetVersion::try_from)
        .collect::<Result<_, CorruptRow>>()?)
}

/// Number of allowlists that name the set, and up to `most` handles of their webhooks.
pub(crate) fn set_uses(
    connection: &mut Connection,
    name: &str,
    most: i64,
) -> QueryResult<(i64, Vec<String>)> {
    let Some(id) = address_set_key(connection, name)? else {
        return Ok((0, Vec::new()));
    };
    let uses = allowlist_sets::table.filter(allowlist_sets::address_set.eq(id));
    let count: i64 = uses.select(count_star()).get_result(connection)?;
    let query = allowlist_sets::table
        .inner_join(webhooks::table)
        .filter(allowlist_sets::address_set.eq(id))
        .order(webhooks::handle)
        .limit(most);
    Ok((count, query.select(webhooks::handle).load(connection)?))
}

/// The common source of the deliveries since a time, if they have one. Only the newest are examined.
pub(crate) fn sole_source(connection: &mut Connection, since: i64) -> Result<Option<SoleSource>, QueryError> {
    let newest: Vec<(Vec<u8>, i64, i64)> = deliveries::table
        .order(deliveries::id.desc())
        .limit(MAX_NEWEST_DELIVERIES)
        .select((deliveries::source, deliveries::received_at, deliveries::count))
        .load(connection)?;
    let mut recent = newest.iter().filter(|(_, at, _)| *at >= since);
    let Some((first, _, count)) = recent.next() else {
        return Ok(None);
    };
    let mut all = *count;
    for (source, _, count) in recent {
        if source != first {
            return Ok(None);
        }
        all = all.saturating_add(*count);
    }
    let address: IpAddr =
        read_address(first).ok_or_else(|| CorruptRow::at("deliveries", "the newest", "source"))?;
    Ok(Some(SoleSource {
        address,
        deliveries: read_count("deliveries", "count", all)?,
    }))
}
