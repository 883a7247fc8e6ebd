//! Members, sessions, tokens and sign-in links.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};

use super::row::{FailuresRow, LinkRow, MemberRow, SessionRow, TokenRow};
use crate::connection::{Connection, RunQueryDsl, columns};
use crate::schema::people::{failed_sign_ins, members, sessions, sign_in_links, tokens};

/// The member with this ID.
pub(crate) fn member_by_id(connection: &mut Connection, id: &str) -> QueryResult<Option<MemberRow>> {
    let query = members::table.filter(members::id.eq(id));
    query
        .select(columns::<MemberRow>())
        .get_result(connection)
        .optional()
}

/// The member with this name in lower case.
pub(crate) fn member_by_name_key(
    connection: &mut Connection,
    organization: i64,
    key: &str,
) -> QueryResult<Option<MemberRow>> {
    let query = members::table
        .filter(members::organization.eq(organization))
        .filter(members::name_key.eq(key));
    query
        .select(columns::<MemberRow>())
        .get_result(connection)
        .optional()
}

/// Up to `most` members behind an ID, in the order of IDs; the empty text is before all of them.
pub(crate) fn member_page(
    connection: &mut Connection,
    after: &str,
    most: i64,
) -> QueryResult<Vec<MemberRow>> {
    let query = members::table
        .filter(members::id.gt(after))
        .order(members::id)
        .limit(most);
    query.select(columns::<MemberRow>()).load(connection)
}

/// The session with this digest, and its member.
pub(crate) fn session_by_digest(
    connection: &mut Connection,
    digest: &[u8],
) -> QueryResult<Option<(SessionRow, MemberRow)>> {
    let query = sessions::table
        .inner_join(members::table)
        .filter(sessions::digest.eq(digest));
    query
        .select((columns::<SessionRow>(), columns::<MemberRow>()))
        .get_result(connection)
        .optional()
}

/// The session with this ID.
pub(crate) fn session_by_id(connection: &mut Connection, id: &str) -> QueryResult<Option<SessionRow>> {
    let query = sessions::table.filter(sessions::id.eq(id));
    query
        .select(columns::<SessionRow>())
        .get_result(connection)
        .optional()
}

/// Up to `most` sessions of a member, newest first.
pub(crate) fn sessions_for_member(
    connection: &mut Connection,
    member: &str,
    most: i64,
) -> QueryResult<Vec<SessionRow>> {
    let query = sessions::table
        .filter(sessions::member.eq(member))
        .order(sessions::id.desc())
        .limit(most);
    query.select(columns::<SessionRow>()).load(connection)
}

/// The token with this digest, and its owner.
pub(crate) fn token_by_digest(
    connection: &mut Connection,
    digest: &[u8],
) -> QueryResult<Option<(TokenRow, Option<MemberRow>)>> {
    let query = tokens::table
        .left_join(members::table)
        .filter(tokens::digest.eq(digest));
    query
        .select((columns::<TokenRow>(), columns::<Option<MemberRow>>()))
        .get_result(connection)
        .optional()
}

/// The token with this ID.
pub(crate) fn token_by_id(connection: &mut Connection, id: &str) -> QueryResult<Option<TokenRow>> {
    let query = tokens::table.filter(tokens::id.eq(id));
    query
        .select(columns::<TokenRow>())
        .get_result(connection)
        .optional()
}

/// Up to `most` tokens behind an ID, in the order of IDs; the empty text is before all of them.
pub(crate) fn token_page(connection: &mut Connection, after: &str, most: i64) -> QueryResult<Vec<TokenRow>> {
    let query = tokens::table
        .filter(tokens::id.gt(after))
        .order(tokens::id)
        .limit(most);
    query.select(columns::<TokenRow>()).load(connection)
}

/// The names of all members of an organization.
pub(crate) fn member_names(connection: &mut Connection, organization: i64) -> QueryResult<Vec<String>> {
    let query = members::table.filter(members::organization.eq(organization));
    query.select(members::name).load(connection)
}

/// The sign-in link with this digest, and its member.
pub(crate) fn link_by_digest(
    connection: &mut Connection,
    digest: &[u8],
) -> QueryResult<Option<(LinkRow, MemberRow)>> {
    let query = sign_in_links::table
        .inner_join(members::table)
        .filter(sign_in_links::digest.eq(digest));
    query
        .select((columns::<LinkRow>(), columns::<MemberRow>()))
        .get_result(connection)
        .optional()
}

/// The failed sign-ins of a member that came before this session, and those after which no session has begun.
pub(crate) fn failures_for_member(
    connection: &mut Connection,
    member: &str,
    session: &str,
) -> QueryResult<Vec<FailuresRow>> {
    let query = failed_sign_ins::table
        .filter(failed_sign_ins::member.eq(member))
        .filter(failed_sign_ins::session.eq_any([session, ""]));
    query.select(columns::<FailuresRow>()).load(connection)
}
