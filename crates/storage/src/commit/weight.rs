//! Weights of records: their bytes for retention by size. Many small records weigh as much as a few large
//! ones.

use hookgate_domain::Incident;
use hookgate_domain::incident::{IncidentEvent, Opening};

use crate::deliveries::row::NewDelivery;
use crate::incidents::event_row::event_texts;
use crate::incidents::row::WeighedIncident;

/// Bytes of each record by itself, with its entries in indexes.
pub(super) const ROW_BYTES: i64 = 512;

/// Bytes of a delivery.
pub(super) fn delivery_weight(row: &NewDelivery<'_>) -> i64 {
    let text = |text: Option<&str>| text.map_or(0, str::len);
    let texts = [
        row.user_agent,
        row.headers,
        row.details,
        row.trail.as_deref(),
        row.notes.as_deref(),
    ];
    ROW_BYTES + bytes(row.payload.map_or(0, <[u8]>::len) + texts.map(text).iter().sum::<usize>())
}

/// Bytes of an incident without its events.
pub(super) fn incident_weight(incident: &Incident) -> i64 {
    let texts = [
        Some(&*incident.title),
        incident.description.as_deref(),
        incident.service.as_deref(),
        incident.source_url.as_deref(),
        incident.dedup_key.as_deref(),
        incident.metadata.json(),
    ];
    texts_weight(texts)
}

/// Bytes of an incident that is opened.
pub(super) fn opening_weight(opening: &Opening<'_>) -> i64 {
    let texts = [
        Some(opening.title),
        opening.description,
        opening.service,
        opening.source_url,
        opening.dedup_key,
        opening.metadata.json(),
    ];
    texts_weight(texts)
}

/// Bytes of an incident with these texts.
fn texts_weight(texts: [Option<&str>; 6]) -> i64 {
    let text = |text: Option<&str>| text.map_or(0, str::len);
    ROW_BYTES + bytes(texts.map(text).iter().sum())
}

/// Bytes of an incident after a change with these events. `before` are its bytes before the change, and
/// `texts` the part of them that may have changed.
pub(super) fn changed_weight(
    before: i64,
    texts: i64,
    incident: &WeighedIncident,
    events: &[IncidentEvent],
) -> i64 {
    let changed = incident_weight(&incident.incident) - texts;
    let listed = events.iter().map(event_weight).sum::<i64>();
    // An older version may have stored a weight of zero.
    (before + changed + listed).max(0)
}

/// Bytes of an event.
fn event_weight(event: &IncidentEvent) -> i64 {
    let (before, after) = event_texts(event);
    ROW_BYTES + bytes(before.map_or(0, str::len) + after.map_or(0, str::len))
}

fn bytes(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use diesel::QueryableByName;
    use diesel::sql_types::BigInt;
    use hookgate_domain::ChangeAction;
    use hookgate_domain::draft::{DraftFields, MetadataValue};
    use hookgate_gate::{AcceptedDelivery, Commit, Retention, Store};
    use hookgate_testkit::samples::{
        audit, change, changing, deduplicated, delivery, draft, second, webhook,
    };

    use crate::Database;
    use crate::OpenMode;
    use crate::connection::Connection;
    use crate::connection::RunQueryDsl;
    use crate::retention::prune_file::bytes_in_use;
    use crate::usage::holdings::WEIGHT;

    /// Bytes that webhooks hold, and bytes that their rows weigh.
    #[derive(Clone, Copy, Debug, QueryableByName)]
    struct Books {
        #[diesel(sql_type = BigInt)]
        held: i64,
        #[diesel(sql_type = BigInt)]
        weighed: i64,
    }

    async fn books(database: &Database) -> (Books, i64) {
        database.count().await.unwrap();
        let read = |connection: &mut Connection| {
            let query = format!(
                "SELECT coalesce((SELECT sum(bytes) FROM holdings), 0) AS held, \
                 coalesce((SELECT sum({WEIGHT}) FROM deliveries), 0) \
                 + coalesce((SELECT sum(weight) FROM incidents), 0) AS weighed"
            );
            let books = diesel::sql_query(query).get_result(connection)?;
            Ok((books, bytes_in_use(connection)?.cast_signed()))
        };
        database.read("books", read).await.unwrap()
    }

    async fn send(database: &Database, sent: AcceptedDelivery) {
        let commit = database.delivery_commit(sent).await;
        assert!(matches!(commit, Ok(Commit::Stored(_))), "{commit:?}");
    }

    /// A delivery with metadata that take six times as much when stored.
    fn escaped(key: &str, characters: usize) -> AcceptedDelivery {
        let text = |number: i32| {
            let value = "\u{1}".repeat(characters);
            (number.to_string().into(), MetadataValue::Text(value.into()))
        };
        let fields = DraftFields {
            dedup_key: Some(key.into()),
            metadata: (0..8).map(text).collect(),
            ..DraftFields::default()
        };
        AcceptedDelivery {
            changes: vec![draft(fields).unwrap().into()],
            ..delivery(&webhook(1))
        }
    }

    /// However incidents grow and shrink, webhooks hold the weight of their rows, which is near their bytes
    /// on disk, and nothing once all rows are gone.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn webhooks_hold_what_their_rows_take() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(directory.path(), OpenMode::Create).unwrap();
        database.webhook_insert(webhook(1), audit()).await.unwrap();
        let (_, empty) = books(&database).await;
        let open = |key: &str| deduplicated(&webhook(1), key, "open");
        for number in 0..40 {
            let key = number.to_string();
            for sent in [open(&key), escaped(&key, 5_000), open(&key)] {
                send(&database, sent).await;
            }
            if number % 4 == 0 {
                send(&database, escaped(&key, 1)).await;
            }
        }
        for number in 0..20 {
            let keys = (0..20).map(|key| change(ChangeAction::Open, &format!("tool-{number}-{key}")));
            let sent = AcceptedDelivery {
                received_at: second(number * 300),
                ..changing(&webhook(1), keys)
            };
            send(&database, sent).await;
        }
        let (books_then, in_use) = books(&database).await;
        assert_eq!(books_then.held, books_then.weighed);
        let off = books_then.held - (in_use - empty);
        assert!(off.abs() < books_then.held / 5, "{books_then:?} of {in_use}");
        for number in 0..20 {
            let keys = (0..20).map(|key| change(ChangeAction::Resolve, &format!("tool-{number}-{key}")));
            send(&database, changing(&webhook(1), keys)).await;
        }
        for number in 0..40 {
            send(
                &database,
                deduplicated(&webhook(1), &number.to_string(), "resolved"),
            )
            .await;
        }
        let (books_then, _) = books(&database).await;
        assert_eq!(books_then.held, books_then.weighed);
        let tight = Retention {
            bytes: NonZeroU64::MIN,
            ..Retention::default()
        };
        while !database.history_prune(tight, second(1)).await.unwrap().is_empty() {}
        let (books_then, _) = books(&database).await;
        assert_eq!((books_then.held, books_then.weighed), (0, 0));
        let read = |connection: &mut Connection| {
            let query = "SELECT count(*) AS held, 0 AS weighed FROM delivery_incidents";
            Ok(diesel::sql_query(query).get_result::<Books>(connection)?)
        };
        let left = database.read("rows", read).await.unwrap();
        assert_eq!(left.held, 0, "rows of removed deliveries");
    }
}
