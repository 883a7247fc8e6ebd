//! Bounds on the concurrent use of the console. Exports, live views and large answers have two bounds: one for an
//! account, which is checked first, and one for all accounts together. Requests are bounded for each account, and
//! answers with payloads in total. An account that uses up its own part stops only itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hookgate_gate::Account;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::answer_slots::{AnswerSlot, AnswerSlots, Full};
use crate::api_error::ApiError;
use hookgate_transport::Pieces;

/// Concurrent exports: each may hold a large payload in several forms, about 16 MiB.
const EXPORTS: usize = 4;
/// Concurrent exports of one account: one that is read, and one more by mistake.
const ACCOUNT_EXPORTS: usize = 2;
/// Average bytes per second below which the only export of an account gives way to another account: a file of 100 MB
/// in three hours.
const EXPORT_PACE: u64 = 10 * 1024;
/// Concurrent live views: each filters every new delivery.
const LIVE_VIEWS: usize = 32;
/// Concurrent live views of one account: the tabs of a person at work.
const ACCOUNT_LIVE_VIEWS: usize = 4;
/// Bytes of large answers that clients have not read yet.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of large answers that one account has not read yet.
const ACCOUNT_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Concurrent requests of one account. Further ones wait for a permit.
const ACCOUNT_REQUESTS: usize = 4;
/// Maximum time that a request waits for a permit: as long as for a connection to the store.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Concurrent answers with payloads: as many as an embedded store has readers for the console, because more would
/// only take memory.
const PAYLOAD_ANSWERS: usize = 2;
/// `Retry-After`: an abandoned export or live view has ended by then.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Number of accounts in the map from which on those without a request are removed.
const MAX_REMEMBERED: usize = 64;

/// All bounds of a console.
pub struct Limits {
    exports: Arc<AnswerSlots>,
    live_views: Arc<AnswerSlots>,
    answers: Arc<Quota>,
    requests: Mutex<HashMap<Account, Weak<Semaphore>>>,
    payload_answers: Semaphore,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            exports: AnswerSlots::new(ACCOUNT_EXPORTS, EXPORTS, EXPORT_PACE),
            // No minimum pace: a live view without deliveries sends almost nothing.
            live_views: AnswerSlots::new(ACCOUNT_LIVE_VIEWS, LIVE_VIEWS, 0),
            answers: Quota::new(ACCOUNT_ANSWER_BYTES, ANSWER_BYTES),
            requests: Mutex::default(),
            payload_answers: Semaphore::new(PAYLOAD_ANSWERS),
        }
    }
}

impl Limits {
    /// Takes a slot for an export that is sent in `pieces`.
    ///
    /// # Errors
    /// The account, or all accounts together, have too many.
    pub fn export(&self, account: Account, pieces: &Arc<Pieces>) -> Result<AnswerSlot, ApiError> {
        self.exports.take(account, pieces).map_err(|full| match full {
            Full::Account => busy(format!(
                "{ACCOUNT_EXPORTS} of your exports are running, wait until one has ended"
            )),
            Full::All => busy(format!(
                "{EXPORTS} exports are running, try again when one has ended"
            )),
        })
    }

    /// Takes a slot for a live view that is sent in `pieces`.
    ///
    /// # Errors
    /// The account, or all accounts together, have too many.
    pub fn live_view(&self, account: Account, pieces: &Arc<Pieces>) -> Result<AnswerSlot, ApiError> {
        self.live_views.take(account, pieces).map_err(|full| match full {
            Full::Account => busy(format!(
                "{ACCOUNT_LIVE_VIEWS} of your live views are open, close one"
            )),
            Full::All => busy(format!(
                "{LIVE_VIEWS} live views are open, try again when one is closed"
            )),
        })
    }

