//! Rows of `address_sets` and `address_set_versions`.

use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use hookgate_domain::address_set::{AddressSet, Reading, SetOrigin, SetVersion};
use hookgate_domain::networks::parse_entry;
use hookgate_domain::{IpNetwork, Networks, OrganizationId, Timestamp};

use crate::query_error::CorruptRow;
use crate::schema::{address_set_versions, address_sets};

const OWN: &str = "own";
const TABLE: &str = "address_sets";
const VERSIONS: &str = "address_set_versions";

/// A set as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = address_sets, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct AddressSetRow {
    name: String,
    provider: String,
    filter: String,
    url: Option<String>,
    version: i64,
    networks: i64,
    changed_at: i64,
    pending: Option<i64>,
    read_at: Option<i64>,
    tried_at: Option<i64>,
    fault: Option<String>,
    etag: Option<String>,
    revision: i64,
    base: Option<i64>,
}

impl TryFrom<AddressSetRow> for AddressSet {
    type Error = CorruptRow;

    fn try_from(row: AddressSetRow) -> Result<Self, CorruptRow> {
        let corrupt = |column| CorruptRow::at(TABLE, &row.name, column);
        let origin = if row.provider == OWN {
            SetOrigin::Own
        } else {
            SetOrigin::Published {
                provider: row.provider.parse().map_err(|_| corrupt("provider"))?,
                filter: row.filter.parse().map_err(|_| corrupt("filter"))?,
                url: row.url.map(Into::into),
            }
        };
        Ok(Self {
            name: row.name.parse().map_err(|_| corrupt("name"))?,
            origin,
            version: row.version,
            networks: u64::try_from(row.networks).map_err(|_| corrupt("networks"))?,
            changed_at: Timestamp::from_micros(row.changed_at),
            pending: row.pending,
            reading: Reading {
                read_at: row.read_at.map(Timestamp::from_micros),
                tried_at: row.tried_at.map(Timestamp::from_micros),
                fault: row.fault.map(Into::into),
                etag: row.etag.map(Into::into),
            },
            revision: row.revision,
            // Rows from before the column was added have the version that counted then.
            base: row.base.unwrap_or(row.version),
        })
    }
}

/// A set to write.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = address_sets, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct AddressSetFields {
    organization: i64,
    name: String,
    provider: String,
    filter: String,
    url: Option<String>,
    version: i64,
    networks: i64,
    changed_at: i64,
    pending: Option<i64>,
    read_at: Option<i64>,
    tried_at: Option<i64>,
    fault: Option<String>,
    etag: Option<String>,
    revision: i64,
    base: Option<i64>,
}

impl From<&AddressSet> for AddressSetFields {
    fn from(set: &AddressSet) -> Self {
        let (provider, filter, url) = match &set.origin {
            SetOrigin::Own => (OWN.to_owned(), String::new(), None),
            SetOrigin::Published {
                provider,
                filter,
                url,
            } => (provider.to_string(), filter.to_string(), url.as_deref()),
        };
        let reading = &set.reading;
        Self {
            organization: OrganizationId::FIRST.get(),
            name: set.name.to_string(),
            provider,
            filter,
            url: url.map(str::to_owned),
            version: set.version,
            networks: i64::try_from(set.networks).unwrap_or(i64::MAX),
            changed_at: set.changed_at.as_micros(),
            pending: set.pending,
            read_at: reading.read_at.map(Timestamp::as_micros),
            tried_at: reading.tried_at.map(Timestamp::as_micros),
            fault: reading.fault.as_deref().map(storable),
            etag: reading.etag.as_deref().map(storable),
            revision: set.revision,
            base: Some(set.base),
        }
    }
}

/// Text that both databases can store: NUL becomes U+FFFD.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A version as it is read, without its networks.
#[derive(Queryable, Selectable)]
#[diesel(table_name = address_set_versions, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct SetVersionRow {
    number: i64,
    state: String,
    made_at: i64,
    made_by: String,
    count: i64,
    added: i64,
    removed: i64,
}

impl TryFrom<SetVersionRow> for SetVersion {
    type Error = CorruptRow;

    fn try_from(row: SetVersionRow) -> Result<Self, CorruptRow> {
        let corrupt = |column| CorruptRow::at(VERSIONS, row.number, column);
        let count = |number: i64, column| u64::try_from(number).map_err(|_| corrupt(column));
        Ok(Self {
            number: row.number,
            state: row.state.parse().map_err(|_| corrupt("state"))?,
            made_at: Timestamp::from_micros(row.made_at),
            made_by: row.made_by.clone().into(),
            networks: count(row.count, "count")?,
            added: count(row.added, "added")?,
            removed: count(row.removed, "removed")?,
        })
    }
}

/// The text of networks for their column.
pub(crate) fn networks_text(networks: &Networks) -> String {
    let lines: Vec<_> = networks.as_slice().iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The networks from the text of their column.
pub(crate) fn read_networks(text: &str, number: i64) -> Result<Networks, CorruptRow> {
    let corrupt = || CorruptRow::at(VERSIONS, number, "networks");
    let networks: Vec<IpNetwork> = text
        .lines()
        .map(parse_entry)
        .collect::<Result<_, _>>()
        .map_err(|_| corrupt())?;
    Networks::of(networks).map_err(|_| corrupt())
}
