//! Senders that continue through any fault, and the record of their answers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookgate_testkit::https::{Http, was_not_heard};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::target::{PATIENCE, PAUSE, Target, is_unavailable};

/// Maximum time of a load to reach the state that a test waits for.
const SOON: Duration = Duration::from_mins(1);

/// Senders at work.
pub(crate) struct Load {
    book: Arc<Book>,
    senders: JoinSet<()>,
}

#[derive(Default)]
struct Book {
    next: AtomicUsize,
    is_over: AtomicBool,
    acknowledged: Mutex<Vec<String>>,
    put_off: AtomicUsize,
    cut_off: Mutex<Vec<String>>,
}

/// The answers to senders.
pub(crate) struct Sent {
    /// The titles of deliveries that were answered 2xx.
    pub(crate) acknowledged: Vec<String>,
    /// Number of answers with 503.
    pub(crate) put_off: usize,
    /// The reason for each delivery that was sent and not answered.
    pub(crate) cut_off: Vec<String>,
}

impl Load {
    /// Starts `senders` senders, on both versions of HTTP. Their titles begin with `word`.
    pub(crate) fn start(target: &Target, word: &str, senders: usize) -> Self {
        let book = Arc::new(Book::default());
        let mut tasks = JoinSet::new();
        for number in 0..senders {
            tasks.spawn(work(target.clone(), Arc::clone(&book), word.to_owned(), number));
        }
        Self { book, senders: tasks }
    }

    /// Waits until `more` further deliveries were acknowledged.
    pub(crate) async fn acknowledges(&self, more: usize) {
        let enough = self.book.acknowledged.lock().unwrap().len() + more;
        self.comes_to(|book| book.acknowledged.lock().unwrap().len() >= enough)
            .await;
    }

    /// Waits until `more` further deliveries got 503.
    pub(crate) async fn is_put_off(&self, more: usize) {
        let enough = self.book.put_off.load(Ordering::Relaxed) + more;
        self.comes_to(|book| book.put_off.load(Ordering::Relaxed) >= enough)
            .await;
    }

    /// Stops the load. Panics if a sender got another answer than 201 and 503.
    pub(crate) async fn end(mut self) -> Sent {
        self.book.is_over.store(true, Ordering::Relaxed);
        while let Some(done) = self.senders.join_next().await {
            done.unwrap();
        }
        Sent {
            acknowledged: std::mem::take(&mut *self.book.acknowledged.lock().unwrap()),
            put_off: self.book.put_off.load(Ordering::Relaxed),
            cut_off: std::mem::take(&mut *self.book.cut_off.lock().unwrap()),
        }
    }

    async fn comes_to(&self, is_there: impl Fn(&Book) -> bool) {
        let waited = timeout(SOON, async {
            while !is_there(&self.book) {
                sleep(PAUSE).await;
            }
        });
        waited.await.expect("the load brings it");
    }
}

impl Sent {
    /// Checks that each acknowledged delivery is in `titles`, one per line, exactly once.
    pub(crate) fn is_kept(&self, titles: &str) {
        let lost = self.lost(titles);
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    }

    /// Checks that every request was answered.
    pub(crate) fn answered_all(&self) {
        assert!(self.cut_off.is_empty(), "not answered: {:?}", self.cut_off);
    }

    /// Checks that every request was answered with 201.
    pub(crate) fn took_all(&self) {
        self.answered_all();
        assert_eq!(self.put_off, 0, "put off");
    }

    /// Acknowledged deliveries that are not stored exactly once.
    pub(crate) fn lost(&self, titles: &str) -> Vec<&str> {
        let mut times = BTreeMap::new();
        for title in titles.lines() {
            *times.entry(title).or_insert(0) += 1;
        }
        let titles = self.acknowledged.iter().map(String::as_str);
        titles.filter(|title| times.get(title) != Some(&1)).collect()
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (acknowledged, put_off, cut_off) = (self.acknowledged.len(), self.put_off, self.cut_off.len());
        write!(
            f,
            "{acknowledged} acknowledged, {put_off} put off, {cut_off} cut off"
        )
    }
}

async fn work(target: Target, book: Arc<Book>, word: String, number: usize) {
    let http = Http::BOTH[number % 2];
    let mut turn = number / 2;
    let mut connection = None;
    while !book.is_over.load(Ordering::Relaxed) {
        let gate = target.gates[turn % target.gates.len()];
        if connection.is_none() {
            let opened = timeout(PATIENCE, target.client.connect(gate, http)).await;
            connection = opened.ok().and_then(Result::ok);
        }
        let Some(open) = &mut connection else {
            turn += 1;
            sleep(PAUSE).await;
            continue;
        };
        let title = format!("{word}{}", book.next.fetch_add(1, Ordering::Relaxed));
        let answer = match target.send(open, gate, &title).await {
            Ok(answer) => answer,
            Err(error) => {
                if !was_not_heard(&*error) {
                    book.cut_off.lock().unwrap().push(format!("{http:?}: {error:?}"));
                }
                connection = None;
                turn += 1;
                continue;
            }
        };
        if answer.header("connection") == "close" {
            connection = None;
        }
        match answer.status.as_u16() {
            201 => book.acknowledged.lock().unwrap().push(title),
            503 => {
                is_unavailable(&answer);
                book.put_off.fetch_add(1, Ordering::Relaxed);
                sleep(PAUSE).await;
            }
            _ => panic!("{answer:?}"),
        }
    }
}
