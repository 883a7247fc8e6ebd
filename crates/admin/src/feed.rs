//! New deliveries, read once for all live views: one task polls the store, and each view applies its filter in
//! memory.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::DeliveryId;
use hookgate_gate::{DeliveryFilter, DeliverySummary, Gate, PageSize, Seek, Store, StoreError};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit, broadcast};
use tokio::task::JoinHandle;

/// Interval at which the store is polled for new deliveries.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);
/// Maximum number of batches that wait for a slow view. A view that lags further behind reads the store itself until
/// it has caught up.
const MAX_BATCHES_AHEAD: usize = 32;

/// New deliveries in the order of receipt; never empty.
pub(super) type Batch = Arc<Vec<DeliverySummary>>;

/// The feed. It runs as long as a view listens.
pub(super) struct Feed {
    running: Mutex<Option<Running>>,
    /// Lets only one view at a time read the store itself.
    catching_up: Semaphore,
}

struct Running {
    sender: broadcast::Sender<Batch>,
    task: JoinHandle<()>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            catching_up: Semaphore::new(1),
        }
    }
}

impl Feed {
    /// Subscribes to new deliveries, and starts the feed if it is not running. No delivery that is stored after the
    /// return is missed.
    pub(super) async fn join<S: Store>(
        self: &Arc<Self>,
        gate: &Arc<Gate<S>>,
    ) -> Result<broadcast::Receiver<Batch>, StoreError> {
        let mut running = self.running.lock().await;
        if let Some(feed) = running.as_ref().filter(|feed| !feed.task.is_finished()) {
            return Ok(feed.sender.subscribe());
        }
        let last = newest(gate).await?;
        let (sender, receiver) = broadcast::channel(MAX_BATCHES_AHEAD);
        let task = tokio::spawn(run(Arc::clone(self), Arc::clone(gate), sender.clone(), last));
        *running = Some(Running { sender, task });
        Ok(receiver)
    }

    /// Waits for the permit of a view to read the store itself. The semaphore is never closed, so the result is
    /// always `Some`.
    pub(super) async fn read_permit(&self) -> Option<SemaphorePermit<'_>> {
        self.catching_up.acquire().await.ok()
    }

    /// Ends the feed and returns `true` if no view listens.
    async fn ends(&self, sender: &broadcast::Sender<Batch>) -> bool {
        let mut running = self.running.lock().await;
        let is_over = sender.receiver_count() == 0;
        if is_over {
            *running = None;
        }
        is_over
    }
}

/// The ID of the newest delivery.
pub(super) async fn newest<S: Store>(gate: &Gate<S>) -> Result<Option<DeliveryId>, StoreError> {
    let filter = DeliveryFilter::default();
    let page = gate
        .store()
        .delivery_page(&filter, Seek::Newest, PageSize::ONE)
        .await?;
    Ok(page.items.first().map(|row| row.id))
}

async fn run<S: Store>(
    feed: Arc<Feed>,
    gate: Arc<Gate<S>>,
    sender: broadcast::Sender<Batch>,
    mut last: Option<DeliveryId>,
) {
    let filter = DeliveryFilter::default();
    // An unavailable store is logged once, until it is back.
    let mut is_logged = false;
    while !feed.ends(&sender).await {
        let page = gate
            .store()
            .delivery_page(&filter, Seek::After(last), PageSize::MAX)
            .await;
        let was_logged = std::mem::replace(&mut is_logged, page.is_err());
        let is_full = match page {
            Ok(page) => {
                let is_full = page.next.is_some();
                last = page.next.or(page.items.last().map(|row| row.id)).or(last);
                if !page.items.is_empty() {
                    // Sending fails if the last view has left, which is no error.
                    let _ = sender.send(Arc::new(page.items));
                }
                is_full
            }
            Err(error) => {
                if !was_logged {
                    tracing::warn!(%error, source = error.source().map(tracing::field::display), "live views have to wait for the store");
                }
                false
            }
        };
        if !is_full {
            tokio::time::sleep(INTERVAL).await;
        }
    }
}
