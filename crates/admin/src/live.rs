//! Live views by server-sent events: new deliveries, until the browser disconnects, its permission ends or the server
//! stops.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::DeliveryId;
use hookgate_gate::{
    DeliveryFilter, DeliverySummary, Gate, LogInterval, Page, PageSize, PeopleStore, Seek, Store, StoreError,
    summary_for,
};
use hookgate_pages::RenderError;
use hookgate_people::Role;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until};

use super::feed::{self, Batch, Feed, INTERVAL};
use super::html;
use super::streams::{self, Recipient, while_permitted};
use hookgate_request::{ApiError, Limits};
use hookgate_transport::CancellationToken;
use hookgate_transport::Reply;
use hookgate_transport::{Pieces, ReplyBody};

/// Interval of heartbeat events, which detect a broken connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Rows of one page while a view catches up with the store.
const ROWS: PageSize = PageSize::new(50).unwrap();
/// Maximum lifetime of a stream. The browser reconnects by itself.
const LIFETIME: Duration = Duration::from_mins(10);

/// Log interval for rows that can't be rendered.
static NOT_RENDERED: LogInterval = LogInterval::new();

/// Start of a live view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The oldest delivery that matches the filter.
    First,
    /// The deliveries after this one.
    After(DeliveryId),
}

impl Start {
    /// Starts with the next new delivery. The newest delivery is read before anything is answered: a stream without a
    /// start would replay the history.
    ///
    /// # Errors
    /// The store can't tell which delivery is the newest.
    pub(crate) async fn now<S: Store>(gate: &Gate<S>) -> Result<Self, StoreError> {
        let newest = feed::newest(gate).await?;
        Ok(newest.map_or(Self::First, Self::After))
    }
}

/// Dependencies of all live views.
pub(super) struct Source<'a, S> {
    pub(super) gate: &'a Arc<Gate<S>>,
    pub(super) feed: &'a Arc<Feed>,
    pub(super) limits: &'a Limits,
    pub(super) shutdown: &'a CancellationToken,
}

/// Answers with a stream of rows, each rendered by `show`.
pub(super) fn reply<S: Store + PeopleStore>(
    source: &Source<'_, S>,
    recipient: Recipient,
    filter: DeliveryFilter,
    start: Start,
    show: fn(&DeliverySummary) -> Result<String, RenderError>,
) -> Result<Reply, ApiError> {
    let (pieces, body) = ReplyBody::stream();
    let pieces = Arc::new(pieces);
    let slot = source.limits.live_view(recipient.account, &pieces)?;
    let shutdown = source.shutdown.clone();
    let gate = Arc::clone(source.gate);
    let feed = Arc::clone(source.feed);
    tokio::spawn(async move {
        let _slot = slot;
        let mut view = View {
            gate: &gate,
            feed: &feed,
            filter,
            last: match start {
                Start::First => None,
                Start::After(id) => Some(id),
            },
            last_sent: Instant::now(),
            pieces: &pieces,
            role: recipient.role,
            show,
        };
        let permitted = tokio::select! {
            () = shutdown.cancelled() => true,
            () = sleep(LIFETIME) => true,
            // This also ends a wait for the permission, so that the slot is free immediately.
            () = pieces.abandoned() => true,
            // The view waits for an unavailable store for its whole lifetime.
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

/// The client has disconnected, or reads nothing.
struct Disconnected;

/// One live view.
struct View<'a, S> {
    gate: &'a Arc<Gate<S>>,
    feed: &'a Arc<Feed>,
    filter: DeliveryFilter,
    /// The last delivery that was filtered, shown or not.
    last: Option<DeliveryId>,
    last_sent: Instant,
    pieces: &'a Pieces,
    role: Role,
    show: fn(&DeliverySummary) -> Result<String, RenderError>,
}

impl<S: Store> View<'_, S> {
    /// Runs until the client has disconnected.
    async fn run(&mut self) {
        // A disconnected client needs no further work.
        let _: Result<(), Disconnected> = self.follow().await;
    }

    async fn follow(&mut self) -> Result<(), Disconnected> {
        self.send(Bytes::from_static(b": connected\n\n")).await?;
        loop {
            let Ok(mut feed) = self.feed.join(self.gate).await else {
                self.pause().await?;
                continue;
            };
            self.catch_up().await?;
            loop {
                let batch = tokio::select! {
                    batch = feed.recv() => batch,
                    () = self.pieces.abandoned() => return Err(Disconnected),
                    () = sleep_until(self.last_sent + HEARTBEAT) => {
                        self.send_heartbeat().await?;
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

    /// Shows the deliveries in the store after the last one. The feed was joined before, so no delivery is missed
    /// between the two.
    async fn catch_up(&mut self) -> Result<(), Disconnected> {
        loop {
            let page = {
                let _permit = self.feed.read_permit().await;
                let seek = Seek::After(self.last);
                self.gate.store().delivery_page(&self.filter, seek, ROWS).await
            };
            // The feed logs an unavailable store.
            let Ok(Page { items, next }) = page else {
                self.pause().await?;
                continue;
            };
            self.last = next.or(items.last().map(|row| row.id)).or(self.last);
            let is_any = !items.is_empty();
            self.send_text(self.text(items.iter())).await?;
            if next.is_none() {
                return Ok(());
            }
            if !is_any {
                self.pause().await?;
            }
        }
    }

    /// Shows the deliveries of a batch that match the filter and were not filtered before.
    async fn show_new(&mut self, batch: &Batch) -> Result<(), Disconnected> {
        let new = batch
            .iter()
            .filter(|row| self.last.is_none_or(|last| row.id > last));
        let text = self.text(new.filter(|row| self.filter.matches(row)));
        self.last = batch.last().map(|row| row.id).max(self.last);
        self.send_text(text).await
    }

    /// The events for these deliveries. A row that can't be rendered is left out.
    fn text<'r>(&self, rows: impl Iterator<Item = &'r DeliverySummary>) -> String {
        rows.filter_map(|row| match (self.show)(&summary_for(self.role, row.clone())) {
            Ok(shown) => Some(event(&row.id.to_string(), &shown)),
            Err(error) => {
                if let Some(left_out) = NOT_RENDERED.line() {
                    tracing::error!(%error, left_out, "a live view can't show a delivery");
                }
                None
            }
        })
        .collect()
    }

    async fn send_text(&mut self, text: String) -> Result<(), Disconnected> {
        if text.is_empty() {
            return Ok(());
        }
        self.send(Bytes::from(text)).await
    }

    /// Waits for a polling interval, or sends a heartbeat if one is due.
    async fn pause(&mut self) -> Result<(), Disconnected> {
        if self.last_sent.elapsed() >= HEARTBEAT {
            return self.send_heartbeat().await;
        }
        tokio::select! {
            () = self.pieces.abandoned() => Err(Disconnected),
            () = sleep(INTERVAL) => Ok(()),
        }
    }

    /// Sends a heartbeat event with the ID of the last filtered delivery, from which the browser goes on after a
    /// reconnect. It has data because browsers dispatch no event without data.
    async fn send_heartbeat(&mut self) -> Result<(), Disconnected> {
        let id = self.last.map_or_else(String::new, |last| format!("id: {last}\n"));
        self.send(Bytes::from(format!("{id}event: beat\ndata: .\n\n")))
            .await
    }

    async fn send(&mut self, piece: Bytes) -> Result<(), Disconnected> {
        self.last_sent = Instant::now();
        if self.pieces.send(piece).await {
            Ok(())
        } else {
            Err(Disconnected)
        }
    }
}

/// Encodes one event. Every line of the data gets its own `data:` field, whether it ends with CR or LF.
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
