//! Members, sessions, tokens and sign-in links.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, SelectableHelper};
use diesel_async::RunQueryDsl;

use crate::connection::ReadConnection;
use crate::rows::{LinkRow, MemberRow, SessionRow, TokenRow};
use crate::schema::people::{members, sessions, sign_in_links, tokens};

/// The member with this ID.
pub(crate) async fn member_by_id(
    connection: &mut ReadConnection,
    id: &str,
) -> QueryResult<Option<MemberRow>> {
    let query = members::table.filter(members::id.eq(id));
    query
        .select(MemberRow::as_select())
        .get_result(connection)
        .await
        .optional()
}

/// The member with this name in lower case.
pub(crate) async fn member_by_name_key(
    connection: &mut ReadConnection,
    organization: i64,
    key: &str,
) -> QueryResult<Option<MemberRow>> {
    let query = members::table
        .filter(members::organization.eq(organization))
        .filter(members::name_key.eq(key));
    query
        .select(MemberRow::as_select())
        .get_result(connection)
        .await
        .optional()
}

/// Up to `most` members behind an ID, in the order of IDs; the empty text is before all of them.
pub(crate) async fn member_page(
    connection: &mut ReadConnection,
    after: &str,
    most: i64,
) -> QueryResult<Vec<MemberRow>> {
    let query = members::table
        .filter(members::id.gt(after))
        .order(members::id)
        .limit(most);
    query.select(MemberRow::as_select()).load(connection).await
}

/// The session with this digest, and its member.
pub(crate) async fn session_by_digest(
    connection: &mut ReadConnection,
    digest: &[u8],
) -> QueryResult<Option<(SessionRow, MemberRow)>> {
    let query = sessions::table
        .inner_join(members::table)
        .filter(sessions::digest.eq(digest));
    query
        .select((SessionRow::as_select(), MemberRow::as_select()))
        .get_result(connection)
        .await
        .optional()
}

/// The session with this ID.
pub(crate) async fn session_by_id(
    connection: &mut ReadConnection,
    id: &str,
) -> QueryResult<Option<SessionRow>> {
    let query = sessions::table.filter(sessions::id.eq(id));
    query
        .select(SessionRow::as_select())
        .get_result(connection)
        .await
        .optional()
}

/// Up to `most` sessions of a member, newest first.
pub(crate) async fn sessions_of(
    connection: &mut ReadConnection,
    member: &str,
    most: i64,
) -> QueryResult<Vec<SessionRow>> {
    let query = sessions::table
        .filter(sessions::member.eq(member))
        .order(sessions::id.desc())
        .limit(most);
    query.select(SessionRow::as_select()).load(connection).await
}

/// The token with this digest, and its owner.
pub(crate) async fn token_by_digest(
    connection: &mut ReadConnection,
    digest: &[u8],
) -> QueryResult<Option<(TokenRow, Option<MemberRow>)>> {
    let query = tokens::table
        .left_join(members::table)
        .filter(tokens::digest.eq(digest));
    query
        .select((TokenRow::as_select(), Option::<MemberRow>::as_select()))
        .get_result(connection)
        .await
        .optional()
}

/// The token with this ID.
pub(crate) async fn token_by_id(connection: &mut ReadConnection, id: &str) -> QueryResult<Option<TokenRow>> {
    let query = tokens::table.filter(tokens::id.eq(id));
    query
        .select(TokenRow::as_select())
        .get_result(connection)
        .await
        .optional()
}

/// Up to `most` tokens behind an ID, in the order of IDs; the empty text is before all of them.
pub(crate) async fn token_page(
    connection: &mut ReadConnection,
    after: &str,
    most: i64,
) -> QueryResult<Vec<TokenRow>> {
    let query = tokens::table
        .filter(tokens::id.gt(after))
        .order(tokens::id)
        .limit(most);
    query.select(TokenRow::as_select()).load(connection).await
}

/// The sign-in link with this digest, and its member.
pub(crate) async fn link_by_digest(
    connection: &mut ReadConnection,
    digest: &[u8],
) -> QueryResult<Option<(LinkRow, MemberRow)>> {
    let query = sign_in_links::table
        .inner_join(members::table)
        .filter(sign_in_links::digest.eq(digest));
    query
        .select((LinkRow::as_select(), MemberRow::as_select()))
        .get_result(connection)
        .await
        .optional()
}
