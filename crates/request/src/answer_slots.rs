//! Slots for long answers, bounded for each account and in total. If all are taken, an answer of the account that
//! holds most is cut off for an account that holds none, so that a few endless answers can't block the others.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hookgate_gate::{Account, LogInterval};
use tokio::time::Instant;

use hookgate_transport::Pieces;

/// Time after which the average pace of an answer is meaningful.
const SETTLED: Duration = Duration::from_mins(1);

/// Log interval for answers that gave way.
static GAVE_WAY: LogInterval = LogInterval::new();

/// The slots for one kind of answer.
pub(crate) struct AnswerSlots {
    of_account: usize,
    of_all: usize,
    /// Bytes per second below which even the only answer of an account gives way. Zero disables this.
    min_pace: u64,
    running: Mutex<Vec<Running>>,
}

/// An answer that has a slot.
struct Running {
    account: Account,
    began: Instant,
    pieces: Weak<Pieces>,
}

impl Running {
    /// Average bytes per second.
    fn pace(&self, now: Instant) -> u64 {
        let sent = self.pieces.upgrade().map_or(0, |pieces| pieces.sent());
        sent / (now - self.began).as_secs().max(1)
    }

    fn is_settled(&self, now: Instant) -> bool {
        now - self.began >= SETTLED
    }
}

/// The bound that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The bound of the account.
    Account,
    /// The bound of all accounts together.
    All,
}

impl AnswerSlots {
    pub(crate) fn new(of_account: usize, of_all: usize, min_pace: u64) -> Arc<Self> {
        Arc::new(Self {
            of_account,
            of_all,
            min_pace,
            running: Mutex::default(),
        })
    }

    /// Takes a slot for an answer that is sent in `pieces`.
    pub(crate) fn take(self: &Arc<Self>, account: Account, pieces: &Arc<Pieces>) -> Result<AnswerSlot, Full> {
        let mut running = self.lock();
        let held = held(&running, account);
        if held >= self.of_account {
            return Err(Full::Account);
        }
        if running.len() >= self.of_all {
            let given = self.gives_way(&running, Instant::now()).filter(|_| held == 0);
            let given = running.swap_remove(given.ok_or(Full::All)?);
            if let Some(pieces) = given.pieces.upgrade() {
                pieces.cut();
            }
            if let Some(left_out) = GAVE_WAY.line() {
                tracing::info!(left_out, "an export or live view was cut for another account");
            }
        }
        let pieces = Arc::downgrade(pieces);
        running.push(Running {
            account,
            began: Instant::now(),
            pieces: Weak::clone(&pieces),
        });
        Ok(AnswerSlot {
            slots: Arc::clone(self),
            pieces,
        })
    }

    /// Index of the answer that gives way to another account: the slowest of the accounts that hold most, those older
    /// than [`SETTLED`] first. The only answer of an account gives way only if it is slower than `min_pace`.
    fn gives_way(&self, running: &[Running], now: Instant) -> Option<usize> {
        let most = running.iter().map(|one| held(running, one.account)).max()?;
        let is_slow = |one: &Running| one.is_settled(now) && one.pace(now) < self.min_pace;
        let may = running
            .iter()
            .enumerate()
            .filter(|(_, one)| held(running, one.account) == most && (most > 1 || is_slow(one)));
        let (index, _) = may.min_by_key(|(_, one)| (Reverse(one.is_settled(now)), one.pace(now)))?;
        Some(index)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn held(running: &[Running], account: Account) -> usize {
    running.iter().filter(|one| one.account == account).count()
}

/// A slot for an answer. Dropping it frees the slot.
pub struct AnswerSlot {
    slots: Arc<AnswerSlots>,
    pieces: Weak<Pieces>,
}

impl Drop for AnswerSlot {
    fn drop(&mut self) {
        let mut running = self.slots.lock();
        running.retain(|one| !Weak::ptr_eq(&one.pieces, &self.pieces));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hookgate_domain::Timestamp;
    use hookgate_people::MemberId;
    use tokio::time::advance;

    use super::*;
    use hookgate_transport::ReplyBody;

    const LEAST: u64 = 1_000;

    fn account(number: u8) -> Account {
        Account::Member(MemberId::new(Timestamp::from_micros(1), [number; 10]))
    }

    /// An answer of which `bytes` were sent.
    async fn answer(bytes: usize) -> (Arc<Pieces>, ReplyBody) {
        let (pieces, body) = ReplyBody::stream();
        pieces.send(Bytes::from(vec![0; bytes])).await;
        (Arc::new(pieces), body)
    }

    #[tokio::test(start_paused = true)]
    async fn the_slowest_of_who_holds_most_gives_way_to_who_holds_none() {
        let slots = AnswerSlots::new(2, 4, LEAST);
        let slow = answer(1).await;
        let quick = answer(20_000).await;
        let others = [answer(10).await, answer(20_000).await, answer(5).await];
        let _held = [
            slots.take(account(1), &slow.0).ok().unwrap(),
            slots.take(account(1), &quick.0).ok().unwrap(),
            slots.take(account(2), &others[0].0).ok().unwrap(),
        ];
        let last = slots.take(account(3), &others[1].0).ok().unwrap();
        advance(SETTLED).await;
        let again = answer(0).await;
        assert_eq!(slots.take(account(1), &again.0).err(), Some(Full::Account));
        assert_eq!(
            slots.take(account(2), &again.0).err(),
            Some(Full::All),
            "it has one"
        );
        let new = slots.take(account(4), &others[2].0).ok().unwrap();
        assert!(slow.0.is_abandoned() && !quick.0.is_abandoned() && !others[0].0.is_abandoned());
        assert_eq!(slots.lock().len(), 4);
        // Now each account has one answer. The slowest of the settled ones gives way, not the new one.
        let fifth = slots.take(account(5), &again.0).ok().unwrap();
        assert!(others[0].0.is_abandoned() && !others[2].0.is_abandoned());
        drop((last, new, fifth));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_read_keeps_the_only_slot() {
        let slots = AnswerSlots::new(2, 1, LEAST);
        let quick = answer(100_000).await;
        let held = slots.take(account(1), &quick.0).ok().unwrap();
        let other = answer(0).await;
        assert_eq!(slots.take(account(2), &other.0).err(), Some(Full::All));
        advance(SETTLED).await;
        assert_eq!(slots.take(account(2), &other.0).err(), Some(Full::All));
        drop(held);
        assert!(slots.take(account(2), &other.0).is_ok());
        assert!(slots.lock().is_empty());
    }
}
