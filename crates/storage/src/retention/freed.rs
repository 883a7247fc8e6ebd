//! The part of their holdings that webhooks lose because history is removed.

use std::collections::BTreeMap;

use diesel::result::QueryResult;

use crate::connection::Connection;
use crate::usage::holdings::HoldingChange;
use crate::usage::holdings::holding_add;

/// Sums that a transaction frees, by webhook. It writes them at its end, in the order of the webhooks.
/// Counting skips locked rows, so it waits for none of them.
#[derive(Debug, Default)]
pub(crate) struct Freed(BTreeMap<i64, HoldingChange>);

impl Freed {
    /// Adds removed parts of holdings.
    pub(crate) fn add(&mut self, held: impl IntoIterator<Item = HoldingChange>) {
        for one in held {
            let all = self.0.entry(one.webhook).or_default();
            all.bytes += one.bytes;
            all.deliveries += one.deliveries;
        }
    }

    /// Subtracts the sums from the holdings.
    pub(crate) fn write(self, connection: &mut Connection) -> QueryResult<()> {
        for (webhook, held) in self.0 {
            let gone = HoldingChange {
                webhook,
                bytes: -held.bytes,
                deliveries: -held.deliveries,
            };
            holding_add(connection, &gone)?;
        }
        Ok(())
    }
}
