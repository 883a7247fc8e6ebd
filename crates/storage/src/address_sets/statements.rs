//! Address sets. A change of a set's networks gives every webhook whose allowlist names it another revision.

use diesel::prelude::*;
use hookgate_domain::Allowlist;
use hookgate_domain::address_set::{AddressSet, VersionState};
use hookgate_gate::{KEPT_VERSIONS, NewVersion, VersionChange};

use super::row::{AddressSetFields, networks_text};
use crate::connection::postgres::listener::{CHANNEL, digest_text};
use crate::connection::{Connection, RunQueryDsl};
use crate::locks::policies::lock_policies;
use crate::schema::{address_set_versions, address_sets, allowlist_sets, webhooks};

/// Maximum number of URLs that other nodes are notified of when a set changes. A notice only saves them a second look.
const MAX_NOTIFIED_URLS: i64 = 1_000;

/// Stores a set, with the changes of its versions. `false` if the stored set does not have the revision
/// before, or if the name of a new one is taken.
pub(crate) fn address_set_write(
    connection: &mut Connection,
    set: &AddressSet,
    change: &VersionChange,
) -> QueryResult<bool> {
    let activates = match change {
        VersionChange::Add(_) => set.pending.is_none() || set.revision == 1,
        VersionChange::Approve(_) => true,
        VersionChange::None | VersionChange::Reject(_) => false,
    };
    if activates {
        lock_policies(connection)?;
    }
    let Some(id) = upsert_set(connection, set)? else {
        return Ok(false);
    };
    match change {
        VersionChange::None => {}
        VersionChange::Add(version) => {
            // A new proposal replaces the pending one.
            versions_become(connection, id, VersionState::Pending, VersionState::Rejected)?;
            let state = if activates {
                versions_become(connection, id, VersionState::Active, VersionState::Replaced)?;
                VersionState::Active
            } else {
                VersionState::Pending
            };
            let number = set.pending.filter(|_| !activates).unwrap_or(set.version);
            version_insert(connection, id, number, state, version)?;
        }
        VersionChange::Approve(number) => {
            versions_become(connection, id, VersionState::Active, VersionState::Replaced)?;
            version_becomes(connection, id, *number, VersionState::Active)?;
        }
        VersionChange::Reject(number) => version_becomes(connection, id, *number, VersionState::Rejected)?,
    }
    if activates {
        revisions_raise(connection, id)?;
    }
    versions_prune(connection, id, set.base)?;
    Ok(true)
}

/// Removes a set. `Some(false)` if an allowlist names it, `None` if it has another revision.
pub(crate) fn address_set_delete(connection: &mut Connection, set: &AddressSet) -> QueryResult<Option<bool>> {
    let query = address_sets::table
        .filter(address_sets::name.eq(set.name.as_str()))
        .filter(address_sets::revision.eq(set.revision));
    let id: Option<i64> = query.select(address_sets::id).get_result(connection).optional()?;
    let Some(id) = id else {
        return Ok(None);
    };
    let uses = allowlist_sets::table
        .filter(allowlist_sets::address_set.eq(id))
        .limit(1);
    let uses: Vec<i64> = uses.select(allowlist_sets::webhook).load(connection)?;
    if !uses.is_empty() {
        return Ok(Some(false));
    }
    let versions = address_set_versions::table.filter(address_set_versions::address_set.eq(id));
    diesel::delete(versions).execute(connection)?;
    diesel::delete(address_sets::table.filter(address_sets::id.eq(id))).execute(connection)?;
    Ok(Some(true))
}

/// The keys of the sets that an allowlist names; `None` if one of them does not exist.
pub(crate) fn sets_for_webhook(
    connection: &mut Connection,
    allowlist: &Allowlist,
) -> QueryResult<Option<Vec<i64>>> {
    let names: Vec<_> = allowlist.sets().map(ToString::to_string).collect();
    if names.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let query = address_sets::table.filter(address_sets::name.eq_any(&names));
    let sets: Vec<i64> = query.select(address_sets::id).load(connection)?;
    Ok(Some(sets).filter(|sets| sets.len() == names.len()))
}

/// Stores the sets that the allowlist of a webhook names.
pub(crate) fn upsert_allowlist_sets(
    connection: &mut Connection,
    webhook: i64,
    sets: &[i64],
) -> QueryResult<()> {
    let before = allowlist_sets::table.filter(allowlist_sets::webhook.eq(webhook));
    diesel::delete(before).execute(connection)?;
    for set in sets {
        let row = (
            allowlist_sets::address_set.eq(set),
            allowlist_sets::webhook.eq(webhook),
        );
        diesel::insert_into(allowlist_sets::table)
            .values(row)
            .execute(connection)?;
    }
    Ok(())
}

