//! Live views by server-sent events: what came since, as it comes, until the browser leaves, its permission ends or the server stops.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::{DeliveryId, Role};
use hookgate_gate::{
    DeliveryFilter, DeliverySummary, Gate, Page, PageSize, PeopleStore, Seek, Store, StoreError, summary_for,
};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until};

use super::api_error::ApiError;
use super::feed::{self, Batch, Feed, INTERVAL};
use super::html;
use super::limits::Limits;
use super::streams::{self, Recipient, while_permitted};
use hookgate_transport::Reply;
use hookgate_transport::shutdown::Signal;
use hookgate_transport::{Pieces, ReplyBody};

/// How often an event is sent that says nothing, so that a dead connection is found out.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Most rows of one look. What is beyond follows with the next.
const ROWS: u16 = 50;
/// Most time of one stream; the browser comes back by itself.
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
        let newest = feed::newest(gate).await?;
        Ok(newest.map_or(Self::First, Self::After))
    }
}

/// The surroundings of all live views.
pub(super) struct Source<'a, S> {
    pub(super) gate: &'a Arc<Gate<S>>,
    pub(super) feed: &'a Arc<Feed>,
    pub(super) limits: &'a Limits,
    pub(super) stop: &'a Signal,
}

/// A stream of rows, each shown by `show`.
pub(super) fn reply<S: Store + PeopleStore>(
    source: &Source<'_, S>,
    recipient: Recipient,
    filter: DeliveryFilter,
    start: Start,
    show: fn(&DeliverySummary) -> String,
) -> Result<Reply, ApiError> {
    let (pieces, body) = ReplyBody::stream();
    let pieces = Arc::new(pieces);
    let place = source.limits.live_view(recipient.account, &pieces)?;
    let mut stop = source.stop.clone();
    let gate = Arc::clone(source.gate);
    let feed = Arc::clone(source.feed);
    tokio::spawn(async move {
        let _place = place;
        let mut view = View {
            gate: &gate,
            feed: &feed,
            filter,
            last: match start {
                Start::First => None,
                Start::After(id) => Some(id),
            },
            spoke: Instant::now(),
            pieces: &pieces,
            role: recipient.role,
            show,
        };
        let permitted = tokio::select! {
            () = stop.given() => true,
            () = sleep(LIFETIME) => true,
            // Also while the view waits for its permission, so that its place is free at once.
            () = pieces.abandoned() => true,
            // It waits for a store that is away as long as it lives.
            done = while_permitted(&gate, &recipient, LIFETIME, view.run()) => done.is_ok(),
        };
        if permitted {
            streams::finish(&gate, &recipient, &pieces).await;
        } else {
            pieces.cut();
        }
    });
    Ok(html::stream("text/event-stream", body))
}

/// The client has left, or takes nothing.
struct Gone;

/// One live view.
struct View<'a, S> {
    gate: &'a Arc<Gate<S>>,
    feed: &'a Arc<Feed>,
    filter: DeliveryFilter,
    /// The last delivery that was looked at, whether it was shown or not.
    last: Option<DeliveryId>,
    spoke: Instant,
    pieces: &'a Pieces,
    role: Role,
    show: fn(&DeliverySummary) -> String,
}

impl<S: Store> View<'_, S> {
    /// Runs until the client has left.
    async fn run(&mut self) {
        // Nothing is left to do for one who has gone.
        let _: Result<(), Gone> = self.follow().await;
    }

    async fn follow(&mut self) -> Result<(), Gone> {
        self.send(Bytes::from_static(b": connected\n\n")).await?;
        loop {
            let Ok(mut feed) = self.feed.join(self.gate).await else {
                self.rest().await?;
                continue;
            };
            self.catch_up().await?;
            loop {
                let batch = tokio::select! {
                    batch = feed.recv() => batch,
                    () = self.pieces.abandoned() => return Err(Gone),
                    () = sleep_until(self.spoke + HEARTBEAT) => {
                        self.beat().await?;
                        continue;
                    }
                };
                match batch {
                    Ok(batch) => self.show_new(&batch).await?,
                    Err(RecvError::Lagged(_)) => self.catch_up().await?,
                    Err(RecvError::Closed) => break,
                }
            }
        }
    }

    /// Shows what the store has behind the last delivery. The feed has begun before, so nothing is missed between them.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        let size = PageSize::new(ROWS).unwrap_or_default();
        loop {
            let page = {
                let _turn = self.feed.turn().await;
                let seek = Seek::After(self.last);
                self.gate.store().delivery_page(&self.filter, seek, size).await
            };
            // Of a store that is away the feed tells.
            let Ok(Page { items, next }) = page else {
                self.rest().await?;
                continue;
            };
            self.last = next.or(items.last().map(|row| row.id)).or(self.last);
            let is_any = !items.is_empty();
            self.say(self.text(items.iter())).await?;
            if next.is_none() {
                return Ok(());
            }
            if !is_any {
                self.rest().await?;
            }
        }
    }

    /// Shows those of a batch that the filter lets through and that were not looked at before.
    async fn show_new(&mut self, batch: &Batch) -> Result<(), Gone> {
        let new = batch
            .iter()
            .filter(|row| self.last.is_none_or(|last| row.id > last));
        let text = self.text(new.filter(|row| self.filter.matches(row)));
        self.last = batch.last().map(|row| row.id).max(self.last);
        self.say(text).await
    }

    /// The events of these deliveries.
    fn text<'r>(&self, rows: impl Iterator<Item = &'r DeliverySummary>) -> String {
        let shown = |row: &DeliverySummary| (self.show)(&summary_for(self.role, row.clone()));
        rows.map(|row| event(&row.id.to_string(), &shown(row))).collect()
    }

    async fn say(&mut self, text: String) -> Result<(), Gone> {
        if text.is_empty() {
            return Ok(());
        }
        self.send(Bytes::from(text)).await
    }

    /// Waits a moment, and shows meanwhile that the view lives.
    async fn rest(&mut self) -> Result<(), Gone> {
        if self.spoke.elapsed() >= HEARTBEAT {
            return self.beat().await;
        }
        tokio::select! {
            () = self.pieces.abandoned() => Err(Gone),
            () = sleep(INTERVAL) => Ok(()),
        }
    }

    /// An event that says nothing but how far the view has looked, where the browser goes on when it comes back. Without data a
    /// browser would not tell its page of it.
    async fn beat(&mut self) -> Result<(), Gone> {
        let id = self.last.map_or_else(String::new, |last| format!("id: {last}\n"));
        self.send(Bytes::from(format!("{id}event: beat\ndata: .\n\n")))
            .await
    }

    async fn send(&mut self, piece: Bytes) -> Result<(), Gone> {
        self.spoke = Instant::now();
        if self.pieces.send(piece).await {
            Ok(())
        } else {
            Err(Gone)
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
