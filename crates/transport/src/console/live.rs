//! Live views by server-sent events: what came since, as it comes, until the browser leaves or the server stops.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::DeliveryId;
use hookgate_gate::{DeliveryFilter, DeliverySummary, Gate, Page, PageSize, Seek, Store, StoreError};
use tokio::time::Instant;

use super::html;
use crate::reply::Reply;
use crate::reply_body::{Pieces, ReplyBody};
use crate::shutdown::Signal;

/// How often the store is asked for what came since.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often an event is sent that says nothing, so that a dead connection is found out.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// That event. Without data a browser would not tell its page of it.
const BEAT: &[u8] = b"event: beat\ndata: .\n\n";
/// Most rows of one look. What is beyond follows with the next.
const ROWS: u16 = 50;
/// Most time of one stream; the browser comes back by itself, and whether it may is asked again then.
const LIFETIME: Duration = Duration::from_mins(10);

/// Where a live view begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the first that the filter lets through.
    First,
    /// Behind this delivery.
    After(DeliveryId),
}

impl Start {
    /// With what comes from now on. It is looked up before anything is answered: a stream that does not know its start would
    /// replay the history.
    ///
    /// # Errors
    /// The store can't tell which delivery is the newest.
    pub(crate) async fn now<S: Store>(gate: &Gate<S>) -> Result<Self, StoreError> {
        let one = PageSize::new(1).unwrap_or_default();
        let page = gate
            .store()
            .delivery_page(&DeliveryFilter::default(), Seek::Newest, one)
            .await?;
        let newest = page.items.first();
        Ok(newest.map_or(Self::First, |row| Self::After(row.id)))
    }
}

/// A stream of rows, each shown by `show`.
pub(crate) fn reply<S: Store>(
    gate: Arc<Gate<S>>,
    filter: DeliveryFilter,
    start: Start,
    mut stop: Signal,
    show: impl Fn(&DeliverySummary) -> String + Send + 'static,
) -> Reply {
    let (pieces, body) = ReplyBody::stream();
    tokio::spawn(async move {
        tokio::select! {
            () = stop.given() => {}
            () = tokio::time::sleep(LIFETIME) => {}
            () = follow(&gate, &filter, start, &pieces, show) => {}
        }
        pieces.finish().await;
    });
    html::stream("text/event-stream", body)
}

async fn follow<S: Store>(
    gate: &Gate<S>,
    filter: &DeliveryFilter,
    start: Start,
    pieces: &Pieces,
    show: impl Fn(&DeliverySummary) -> String,
) {
    let size = PageSize::new(ROWS).unwrap_or_default();
    let mut spoke = Instant::now();
    // That the store is away is told once, until it is back.
    let mut is_told = false;
    let mut last = match start {
        Start::First => None,
        Start::After(id) => Some(id),
    };
    if !pieces.send(Bytes::from_static(b": connected\n\n")).await {
        return;
    }
    loop {
        let page = gate.store().delivery_page(filter, Seek::After(last), size).await;
        let was_told = std::mem::replace(&mut is_told, page.is_err());
        let Page { items: rows, next } = page.unwrap_or_else(|error| {
            if !was_told {
                tracing::warn!(%error, source = error.source().map(tracing::field::display), "a live view has to wait for the store");
            }
            Page {
                items: Vec::new(),
                next: None,
            }
        });
        last = next.or(rows.last().map(|row| row.id)).or(last);
        let text: String = rows
            .iter()
            .map(|row| event(&row.id.to_string(), &show(row)))
            .collect();
        let piece = if !text.is_empty() {
            Bytes::from(text)
        } else if spoke.elapsed() >= HEARTBEAT {
            Bytes::from_static(BEAT)
        } else {
            tokio::select! {
                () = pieces.abandoned() => return,
                () = tokio::time::sleep(INTERVAL) => continue,
            }
        };
        spoke = Instant::now();
        if !pieces.send(piece).await {
            return;
        }
    }
}

/// One event. Each line of its data stands behind `data:`, whatever ends it.
fn event(id: &str, data: &str) -> String {
    let mut text = format!("id: {id}\nevent: delivery\n");
    for line in data.split(['\n', '\r']) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use hookgate_testkit::{MemoryStore, samples};

    use super::*;

    #[tokio::test]
    async fn a_stream_begins_behind_the_newest_or_not_at_all() {
        let gate = Gate::new(MemoryStore::default(), samples::ports());
        assert_eq!(Start::now(&gate).await.expect("a start"), Start::First);
        let webhook = samples::webhook(1);
        let delivery = samples::delivery(&webhook);
        let store = gate.store();
        store
            .webhook_insert(webhook, samples::audit())
            .await
            .expect("a webhook");
        store.delivery_commit(delivery).await.expect("a delivery");
        assert!(matches!(Start::now(&gate).await, Ok(Start::After(_))));
        gate.store().set_reachable(false);
        assert!(Start::now(&gate).await.is_err(), "the history is not replayed");
    }

    #[test]
    fn data_can_not_end_its_event() {
        assert_eq!(
            event("dlv_1", "<tr>\n\nid: x\revent: y</tr>"),
            "id: dlv_1\nevent: delivery\ndata: <tr>\ndata: \ndata: id: x\ndata: event: y</tr>\n\n"
        );
    }
}
