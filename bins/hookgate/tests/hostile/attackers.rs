//! Several attackers at once, each of which reconnects after it is disconnected.

use std::collections::BTreeMap;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::peer::{Ended, Peer};
use crate::stage::Target;

/// Connections that attack at the same time.
const ATTACKERS: usize = 4;

/// The results of attackers.
#[derive(Default)]
pub(crate) struct Tally {
    /// The GOAWAY codes of the connections that the server ended; `None` if it sent none.
    pub(crate) thrown_out: Vec<Option<u32>>,
    /// Number of connections that the server did not end.
    pub(crate) endured: usize,
}

impl Tally {
    /// Checks that every connection was ended, with one of these codes if a GOAWAY could still be sent.
    pub(crate) fn was_thrown_out_with(&self, codes: &[u32]) {
        assert_eq!(self.endured, 0, "{self:?}");
        let is_named = |code: &Option<u32>| code.is_none_or(|code| codes.contains(&code));
        assert!(self.thrown_out.iter().all(is_named), "{self:?}");
    }
}

/// Runs several attackers over HTTP/2 until the time is up.
pub(crate) async fn again_and_again<A, F>(target: Target, one: A) -> Tally
where
    A: Fn(Peer, Target) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Ended> + Send,
{
    let mut attackers = JoinSet::new();
    for _ in 0..ATTACKERS {
        let (target, one) = (target.clone(), one.clone());
        attackers.spawn(async move {
            let mut tally = Tally::default();
            while Instant::now() < target.until {
                let peer = Peer::connect(&target).await.unwrap();
                match one(peer, target.clone()).await {
                    Ended::ByServer(code) => tally.thrown_out.push(code),
                    Ended::ByUs => tally.endured += 1,
                }
            }
            tally
        });
    }
    let tallies = attackers.join_all().await;
    tallies.into_iter().fold(Tally::default(), |mut all, one| {
        all.thrown_out.extend(one.thrown_out);
        all.endured += one.endured;
        all
    })
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut counts = BTreeMap::<_, usize>::new();
        for code in &self.thrown_out {
            *counts.entry(code).or_default() += 1;
        }
        write!(f, "thrown out {counts:?}, {} endured", self.endured)
    }
}
