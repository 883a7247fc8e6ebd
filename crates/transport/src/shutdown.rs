//! The shutdown signal from the process to its listeners and connections.

use tokio::sync::watch;

/// Creates a trigger and its signal.
#[must_use]
pub fn channel() -> (Trigger, Signal) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Signal(receiver))
}

/// Starts the shutdown. Dropping the trigger starts it too, so that no task waits for a trigger that is gone.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

impl Trigger {
    /// Starts the shutdown: every clone of the signal returns, also those that are awaited later.
    pub fn pull(self) {
        self.0.send_replace(true);
    }
}

/// Waits for the shutdown. All clones wait for the same trigger.
#[derive(Clone, Debug)]
pub struct Signal(watch::Receiver<bool>);

impl Signal {
    /// Returns when the shutdown has started, at once if it has already.
    pub async fn given(&mut self) {
        // An error means that the trigger is gone, which counts as pulled.
        let _ = self.0.wait_for(|pulled| *pulled).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_the_trigger_also_afterwards() {
        let (trigger, mut signal) = channel();
        let mut early = signal.clone();
        let waiting = tokio::spawn(async move { early.given().await });
        trigger.pull();
        waiting.await.expect("no panic");
        signal.given().await;
        signal.clone().given().await;
    }

    #[tokio::test]
    async fn a_dropped_trigger_counts_as_pulled() {
        let (trigger, mut signal) = channel();
        drop(trigger);
        signal.given().await;
    }
}
