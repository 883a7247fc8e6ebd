//! Senders that send without pause, on every node, to every recent URL; and the book that records the events.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hookgate_testkit::https::{Connection, Http};

use crate::history::{Change, Moment, Observation, State, UrlHistory};
use crate::site::Site;
use crate::support::post;

/// Number of URLs that senders know at a time; older ones are forgotten.
const KNOWN_URLS: usize = 24;
/// Pause of a sender before it connects again.
const PAUSE: Duration = Duration::from_millis(20);

/// The events, timed by one clock.
pub(crate) struct Book {
    began: Instant,
    histories: Mutex<BTreeMap<usize, UrlHistory>>,
    /// The URLs that senders use.
    urls: Mutex<Vec<(usize, String)>>,
    is_over: AtomicBool,
    pub(crate) answered: AtomicUsize,
    pub(crate) put_off: AtomicUsize,
    pub(crate) cut_off: AtomicUsize,
}

impl Book {
    #[expect(clippy::disallowed_methods, reason = "real time is what the history is about")]
    pub(crate) fn open() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            histories: Mutex::default(),
            urls: Mutex::default(),
            is_over: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            put_off: AtomicUsize::new(0),
            cut_off: AtomicUsize::new(0),
        })
    }

    pub(crate) fn now(&self) -> Moment {
        self.began.elapsed()
    }

    /// Records a new URL; returns its number in the book.
    pub(crate) fn url(&self, path: &str, first: State) -> usize {
        let mut histories = self.histories.lock().unwrap();
        let number = histories.len();
        let history = UrlHistory {
            first,
            changes: Vec::new(),
            deliveries: Vec::new(),
        };
        histories.insert(number, history);
        let mut urls = self.urls.lock().unwrap();
        urls.push((number, path.to_owned()));
        if urls.len() > KNOWN_URLS {
            urls.remove(0);
        }
        number
    }

    /// Records a change of a URL, at some moment since `began`.
    pub(crate) fn changed(&self, url: usize, to: State, began: Moment) {
        let ended = self.now();
        let mut histories = self.histories.lock().unwrap();
        let history = histories.get_mut(&url).unwrap();
        history.changes.push(Change { to, began, ended });
    }

    /// Tells the senders to stop.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// All histories. They include a change in flight whose URL was answered.
    pub(crate) fn histories(&self) -> BTreeMap<usize, UrlHistory> {
        self.histories.lock().unwrap().clone()
    }

    fn delivered(&self, url: usize, seen: Observation) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        let mut histories = self.histories.lock().unwrap();
        histories.get_mut(&url).unwrap().deliveries.push(seen);
    }

    fn some_url(&self, draw: usize) -> Option<(usize, String)> {
        let urls = self.urls.lock().unwrap();
        urls.get(draw % urls.len().max(1)).cloned()
    }
}

/// Sends to one node until the book is closed.
pub(crate) async fn send(site: Arc<Site>, book: Arc<Book>, node: usize, number: usize) {
    let address = site.nodes[node].gate;
    let http = Http::BOTH[number % 2];
    let (mut connection, mut draw): (Option<Connection>, usize) = (None, number);
    while !book.is_over.load(Ordering::Relaxed) {
        draw = draw.wrapping_mul(25).wrapping_add(7_919) % 1_000_003;
        let Some((url, path)) = book.some_url(draw) else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if connection.is_none() {
            connection = site.client.connect(address, http).await.ok();
        }
        let Some(open) = &mut connection else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let request = post(
            &format!("https://localhost:{}{path}", address.port()),
            r#"{"title":"linearizable?"}"#,
        );
        let began = book.now();
        let Ok(answer) = open.send(request).await else {
            book.cut_off.fetch_add(1, Ordering::Relaxed);
            connection = None;
            continue;
        };
        let ended = book.now();
        let state = match answer.status.as_u16() {
            201 | 200 => State::Open,
            403 => State::Closed,
            410 => State::Dead,
            503 => {
                assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
                book.put_off.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            _ => panic!("{answer:?}"),
        };
        book.delivered(url, Observation { state, began, ended });
    }
}
