//! The audit trail. An index finds each page: a filter with several equal terms runs one query for each of
//! them, newest first, and the results are merged.

use std::cmp::Reverse;

use diesel::sql_types::Text;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, QueryableByName};
use hookgate_domain::Timestamp;
use hookgate_gate::{ActorMatch, AuditFilter, CLOCK_MARGIN, SubjectMatch};
use hookgate_people::{ActorKind, AuditAct};

use super::row::AuditRow;
use crate::connection::{Connection, RunQueryDsl, columns, on};
use crate::schema::people::audit;

/// Up to `most` entries that match the filter, with a number below `before`, newest first.
pub(crate) fn audit_page(
    connection: &mut Connection,
    filter: &AuditFilter,
    before: i64,
    most: i64,
) -> QueryResult<Vec<AuditRow>> {
    let numbers = numbers(connection, filter, before)?;
    if numbers.first >= numbers.end {
        return Ok(Vec::new());
    }
    let branches = branches(filter);
    let mut rows = Vec::new();
    for branch in &branches {
        rows.append(&mut branch_page(connection, filter, *branch, numbers, most)?);
    }
    if branches.len() > 1 {
        rows.sort_unstable_by_key(|row| Reverse(row.id));
        rows.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    }
    Ok(rows)
}

/// The names of the actors of a kind, each once. Each name costs one seek in an index, however often the
/// actor acted.
pub(crate) fn actor_names(
    connection: &mut Connection,
    kind: ActorKind,
    most: u16,
) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let of_kind = format!("SELECT min(actor_name) FROM audit WHERE actor_kind = '{kind}'");
    let query = format!(
        "WITH RECURSIVE known (name) AS ({of_kind} UNION ALL \
         SELECT ({of_kind} AND actor_name > known.name) FROM known WHERE known.name IS NOT NULL) \
         SELECT name FROM known WHERE name IS NOT NULL LIMIT {most}"
    );
    let names: Vec<Name> = diesel::sql_query(query).load(connection)?;
    Ok(names.into_iter().map(|row| row.name).collect())
}

/// Range of numbers for a page, from the first to before the end.
#[derive(Clone, Copy)]
struct Numbers {
    first: i64,
    end: i64,
}

/// The range of numbers that the times of the filter and the place in the trail allow.
fn numbers(connection: &mut Connection, filter: &AuditFilter, before: i64) -> QueryResult<Numbers> {
    let mut numbers = Numbers {
        first: 0,
        end: before,
    };
    if let Some(from) = filter.from {
        numbers.first = first_from(connection, from.before(CLOCK_MARGIN))?;
    }
    if let Some(to) = filter.to {
        numbers.end = before.min(first_from(connection, to.after(CLOCK_MARGIN))?);
    }
    Ok(numbers)
}

