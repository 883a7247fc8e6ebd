//! State that the layers of one connection share: whether a request is arriving or being answered, the time of the last
//! one, and whether a body was left unread. It holds no data of any request.

mod guards;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::select;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::unread_answers::UnreadAnswers;
pub(crate) use guards::{Answering, AwaitingBody};

/// Default time without a request after which a connection is closed. It is longer than the 60 seconds of AWS's load
/// balancers and most client pools: the client should close first, because a request that crosses a close is lost.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// Time for a request to arrive before its evicted connection ends: a head in two segments over a slow link takes one
/// second, with a retransmission two.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// The activity of a connection, in the order of eviction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Activity {
    /// The connection waits for a request.
    Idle,
    /// The first bytes of a request's head have arrived.
    ReceivingHead,
    /// All requests wait for the rest of their bodies.
    AwaitingBodies,
    /// A request is processed, or its answer is streamed.
    Answering,
}

/// One connection's state. Orderings are relaxed: no other memory depends on these values.
#[derive(Debug)]
pub(crate) struct ConnectionActivity {
    opened: Instant,
    idle_timeout: Duration,
    /// Milliseconds from `opened` to the last activity (see `last_active`).
    last: AtomicU64,
    answering: AtomicUsize,
    /// Those of the requests being answered that wait for their body.
    awaiting: AtomicUsize,
    is_receiving_head: AtomicBool,
    has_served: AtomicBool,
    body_owed: AtomicBool,
    body_left: AtomicBool,
    body_abandoned: AtomicBool,
    is_stopping: AtomicBool,
    is_cut: AtomicBool,
    has_no_room: AtomicBool,
    severed: Notify,
    evicted: Notify,
    bodies_refused: Notify,
    unread_answers: UnreadAnswers,
}

impl ConnectionActivity {
    pub(crate) fn start(idle_timeout: Duration) -> Self {
        Self {
            opened: Instant::now(),
            idle_timeout,
            last: AtomicU64::new(0),
            answering: AtomicUsize::new(0),
            awaiting: AtomicUsize::new(0),
            is_receiving_head: AtomicBool::new(false),
            has_served: AtomicBool::new(false),
            body_owed: AtomicBool::new(false),
            body_left: AtomicBool::new(false),
            body_abandoned: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
            is_cut: AtomicBool::new(false),
            has_no_room: AtomicBool::new(false),
            severed: Notify::new(),
            evicted: Notify::new(),
            bodies_refused: Notify::new(),
            unread_answers: UnreadAnswers::default(),
        }
    }

