//! Looking URLs up, all that are asked for at a time in one go: a flood of unknown ones costs one visit to the store for many
//! of them.

use std::error::Error as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::result::QueryResult;
use hookgate_domain::{KnownUrl, WebhookIdDigest};
use hookgate_gate::StoreError;
use tokio::sync::oneshot;

use crate::Database;
use crate::connection::Connection;
use crate::fault::{Fault, unavailable};
use crate::read::address_sets::HeldNetworks;
use crate::read::webhooks::digests_known;
use crate::store::url_by_digest;

const WHAT: &str = "look up a URL";
/// Most URLs that are looked up in one go: the first one waits for the last.
const MOST: usize = 256;

/// The URLs that are waited for.
#[derive(Clone, Default)]
pub(crate) struct Lookups(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    asked: Vec<Asked>,
    is_looking: bool,
}

struct Asked {
    digest: WebhookIdDigest,
    reply: oneshot::Sender<Result<Option<KnownUrl>, StoreError>>,
}

impl Lookups {
    /// What a URL leads to at some moment after this was called.
    pub(crate) async fn find(
        &self,
        database: &Database,
        digest: WebhookIdDigest,
    ) -> Result<Option<KnownUrl>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let is_first = {
            let mut waiting = self.lock();
            waiting.asked.push(Asked { digest, reply });
            !std::mem::replace(&mut waiting.is_looking, true)
        };
        if is_first {
            // Not by whoever asked: he may leave, and others wait for the same.
            let looking = Looking {
                lookups: self.clone(),
                is_over: false,
            };
            tokio::spawn(looking.run(database.clone()));
        }
        answer.await.unwrap_or_else(|_| Err(unavailable(WHAT)))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one that looks. Should it end before its time, who waits learns that the store is unavailable, and the next who asks
/// begins another one.
struct Looking {
    lookups: Lookups,
    is_over: bool,
}

impl Looking {
    /// Looks until nobody waits.
    async fn run(mut self, database: Database) {
        while let Some(asked) = self.next() {
            let digests: Vec<_> = asked.iter().map(|asked| asked.digest).collect();
            let held = database.held_networks();
            let found = database.read(WHAT, move |connection| Ok(look_up(connection, &digests, &held)?));
            match found.await {
                Ok(found) => {
                    for (asked, found) in asked.into_iter().zip(found) {
                        // Whoever asked may have left.
                        let _ = asked.reply.send(found);
                    }
                }
                Err(error) => {
                    let source = error.source().map(tracing::field::display);
                    tracing::warn!(%error, source, urls = asked.len(), "URLs could not be looked up");
                }
            }
        }
    }

    /// Those who wait, up to a bound. If nobody does, it is over.
    fn next(&mut self) -> Option<Vec<Asked>> {
        let mut waiting = self.lookups.lock();
        let some = waiting.asked.len().min(MOST);
        self.is_over = some == 0;
        waiting.is_looking = !self.is_over;
        let asked = waiting.asked.drain(..some).collect();
        drop(waiting);
        (!self.is_over).then_some(asked)
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        if !self.is_over {
            *self.lookups.lock() = Waiting::default();
        }
    }
}

/// What each of these URLs leads to.
fn look_up(
    connection: &mut Connection,
    digests: &[WebhookIdDigest],
    held: &HeldNetworks,
) -> QueryResult<Vec<Result<Option<KnownUrl>, StoreError>>> {
    // Only a few of many are there, if there are many.
    let known = digests_known(connection, digests)?;
    let url = |digest: &WebhookIdDigest| {
        if !known.contains(digest.as_bytes().as_slice()) {
            return Ok(Ok(None));
        }
        match url_by_digest(connection, digest, held) {
            Ok(url) => Ok(Ok(url)),
            Err(Fault::Damage(damage)) => Ok(Err(damage.into())),
            Err(Fault::Statement(error)) => Err(error),
        }
    };
    digests.iter().map(url).collect()
}
