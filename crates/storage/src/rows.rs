//! Conversion of rows to domain values and back. A value that can't be read back is a [`CorruptRow`], which
//! names its place.

use std::net::{IpAddr, Ipv6Addr};

use crate::query_error::{CorruptRow, QueryError};

/// Reads a handle from the column of a joined row.
pub(crate) fn read_handle(handle: &str) -> Result<hookgate_domain::WebhookHandle, CorruptRow> {
    handle
        .parse()
        .map_err(|_| CorruptRow::at("webhooks", "?", "handle"))
}

/// An address from its column.
pub(crate) fn read_address(bytes: &[u8]) -> Option<IpAddr> {
    let octets = <[u8; 16]>::try_from(bytes).ok()?;
    Some(IpAddr::V6(Ipv6Addr::from(octets)).to_canonical())
}

/// Reads a row that may be missing.
pub(crate) fn read_row<R, T: TryFrom<R, Error = CorruptRow>>(
    row: Option<R>,
) -> Result<Option<T>, QueryError> {
    Ok(row.map(T::try_from).transpose()?)
}

/// Reads all of these rows.
pub(crate) fn read_rows<R, T: TryFrom<R, Error = CorruptRow>>(rows: Vec<R>) -> Result<Vec<T>, QueryError> {
    Ok(rows.into_iter().map(T::try_from).collect::<Result<_, _>>()?)
}

/// Reads two joined rows that may be missing.
pub(crate) fn read_pair<R, Q, T, U>(rows: Option<(R, Q)>) -> Result<Option<(T, U)>, QueryError>
where
    T: TryFrom<R, Error = CorruptRow>,
    U: TryFrom<Q, Error = CorruptRow>,
{
    let Some((first, second)) = rows else {
        return Ok(None);
    };
    Ok(Some((first.try_into()?, second.try_into()?)))
}

/// Reads a number of things. It is never negative.
pub(crate) fn read_count(table: &'static str, column: &'static str, count: i64) -> Result<u64, CorruptRow> {
    u64::try_from(count).map_err(|_| CorruptRow::at(table, "?", column))
}

/// The key behind which a page begins. All keys are behind the empty one.
pub(crate) fn page_start(after: Option<impl ToString>) -> String {
    after.map_or_else(String::new, |after| after.to_string())
}