    /// Waits for a permit for a request of the account.
    ///
    /// # Errors
    /// The earlier requests of the account don't end in time, or its unread large answers, or those of all accounts,
    /// are over the bound. An account that has read all its answers is never refused for what others leave unread.
    pub async fn permit(&self, account: Account) -> Result<OwnedSemaphorePermit, ApiError> {
        if self.answers.is_used_up(account) {
            return Err(busy("you have not read earlier large responses yet".to_owned()));
        }
        let permits = self.permits_of(account);
        let permit = timeout(PERMIT_TIMEOUT, permits.acquire_owned()).await;
        permit
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| busy("your earlier requests are still running".to_owned()))
    }

    /// Counts the bytes of a large answer until the client has read them. The request has been carried out already,
    /// so the answer is never refused.
    pub fn unread(&self, account: Account, bytes: usize) -> QuotaGuard {
        self.answers.add(account, bytes)
    }

    /// Waits for a permit, then builds an answer with payloads.
    pub async fn with_payloads<T>(&self, answer: impl Future<Output = T>) -> T {
        // The semaphore is never closed, so `acquire` always succeeds.
        let _permit = self.payload_answers.acquire().await;
        answer.await
    }

    fn permits_of(&self, account: Account) -> Arc<Semaphore> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(permits) = requests.get(&account).and_then(Weak::upgrade) {
            return permits;
        }
        if requests.len() >= MAX_REMEMBERED {
            requests.retain(|_, permits| permits.strong_count() > 0);
        }
        let permits = Arc::new(Semaphore::new(ACCOUNT_REQUESTS));
        requests.insert(account, Arc::downgrade(&permits));
        permits
    }
}

fn busy(reason: String) -> ApiError {
    ApiError::busy(RETRY_AFTER, reason)
}

/// An amount that all accounts share, with a bound for each account.
struct Quota {
    of_account: usize,
    of_all: usize,
    held: Mutex<HashMap<Account, usize>>,
}

impl Quota {
    fn new(of_account: usize, of_all: usize) -> Arc<Self> {
        Arc::new(Self {
            of_account,
            of_all,
            held: Mutex::default(),
        })
    }

    /// Adds the amount, even above the bounds.
    fn add(self: &Arc<Self>, account: Account, amount: usize) -> QuotaGuard {
        *self.lock().entry(account).or_default() += amount;
        QuotaGuard {
            quota: Arc::clone(self),
            account,
            amount,
        }
    }

