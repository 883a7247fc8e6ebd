//! Guards that count the requests of a connection in one state, until they are dropped.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::ConnectionActivity;

/// Counts a request as being answered until it is dropped.
#[derive(Debug)]
pub(crate) struct Answering(Arc<ConnectionActivity>);

impl Answering {
    /// Starts counting.
    pub(crate) fn start(activity: &Arc<ConnectionActivity>) -> Self {
        activity.answering.fetch_add(1, Ordering::Relaxed);
        if !activity.has_served() {
            activity.has_served.store(true, Ordering::Relaxed);
        }
        Self(Arc::clone(activity))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.touch();
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a request as waiting for its body until it is dropped.
#[derive(Debug)]
pub(crate) struct AwaitingBody<'a>(&'a ConnectionActivity);

impl<'a> AwaitingBody<'a> {
    /// Starts counting.
    pub(crate) fn start(activity: &'a ConnectionActivity) -> Self {
        activity.touch();
        activity.awaiting.fetch_add(1, Ordering::Relaxed);
        Self(activity)
    }
}

impl Drop for AwaitingBody<'_> {
    fn drop(&mut self) {
        self.0.awaiting.fetch_sub(1, Ordering::Relaxed);
    }
}