/// The number of the first entry of this time or later, by binary search, as far as entries are in the order
/// of their times. One behind the last entry if there is none.
fn first_from(connection: &mut Connection, at: Timestamp) -> QueryResult<i64> {
    let ids = audit::table.select(audit::id).limit(1);
    let oldest: Option<i64> = ids.order(audit::id.asc()).get_result(connection).optional()?;
    let newest: Option<i64> = ids.order(audit::id.desc()).get_result(connection).optional()?;
    let Some((mut low, newest)) = oldest.zip(newest) else {
        return Ok(0);
    };
    let mut high = newest + 1;
    // Everything before `low` is earlier, and everything from `high` on is not.
    while low < high {
        let middle = low + (high - low) / 2;
        let query = audit::table
            .filter(audit::id.ge(middle))
            .order(audit::id)
            .limit(1);
        let row: Option<(i64, i64)> = query
            .select((audit::id, audit::at))
            .get_result(connection)
            .optional()?;
        match row {
            Some((id, done_at)) if done_at < at.as_micros() => low = id + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// An index that a query uses; the other terms of the filter are checked on its rows.
#[derive(Clone, Copy)]
enum Branch<'a> {
    All,
    Request,
    ActorId(&'a str),
    ActorKind(ActorKind),
    ActorName(ActorKind, &'a str),
    SubjectId(&'a str),
    SubjectName(&'a str),
    Act(AuditAct),
}

/// The indexes for a filter, by its most selective term: a request, a subject, an actor, acts.
fn branches(filter: &AuditFilter) -> Vec<Branch<'_>> {
    if filter.request.is_some() {
        return vec![Branch::Request];
    }
    match &filter.subject {
        Some(SubjectMatch::Ids(ids)) => return ids.iter().map(|id| Branch::SubjectId(id)).collect(),
        Some(SubjectMatch::Named(name)) => return vec![Branch::SubjectName(name)],
        None => {}
    }
    match &filter.actor {
        Some(ActorMatch::Id(id)) => return vec![Branch::ActorId(id)],
        Some(ActorMatch::Kind(kind)) => return vec![Branch::ActorKind(*kind)],
        Some(ActorMatch::Named(kinds, name)) => {
            let kinds = if kinds.is_empty() {
                &ActorKind::ALL
            } else {
                kinds.as_slice()
            };
            return kinds.iter().map(|kind| Branch::ActorName(*kind, name)).collect();
        }
        None => {}
    }
    filter.acts.as_ref().map_or_else(
        || vec![Branch::All],
        |acts| acts.as_slice().iter().copied().map(Branch::Act).collect(),
    )
}

/// The rows of a page from one index.
fn branch_page(
    connection: &mut Connection,
    filter: &AuditFilter,
    branch: Branch<'_>,
    numbers: Numbers,
    most: i64,
) -> QueryResult<Vec<AuditRow>> {
    on!(connection, c => {
        let mut query = audit::table
            .select(columns::<AuditRow>())
            .filter(audit::id.ge(numbers.first))
            .filter(audit::id.lt(numbers.end))
            .order(audit::id.desc())
            .limit(most)
            .into_boxed();
        query = match branch {
            Branch::All | Branch::Request => query,
            Branch::ActorId(id) => query.filter(audit::actor_id.eq(id)),
            Branch::ActorKind(kind) => query.filter(audit::actor_kind.eq(kind.as_str())),
            Branch::ActorName(kind, name) => {
                query.filter(audit::actor_kind.eq(kind.as_str())).filter(audit::actor_name.eq(name))
            }
            Branch::SubjectId(id) => query.filter(audit::subject_id.eq(id)),
            Branch::SubjectName(name) => query.filter(audit::subject_name.eq(name)),
            Branch::Act(act) => query.filter(audit::act.eq(act.as_str())),
        };
        if let Some(key) = &filter.request {
            query = query.filter(audit::request_key.eq(key.as_str()));
        }
        if let Some(acts) = filter.acts.as_ref().filter(|_| !matches!(branch, Branch::Act(_))) {
            query = query.filter(audit::act.eq_any(acts.as_slice().iter().map(|act| act.as_str()).collect::<Vec<_>>()));
        }
        query = match &filter.actor {
            Some(ActorMatch::Id(id)) => query.filter(audit::actor_id.eq(id)),
            Some(ActorMatch::Kind(kind)) => query.filter(audit::actor_kind.eq(kind.as_str())),
            Some(ActorMatch::Named(kinds, name)) if !matches!(branch, Branch::ActorName(..)) => {
                if !kinds.is_empty() {
                    query = query.filter(audit::actor_kind.eq_any(kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>()));
                }
                query.filter(audit::actor_name.eq(name))
            }
            Some(ActorMatch::Named(..)) | None => query,
        };
        if let Some(from) = filter.from {
            query = query.filter(audit::at.ge(from.as_micros()));
        }
        if let Some(to) = filter.to {
            query = query.filter(audit::at.lt(to.as_micros()));
        }
        diesel::RunQueryDsl::load(query, c)
    })
}