    /// Returns `true` if the account holds an amount, and its own or the total amount has reached its bound.
    fn is_used_up(&self, account: Account) -> bool {
        let held = self.lock();
        held.get(&account)
            .is_some_and(|own| *own >= self.of_account || held.values().sum::<usize>() >= self.of_all)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Account, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An amount that an account holds. Dropping the guard returns it.
pub struct QuotaGuard {
    quota: Arc<Quota>,
    account: Account,
    amount: usize,
}

impl Drop for QuotaGuard {
    fn drop(&mut self) {
        let mut held = self.quota.lock();
        let left = held.get(&self.account).copied().unwrap_or(0);
        if left > self.amount {
            held.insert(self.account, left - self.amount);
        } else {
            held.remove(&self.account);
        }
    }
}

#[cfg(test)]
mod tests {
    use hookgate_domain::Timestamp;
    use hookgate_people::MemberId;

    use super::*;
    use hookgate_transport::ReplyBody;

    fn account(number: u8) -> Account {
        Account::Member(MemberId::new(Timestamp::from_micros(1), [number; 10]))
    }

    fn stream() -> (Arc<Pieces>, ReplyBody) {
        let (pieces, body) = ReplyBody::stream();
        (Arc::new(pieces), body)
    }

    #[tokio::test]
    async fn an_account_has_its_part_and_gives_it_back() {
        let limits = Limits::default();
        let (pieces, _body) = stream();
        let mut held: Vec<_> = (0..ACCOUNT_EXPORTS)
            .map(|_| limits.export(account(1), &pieces).ok().unwrap())
            .collect();
        let fault = limits.export(account(1), &pieces).err().unwrap();
        assert_eq!(fault.retry_after, Some(RETRY_AFTER));
        assert!(
            fault.sentence().contains("2 of your exports"),
            "{}",
            fault.sentence()
        );
        held.clear();
        for number in 1..=4 {
            held.push(limits.export(account(number), &pieces).ok().unwrap());
        }
        let fault = limits.export(account(5), &pieces).err().unwrap();
        assert!(fault.sentence().contains("4 exports are running"));
        held.clear();
        assert!(limits.export(account(5), &pieces).is_ok());
    }

    /// Endless exports of two accounts don't block a third account.
    #[tokio::test]
    async fn an_account_with_all_its_exports_gives_one_away() {
        let limits = Limits::default();
        let streams: Vec<_> = (0..EXPORTS).map(|_| stream()).collect();
        let mut held = Vec::new();
        for (number, (pieces, _)) in streams.iter().enumerate() {
            let account = account(u8::try_from(number / ACCOUNT_EXPORTS).unwrap());
            held.push(limits.export(account, pieces).ok().unwrap());
        }
        let (pieces, _body) = stream();
        assert!(limits.export(account(9), &pieces).is_ok());
        let cut = streams.iter().filter(|(pieces, _)| pieces.is_abandoned());
        assert_eq!(cut.count(), 1);
    }

    #[tokio::test]
    async fn live_views_of_one_account_leave_those_of_others() {
        let limits = Limits::default();
        let streams: Vec<_> = (0..LIVE_VIEWS).map(|_| stream()).collect();
        let mut held = Vec::new();
        for (number, (pieces, _)) in streams.iter().enumerate() {
            let account = account(u8::try_from(number / ACCOUNT_LIVE_VIEWS).unwrap());
            held.push(limits.live_view(account, pieces).ok().unwrap());
            if number % ACCOUNT_LIVE_VIEWS == ACCOUNT_LIVE_VIEWS - 1 {
                assert!(limits.live_view(account, pieces).is_err());
            }
        }
        let (pieces, _body) = stream();
        assert!(limits.live_view(account(99), &pieces).is_ok());
        held.clear();
        let few: Vec<_> = (0..u8::try_from(LIVE_VIEWS).unwrap())
            .map(|number| limits.live_view(account(number), &pieces).ok().unwrap())
            .collect();
        assert!(limits.live_view(account(99), &pieces).is_err(), "all have one");
        drop(few);
    }

    #[tokio::test]
    async fn nothing_more_is_done_for_who_does_not_read_and_for_nobody_else_less() {
        let limits = Limits::default();
        let large = limits.unread(account(1), ACCOUNT_ANSWER_BYTES);
        assert!(limits.permit(account(1)).await.is_err());
        assert!(limits.permit(account(2)).await.is_ok());
        let small = limits.unread(account(2), 1);
        assert!(limits.permit(account(2)).await.is_ok());
        let all = limits.unread(account(3), ANSWER_BYTES);
        assert!(
            limits.permit(account(2)).await.is_err(),
            "all together hold too much"
        );
        assert!(limits.permit(account(4)).await.is_ok(), "it has nothing to read");
        drop((large, small, all));
        assert!(limits.permit(account(1)).await.is_ok());
        assert!(limits.answers.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_of_one_account_wait_for_each_other_only() {
        let limits = Limits::default();
        let mut held = Vec::new();
        for _ in 0..ACCOUNT_REQUESTS {
            held.push(limits.permit(account(1)).await.ok().unwrap());
        }
        assert!(limits.permit(account(1)).await.is_err());
        assert!(limits.permit(account(2)).await.is_ok());
        held.pop();
        assert!(limits.permit(account(1)).await.is_ok());
        drop(held);
        for number in 0..=u8::MAX {
            assert!(limits.permit(account(number)).await.is_ok());
        }
        assert!(limits.requests.lock().unwrap().len() <= MAX_REMEMBERED);
    }
}