    /// Records activity: the handshake ended, or a request began to arrive or was answered.
    pub(crate) fn touch(&self) {
        let millis = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis, Ordering::Relaxed);
    }

    /// `true` while a request is being answered.
    pub(crate) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0
    }

    /// The activity at this moment.
    pub(crate) fn activity(&self) -> Activity {
        match self.answering.load(Ordering::Relaxed) {
            0 if self.is_receiving_head.load(Ordering::Relaxed) => Activity::ReceivingHead,
            0 => Activity::Idle,
            answering if self.awaiting.load(Ordering::Relaxed) >= answering => Activity::AwaitingBodies,
            _ => Activity::Answering,
        }
    }

    /// `true` if a request began to arrive less than [`GRACE`] ago and is not complete.
    pub(crate) fn has_grace(&self) -> bool {
        let comes_in = matches!(
            self.activity(),
            Activity::ReceivingHead | Activity::AwaitingBodies
        );
        comes_in && self.last_active().elapsed() < GRACE
    }

    /// Sets whether the head of a request has begun to arrive and is not complete.
    pub(crate) fn set_receiving_head(&self, is_receiving: bool) {
        if self.is_receiving_head.load(Ordering::Relaxed) != is_receiving {
            self.is_receiving_head.store(is_receiving, Ordering::Relaxed);
            if is_receiving {
                self.touch();
            }
        }
    }

    /// `true` once a request has arrived.
    pub(crate) fn has_served(&self) -> bool {
        self.has_served.load(Ordering::Relaxed)
    }

    /// Time of the last activity: a request began to arrive or was answered, or the connection began or finished
    /// its handshake.
    pub(crate) fn last_active(&self) -> Instant {
        self.opened + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }

    /// Evicts the connection: tells it to end, because others need its place.
    pub(crate) fn evict(&self) {
        self.evicted.notify_one();
    }

    /// Returns once the connection is evicted. Each eviction wakes one caller.
    pub(crate) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Makes all waits for bodies fail, so that the requests are answered soon.
    pub(crate) fn refuse_bodies(&self) {
        self.has_no_room.store(true, Ordering::Relaxed);
        self.bodies_refused.notify_waiters();
    }

    /// Returns once waits for bodies must fail.
    pub(crate) async fn bodies_refused(&self) {
        // `notified` registers here, so no wake-up between the check and the wait is lost.
        let refused = self.bodies_refused.notified();
        if !self.has_no_room.load(Ordering::Relaxed) {
            refused.await;
        }
    }

    /// Returns once the idle timeout has passed since the last activity, while no request is being answered.
    pub(crate) async fn idle(&self) {
        loop {
            let last = if self.is_answering() {
                Instant::now()
            } else {
                self.last_active()
            };
            let deadline = last + self.idle_timeout;
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }

    /// HTTP/1: sets whether bytes of the newest body are still to arrive. With pipelining, that body may be a later one
    /// than the one being answered.
    pub(crate) fn set_body_owed(&self, owed: bool) {
        if self.body_owed.load(Ordering::Relaxed) != owed {
            self.body_owed.store(owed, Ordering::Relaxed);
        }
    }

    /// HTTP/1: a request begins, and its body has not been left unread.
    pub(crate) fn begin_body(&self) {
        self.body_left.store(false, Ordering::Relaxed);
    }

    /// HTTP/1: the body was dropped unread. hyper skips it if it has arrived completely.
    pub(crate) fn leave_body(&self) {
        self.body_left.store(true, Ordering::Relaxed);
    }

    /// HTTP/1: a body was dropped that hyper can't skip, so this connection takes no further request.
    pub(crate) fn abandon_body(&self) {
        self.body_abandoned.store(true, Ordering::Relaxed);
    }

    /// HTTP/1.0: an answer broke off whose end is marked by the end of the connection alone.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    /// Ends the connection at once and by a reset: the peer does not read the answer, or must not get more of it.
    pub(crate) fn sever(&self) {
        self.cut();
        self.severed.notify_one();
    }

    /// Returns once the connection must end at once.
    pub(crate) async fn severed(&self) {
        select! {
            () = self.severed.notified() => {}
            () = self.unread_answers.must_be_cut() => {}
        }
    }

    /// The answers that wait for the peer to read them.
    pub(crate) const fn unread_answers(&self) -> &UnreadAnswers {
        &self.unread_answers
    }

    /// `true` if the connection must end by a reset.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    /// The connection is ending, so its next answer is the last one.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// `true` if the answer must be the connection's last.
    pub(crate) fn ends_here(&self) -> bool {
        let owed = self.body_left.load(Ordering::Relaxed) && self.body_owed.load(Ordering::Relaxed);
        owed || self.body_abandoned.load(Ordering::Relaxed) || self.is_stopping.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::{sleep, timeout};

    use super::*;

    const ALMOST: Duration = Duration::from_secs(74);

    #[tokio::test(start_paused = true)]
    async fn idle_counts_from_the_end_of_the_last_answer() {
        let activity = Arc::new(ConnectionActivity::start(IDLE_TIMEOUT));
        let answering = Answering::start(&activity);
        sleep(3 * IDLE_TIMEOUT).await;
        assert!(
            timeout(2 * IDLE_TIMEOUT, activity.idle()).await.is_err(),
            "a running answer is no idleness"
        );
        drop(answering);
        assert!(timeout(ALMOST, activity.idle()).await.is_err());
        assert!(timeout(Duration::from_secs(2), activity.idle()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_awaits_bodies_only_if_all_its_requests_do() {
        let activity = Arc::new(ConnectionActivity::start(IDLE_TIMEOUT));
        sleep(GRACE).await;
        assert!(activity.activity() == Activity::Idle && !activity.has_grace());
        activity.set_receiving_head(true);
        assert!(activity.activity() == Activity::ReceivingHead && activity.has_grace());
        sleep(GRACE).await;
        assert!(!activity.has_grace());
        let (one, _other) = (Answering::start(&activity), Answering::start(&activity));
        activity.set_receiving_head(false);
        let _awaiting = AwaitingBody::start(&activity);
        assert_eq!(activity.activity(), Activity::Answering);
        drop(one);
        assert!(activity.activity() == Activity::AwaitingBodies && activity.has_grace());
        sleep(GRACE).await;
        assert!(!activity.has_grace());
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_are_refused_to_those_that_wait_and_those_that_come_later() {
        let activity = ConnectionActivity::start(IDLE_TIMEOUT);
        let (mut one, mut other) = (
            Box::pin(activity.bodies_refused()),
            Box::pin(activity.bodies_refused()),
        );
        for waiting in [&mut one, &mut other] {
            assert!(timeout(GRACE, waiting).await.is_err());
        }
        activity.refuse_bodies();
        tokio::join!(one, other, activity.bodies_refused());
    }
}
