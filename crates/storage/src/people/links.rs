//! Sign-in links, and the end of links and of the sessions that they began.

use diesel::prelude::*;
use hookgate_people::SignInLink;

use super::row::LinkRow;
use crate::connection::{Connection, RunQueryDsl};
use crate::schema::people::{sessions, sign_in_links};

/// Stores a link in place of the member's earlier one.
pub(crate) fn upsert_link(connection: &mut Connection, link: &SignInLink) -> QueryResult<()> {
    let row = LinkRow::from(link);
    diesel::insert_into(sign_in_links::table)
        .values(&row)
        .on_conflict(sign_in_links::member)
        .do_update()
        .set(&row)
        .execute(connection)
        .map(drop)
}

/// Removes the link with this digest. `true` if there was one.
pub(crate) fn link_delete(connection: &mut Connection, digest: &[u8]) -> QueryResult<bool> {
    let used =
        diesel::delete(sign_in_links::table.filter(sign_in_links::digest.eq(digest))).execute(connection)?;
    Ok(used > 0)
}

/// Removes the link of a member.
pub(crate) fn link_delete_for_member(connection: &mut Connection, member: &str) -> QueryResult<()> {
    diesel::delete(sign_in_links::table.filter(sign_in_links::member.eq(member)))
        .execute(connection)
        .map(drop)
}

/// Ends the links that a member made, for any member, and the sessions that they began, except those made in
/// the session `kept`.
pub(crate) fn made_delete_by(connection: &mut Connection, maker: &str, kept: &str) -> QueryResult<()> {
    let links = sign_in_links::table
        .filter(sign_in_links::made_by.eq(maker))
        .filter(
            sign_in_links::made_in
                .is_null()
                .or(sign_in_links::made_in.ne(kept)),
        );
    diesel::delete(links).execute(connection)?;
    let begun = sessions::table
        .filter(sessions::made_by.eq(maker))
        .filter(sessions::made_in.is_null().or(sessions::made_in.ne(kept)));
    diesel::delete(begun).execute(connection).map(drop)
}

/// Ends the links that were made in a session, and the sessions that they began.
pub(crate) fn made_delete_in(connection: &mut Connection, session: &str) -> QueryResult<()> {
    diesel::delete(sign_in_links::table.filter(sign_in_links::made_in.eq(session))).execute(connection)?;
    diesel::delete(sessions::table.filter(sessions::made_in.eq(session)))
        .execute(connection)
        .map(drop)
}

/// Ends the link that another member made for this one, and the sessions that such links began.
pub(crate) fn made_delete_for(connection: &mut Connection, member: &str) -> QueryResult<()> {
    let link = sign_in_links::table
        .filter(sign_in_links::member.eq(member))
        .filter(sign_in_links::made_by.ne(member));
    diesel::delete(link).execute(connection)?;
    let begun = sessions::table
        .filter(sessions::member.eq(member))
        .filter(sessions::made_by.ne(member));
    diesel::delete(begun).execute(connection).map(drop)
}
