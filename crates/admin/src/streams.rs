//! Long answers: files, live views and other large answers. Each counts for the limits of its account, and its
//! permission is checked every second. When the permission has ended, the answer is cut off, with everything that
//! waits for its reader.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookgate_gate::{Account, Credential, Gate, PeopleStore, Store, StoreError};
use hookgate_people::Role;
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::header::CONTENT_LENGTH;
use tokio::time::{Instant, sleep, timeout};

use hookgate_request::{ApiError, ErrorCode, Limits, QuotaGuard};
use hookgate_transport::Reply;
use hookgate_transport::{PIECE_BYTES, Pieces, ReplyBody};

/// Interval at which the permission is checked.
const PERMISSION_INTERVAL: Duration = Duration::from_secs(1);
/// Time that a file waits for an unavailable store: as long as for a reader that reads nothing.
pub(super) const STORE_TIMEOUT: Duration = Duration::from_mins(1);

/// The reader of a long answer: the account whose limits count it, and the credential that permits it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipient {
    pub(crate) account: Account,
    pub(crate) credential: Credential,
    /// Role at the start of the answer.
    pub(crate) role: Role,
}

impl Recipient {
    /// Returns `true` if the credential is valid and its role is not lower than at the start.
    async fn is_permitted<S: Store + PeopleStore>(&self, gate: &Gate<S>) -> Result<bool, StoreError> {
        let role = gate.current_role(&self.credential).await?;
        Ok(role.is_some_and(|role| role >= self.role))
    }
}

/// Reasons for which an answer ends early.
#[derive(Debug)]
pub(super) enum Ended {
    /// The reader is no longer permitted.
    NotPermitted,
    /// The store can't tell whether the reader is permitted.
    Unknown(StoreError),
}

/// Runs `work` as long as the recipient is permitted. `work` is paused during each check, so nothing is sent on a
/// permission that is older than a second. Waits at most `store_timeout` for an unavailable store.
pub(super) async fn while_permitted<S: Store + PeopleStore, F: Future>(
    gate: &Gate<S>,
    recipient: &Recipient,
    store_timeout: Duration,
    work: F,
) -> Result<F::Output, Ended> {
    let mut work = pin!(work);
    loop {
        if let Ok(done) = timeout(PERMISSION_INTERVAL, work.as_mut()).await {
            return Ok(done);
        }
        let is_permitted = retry_while_unavailable(store_timeout, || recipient.is_permitted(gate)).await;
        if !is_permitted.map_err(Ended::Unknown)? {
            return Err(Ended::NotPermitted);
        }
    }
}

/// Repeats `ask` while the store is unavailable, for at most `store_timeout`.
pub(super) async fn retry_while_unavailable<T, F: Future<Output = Result<T, StoreError>>>(
    store_timeout: Duration,
    ask: impl Fn() -> F,
) -> Result<T, StoreError> {
    let began = Instant::now();
    loop {
        match ask().await {
            Err(error @ StoreError::Unavailable { .. }) if began.elapsed() < store_timeout => {
                tracing::debug!(%error, "a long answer waits for the store");
                sleep(PERMISSION_INTERVAL).await;
            }
            answer => return answer,
        }
    }
}

/// Waits until the reader has read everything, and marks the answer as complete. Cuts it off when the recipient is no
/// longer permitted.
pub(super) async fn finish<S: Store + PeopleStore>(gate: &Gate<S>, recipient: &Recipient, pieces: &Pieces) {
    let done = tokio::select! {
        done = while_permitted(gate, recipient, STORE_TIMEOUT, pieces.finish()) => done,
        () = pieces.abandoned() => Ok(()),
    };
    if done.is_err() {
        pieces.cut();
    }
}

/// Replaces the body of a large answer by a stream of pieces, so that a reader that reads nothing is cut off, and
/// unread answers of one account take no memory of others. The rest is not sent when the recipient is no longer
/// permitted.
pub(crate) async fn streamed<S: Store + PeopleStore>(
    gate: &Arc<Gate<S>>,
    limits: &Limits,
    recipient: Recipient,
    reply: Reply,
) -> Reply {
    // A reply without a length is a stream already.
    let Some(bytes) = reply.body().size_hint().exact() else {
        return reply;
    };
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if bytes <= PIECE_BYTES {
        return reply;
    }
    let quota_guard = limits.unread(recipient.account, bytes);
    let (mut head, body) = reply.into_parts();
    let Ok(whole) = body.collect().await else {
        return ApiError::from(ErrorCode::Internal).reply();
    };
    head.headers.insert(CONTENT_LENGTH, bytes.into());
    let (pieces, body) = ReplyBody::stream();
    tokio::spawn(send_body(
        Arc::clone(gate),
        recipient,
        pieces,
        whole.to_bytes(),
        quota_guard,
    ));
    Reply::from_parts(head, body)
}