/// Stores the facts of a set and returns its key. `None` if another change came first, or if the name of a
/// new set is taken.
fn upsert_set(connection: &mut Connection, set: &AddressSet) -> QueryResult<Option<i64>> {
    let fields = AddressSetFields::from(set);
    let of_name = address_sets::table.filter(address_sets::name.eq(set.name.as_str()));
    if set.revision == 1 {
        let taken: Option<i64> = of_name
            .select(address_sets::id)
            .get_result(connection)
            .optional()?;
        if taken.is_some() {
            return Ok(None);
        }
        diesel::insert_into(address_sets::table)
            .values(fields)
            .execute(connection)?;
    } else {
        let row = of_name.filter(address_sets::revision.eq(set.revision - 1));
        if diesel::update(row).set(fields).execute(connection)? == 0 {
            return Ok(None);
        }
    }
    let query = address_sets::table.filter(address_sets::name.eq(set.name.as_str()));
    query.select(address_sets::id).get_result(connection).map(Some)
}

fn version_insert(
    connection: &mut Connection,
    set: i64,
    number: i64,
    state: VersionState,
    version: &NewVersion,
) -> QueryResult<()> {
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let row = (
        address_set_versions::address_set.eq(set),
        address_set_versions::number.eq(number),
        address_set_versions::state.eq(state.as_str()),
        address_set_versions::made_at.eq(version.made_at.as_micros()),
        address_set_versions::made_by.eq(&*version.made_by),
        address_set_versions::count.eq(count(version.networks.as_slice().len())),
        address_set_versions::added.eq(count(version.changes.added.len())),
        address_set_versions::removed.eq(count(version.changes.removed.len())),
        address_set_versions::networks.eq(networks_text(&version.networks)),
    );
    diesel::insert_into(address_set_versions::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

fn versions_become(
    connection: &mut Connection,
    set: i64,
    from: VersionState,
    to: VersionState,
) -> QueryResult<()> {
    let rows = address_set_versions::table
        .filter(address_set_versions::address_set.eq(set))
        .filter(address_set_versions::state.eq(from.as_str()));
    diesel::update(rows)
        .set(address_set_versions::state.eq(to.as_str()))
        .execute(connection)
        .map(drop)
}

fn version_becomes(connection: &mut Connection, set: i64, number: i64, to: VersionState) -> QueryResult<()> {
    let row = address_set_versions::table
        .filter(address_set_versions::address_set.eq(set))
        .filter(address_set_versions::number.eq(number));
    diesel::update(row)
        .set(address_set_versions::state.eq(to.as_str()))
        .execute(connection)
        .map(drop)
}

/// Gives every webhook whose allowlist names the set another revision.
fn revisions_raise(connection: &mut Connection, set: i64) -> QueryResult<()> {
    let users = allowlist_sets::table
        .filter(allowlist_sets::address_set.eq(set))
        .select(allowlist_sets::webhook);
    let rows = webhooks::table.filter(webhooks::id.eq_any(users));
    diesel::update(rows)
        .set(webhooks::revision.eq(webhooks::revision + 1))
        .execute(connection)?;
    if let Connection::Sqlite(_) = connection {
        return Ok(());
    }
    let query = webhooks::table
        .inner_join(allowlist_sets::table)
        .filter(allowlist_sets::address_set.eq(set))
        .filter(webhooks::digest.is_not_null())
        .limit(MAX_NOTIFIED_URLS);
    let digests: Vec<Option<Vec<u8>>> = query.select(webhooks::digest).load(connection)?;
    for digest in digests.into_iter().flatten() {
        if let Ok(digest) = <[u8; 32]>::try_from(digest) {
            let text = digest_text(&hookgate_domain::WebhookIdDigest::from_bytes(digest));
            connection.batch_execute(&format!("SELECT pg_notify('{CHANNEL}', '{text}')"))?;
        }
    }
    Ok(())
}

/// Removes the oldest versions beyond those that are kept. The active one, a pending one and `base`, with
/// which others are compared, always stay.
fn versions_prune(connection: &mut Connection, set: i64, base: i64) -> QueryResult<()> {
    let query = address_set_versions::table
        .filter(address_set_versions::address_set.eq(set))
        .filter(address_set_versions::state.ne(VersionState::Active.as_str()))
        .filter(address_set_versions::state.ne(VersionState::Pending.as_str()))
        .filter(address_set_versions::number.ne(base))
        .order(address_set_versions::number.desc());
    let numbers: Vec<i64> = query.select(address_set_versions::number).load(connection)?;
    let Some(newest_to_go) = numbers.get(usize::from(KEPT_VERSIONS)) else {
        return Ok(());
    };
    let old = address_set_versions::table
        .filter(address_set_versions::address_set.eq(set))
        .filter(address_set_versions::number.le(*newest_to_go))
        .filter(address_set_versions::state.ne(VersionState::Active.as_str()))
        .filter(address_set_versions::state.ne(VersionState::Pending.as_str()))
        .filter(address_set_versions::number.ne(base));
    diesel::delete(old).execute(connection).map(drop)
}
