//! Checkpoints beside the commits: copies the log into the database, so that no delivery waits for it.
//!
//! A thread of its own copies most of the log while the writer goes on. The writer then copies the little
//! that was added meanwhile, between two batches, because only a log that is copied completely is started
//! again instead of growing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use hookgate_gate::LogInterval;

use crate::connection::sqlite::open_copier;

/// Log intervals for checkpoints that could not begin, and that could not end.
static NOT_OPEN: LogInterval = LogInterval::new();
static NOT_COPIED: LogInterval = LogInterval::new();

/// Work between two checkpoints, in small deliveries: some 10 MiB of log, which the file system caches while
/// it is copied.
const CHECKPOINT_WORK: usize = 2_000;
/// Work of a batch beside its jobs: the pages that every transaction writes again.
const WORK_OF_A_BATCH: usize = 8;
/// Copies that the thread makes in a row. The second one copies what was added during the first, and so on:
/// the writer, which keeps senders waiting, has to copy only what was added during the last and shortest.
const COPIES: usize = 2;
/// Copies the part of the log that no reader needs, without waiting.
const COPY: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Schedule of the checkpoints, and their thread.
pub(super) struct Checkpoints {
    work: usize,
    asked: bool,
    ask: Option<SyncSender<()>>,
    copied: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread for the database at this path. Without a thread the commits copy the log.
    pub(super) fn start(path: String) -> Self {
        let (ask, asked) = sync_channel(1);
        let copied = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&copied);
        let spawned = thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&path, &asked, &done));
        let thread = spawned
            .inspect_err(|error| tracing::warn!(%error, "no thread for checkpoints"))
            .ok();
        Self {
            work: 0,
            asked: false,
            ask: Some(ask),
            copied,
            thread,
        }
    }

    /// Adds the work of a batch, and runs or requests a checkpoint if one is due.
    pub(super) fn after_batch(&mut self, connection: &mut SqliteConnection, work: usize) {
        self.work += work + WORK_OF_A_BATCH;
        if self.asked && self.copied.swap(false, Ordering::Acquire) {
            self.asked = false;
            copy(connection);
        }
        if !self.asked && self.work >= CHECKPOINT_WORK {
            self.work = 0;
            self.asked = self.ask.as_ref().is_some_and(|ask| ask.try_send(()).is_ok());
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.ask = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

/// The checkpoint thread. It connects at the first request, because most processes end before.
fn run(path: &str, asked: &Receiver<()>, copied: &AtomicBool) {
    let mut connection = None;
    while asked.recv().is_ok() {
        if connection.is_none() {
            connection = open_copier(path)
                .inspect_err(|error| {
                    if let Some(left_out) = NOT_OPEN.line() {
                        tracing::warn!(%error, left_out, "checkpoints can't open the database");
                    }
                })
                .ok();
        }
        for _ in 0..COPIES {
            connection.as_mut().map(copy);
        }
        copied.store(true, Ordering::Release);
    }
}

/// Copies the log. A failure is no loss: the log stays as it is, and the next copy includes it.
fn copy(connection: &mut SqliteConnection) {
    if let Err(error) = connection.batch_execute(COPY)
        && let Some(left_out) = NOT_COPIED.line()
    {
        tracing::warn!(%error, left_out, "the log could not be copied into the database");
    }
}