async fn send_body<S: Store + PeopleStore>(
    gate: Arc<Gate<S>>,
    recipient: Recipient,
    pieces: Pieces,
    whole: Bytes,
    _quota_guard: QuotaGuard,
) {
    let sent = tokio::select! {
        sent = while_permitted(&gate, &recipient, STORE_TIMEOUT, pieces.send(whole)) => sent,
        // This also ends a wait for the store, so that its quota is free immediately.
        () = pieces.abandoned() => Ok(false),
    };
    match sent {
        Ok(true) => finish(&gate, &recipient, &pieces).await,
        Ok(false) => {}
        Err(_) => pieces.cut(),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use hookgate_testkit::{MemoryStore, samples};

    use super::*;

    /// A gate, and the reader of a long answer.
    async fn reading() -> (Gate<MemoryStore>, Recipient) {
        let gate = Gate::new(MemoryStore::default(), samples::ports());
        let member = samples::member(1, Role::Operator);
        let session = samples::session(&member, 1);
        let recipient = Recipient {
            account: Account::Member(member.id),
            credential: Credential::Session(session.digest),
            role: Role::Operator,
        };
        let store = gate.store();
        store
            .member_insert(member.clone(), samples::audit())
            .await
            .expect("a member");
        store
            .session_insert(session, member, samples::audit())
            .await
            .expect("a session");
        (gate, recipient)
    }

    /// The end of an endless answer, and the time until then.
    async fn ended(gate: &Gate<MemoryStore>, recipient: &Recipient) -> (Ended, Duration) {
        let began = Instant::now();
        let ended = while_permitted(gate, recipient, STORE_TIMEOUT, pending::<()>()).await;
        (ended.expect_err("it has no end of its own"), began.elapsed())
    }

    /// An unread answer of `bytes`.
    async fn large(gate: &Arc<Gate<MemoryStore>>, recipient: Recipient, bytes: usize) -> ReplyBody {
        let reply = Reply::new(Bytes::from(vec![b'x'; bytes]).into());
        streamed(gate, &Limits::default(), recipient, reply)
            .await
            .into_body()
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_its_reader_is_cut_with_its_permission() {
        // The second size fits into the stream: everything waits for the reader, and nothing is left to send.
        for bytes in [100 * PIECE_BYTES, 2 * PIECE_BYTES] {
            let (gate, recipient) = reading().await;
            let lowered = Recipient {
                role: Role::Admin,
                ..recipient
            };
            let unread = large(&Arc::new(gate), lowered, bytes).await;
            sleep(3 * PERMISSION_INTERVAL).await;
            assert!(unread.collect().await.is_err(), "{bytes} bytes were given");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_whole_as_long_as_it_is_permitted() {
        let (gate, recipient) = reading().await;
        let gate = Arc::new(gate);
        let unread = large(&gate, recipient, 100 * PIECE_BYTES).await;
        sleep(30 * PERMISSION_INTERVAL).await;
        let read = unread.collect().await.expect("all of it").to_bytes();
        assert_eq!(read.len(), 100 * PIECE_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_fails_ends_nothing() {
        let (gate, recipient) = reading().await;
        gate.store().fail_call(2);
        let work = async {
            sleep(10 * PERMISSION_INTERVAL).await;
            "done"
        };
        let done = while_permitted(&gate, &recipient, STORE_TIMEOUT, work).await;
        assert!(matches!(done, Ok("done")), "{done:?}");
        assert!(gate.store().has_failed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_comes_back_ends_nothing() {
        let (gate, recipient) = reading().await;
        gate.store().set_reachable(false);
        let work = async {
            sleep(10 * PERMISSION_INTERVAL).await;
            "done"
        };
        let back = async {
            sleep(STORE_TIMEOUT / 2).await;
            gate.store().set_reachable(true);
        };
        let (done, ()) = tokio::join!(while_permitted(&gate, &recipient, STORE_TIMEOUT, work), back);
        assert!(matches!(done, Ok("done")), "{done:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_stays_away_ends_it_after_its_time() {
        let (gate, recipient) = reading().await;
        gate.store().set_reachable(false);
        let (ended, after) = ended(&gate, &recipient).await;
        assert!(
            matches!(ended, Ended::Unknown(StoreError::Unavailable { .. })),
            "{ended:?}"
        );
        assert!(
            (STORE_TIMEOUT..STORE_TIMEOUT + 3 * PERMISSION_INTERVAL).contains(&after),
            "{after:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_permission_that_is_lost_ends_it_at_once() {
        let (gate, recipient) = reading().await;
        let higher = Recipient {
            role: Role::Admin,
            ..recipient
        };
        let unknown = Recipient {
            credential: Credential::Session(samples::session(&samples::member(2, Role::Owner), 2).digest),
            ..recipient
        };
        for lost in [higher, unknown] {
            let (ended, after) = ended(&gate, &lost).await;
            assert!(matches!(ended, Ended::NotPermitted), "{ended:?}");
            assert!(after <= 2 * PERMISSION_INTERVAL, "{after:?}");
        }
        // This also holds after a check that failed.
        gate.store().fail_call(1);
        let (ended, after) = ended(&gate, &higher).await;
        assert!(matches!(ended, Ended::NotPermitted), "{ended:?}");
        assert!(after <= 3 * PERMISSION_INTERVAL, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_damaged_is_not_waited_for() {
        let began = Instant::now();
        let answer =
            retry_while_unavailable(STORE_TIMEOUT, async || Err::<(), _>(StoreError::Conflict)).await;
        assert!(matches!(answer, Err(StoreError::Conflict)));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
