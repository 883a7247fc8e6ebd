//! What webhooks hold less because history is removed.

use std::collections::BTreeMap;

use diesel::result::QueryResult;

use super::holdings::{HoldingChange, holding_add};
use crate::connection::Connection;

/// What a transaction frees, by webhook. It is written at its end, in the order of the webhooks. Who counts skips what is locked, so it
/// waits for nothing here.
#[derive(Debug, Default)]
pub(crate) struct Freed(BTreeMap<i64, HoldingChange>);

impl Freed {
    /// Adds what goes.
    pub(crate) fn add(&mut self, held: impl IntoIterator<Item = HoldingChange>) {
        for one in held {
            let all = self.0.entry(one.webhook).or_default();
            all.bytes += one.bytes;
            all.deliveries += one.deliveries;
        }
    }

    /// Takes it from the holdings.
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
