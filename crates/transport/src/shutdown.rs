//! How the process tells its listeners and connections to come to an end. It knows nothing of what they do then.

use tokio::sync::watch;

/// Makes a trigger and the signal it sets off.
#[must_use]
pub fn channel() -> (Trigger, Signal) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Signal(receiver))
}

/// Starts the shutdown. Dropping it does the same, so that nobody waits for a trigger that can't come any more.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

impl Trigger {
    /// Wakes every clone of the signal, now and later.
    pub fn pull(self) {
        self.0.send_replace(true);
    }
}

/// Waits for the shutdown. Clones wait for the same one.
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
