//! Answers that last: files and live views. Each counts under the limits of its account, and is permitted again every second; once
//! it no longer is, it is cut, with all that waited for its reader.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::Role;
use hookgate_gate::{Account, Credential, Gate, PeopleStore, Store, StoreError};
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::header::CONTENT_LENGTH;
use tokio::time::{sleep, timeout};

use super::fault::{Code, Fault};
use super::limits::{Limits, Taken};
use crate::reply::Reply;
use crate::reply_body::{PIECE_BYTES, Pieces, ReplyBody};

/// How often the permission is asked for.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The one who reads an answer that lasts: under which limits it counts, and by what it is permitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipient {
    pub(crate) account: Account,
    pub(crate) credential: Credential,
    /// The role when the answer began.
    pub(crate) role: Role,
}

impl Recipient {
    /// Whether the credential still reaches as far as it did.
    async fn is_permitted<S: Store + PeopleStore>(&self, gate: &Gate<S>) -> Result<bool, StoreError> {
        let role = gate.role_of(&self.credential).await?;
        Ok(role.is_some_and(|role| role >= self.role))
    }
}

/// Why an answer ended before its work was done.
#[derive(Debug)]
pub(super) enum Ended {
    /// Its reader may not have more of it.
    NotPermitted,
    /// Whether its reader may have more can't be told.
    Unknown(StoreError),
}

/// Does the work as long as the recipient is permitted. The work rests while the permission is asked for, so that nothing
/// is sent on one that is older than a second.
pub(super) async fn while_permitted<S: Store + PeopleStore, F: Future>(
    gate: &Gate<S>,
    recipient: &Recipient,
    work: F,
) -> Result<F::Output, Ended> {
    let mut work = pin!(work);
    loop {
        if let Ok(done) = timeout(ASK_EVERY, work.as_mut()).await {
            return Ok(done);
        }
        match recipient.is_permitted(gate).await {
            Ok(true) => {}
            Ok(false) => return Err(Ended::NotPermitted),
            Err(error) => return Err(Ended::Unknown(error)),
        }
    }
}

/// The same for work that waits for a store that is away.
pub(super) async fn patiently_while_permitted<S: Store + PeopleStore, F: Future>(
    gate: &Gate<S>,
    recipient: &Recipient,
    work: F,
) -> Result<F::Output, Ended> {
    let mut work = pin!(work);
    loop {
        match while_permitted(gate, recipient, work.as_mut()).await {
            Err(Ended::Unknown(error)) => {
                tracing::debug!(%error, "a live view has to wait for its permission");
                let is_permitted = loop {
                    match recipient.is_permitted(gate).await {
                        Ok(is_permitted) => break is_permitted,
                        Err(_) => sleep(ASK_EVERY).await,
                    }
                };
                if !is_permitted {
                    return Err(Ended::NotPermitted);
                }
            }
            ended => return ended,
        }
    }
}

/// An answer of which its reader takes a piece at a time if it is large, so that one who takes nothing is cut off, and who
/// leaves many untaken takes no memory of others.
pub(crate) async fn held(limits: &Limits, account: Account, reply: Reply) -> Reply {
    let bytes = reply.body().size_hint().exact().unwrap_or_default();
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if bytes <= PIECE_BYTES {
        return reply;
    }
    let place = limits.unread(account, bytes);
    let (mut head, body) = reply.into_parts();
    let Ok(whole) = body.collect().await else {
        return Fault::from(Code::Internal).reply();
    };
    head.headers.insert(CONTENT_LENGTH, bytes.into());
    let (pieces, body) = ReplyBody::stream();
    tokio::spawn(give(pieces, whole.to_bytes(), place));
    Reply::from_parts(head, body)
}

async fn give(pieces: Pieces, whole: Bytes, _place: Taken) {
    if pieces.send(whole).await {
        pieces.finish().await;
    }
}
