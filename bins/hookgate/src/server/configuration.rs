//! The configuration file of a running server: at SIGHUP certificates are reloaded, settings are not, and the log says so.

use std::path::PathBuf;

use hookgate_transport::shutdown::Signal;
use ring::digest::{Digest, SHA256, digest};
use tokio::signal::unix::{self, SignalKind, signal};

use super::signals::unheeded;
use crate::failure::Failure;

/// A configuration file as it was at the start.
pub(crate) struct ConfigurationFile {
    path: PathBuf,
    at_start: Option<Digest>,
    hangup: unix::Signal,
}

impl ConfigurationFile {
    /// Remembers the file's content. Signals that come from here on are seen.
    pub(crate) fn remember(path: PathBuf) -> Result<Self, Failure> {
        let hangup = signal(SignalKind::hangup()).map_err(unheeded)?;
        let at_start = content(&path);
        Ok(Self {
            path,
            at_start,
            hangup,
        })
    }

    /// Says at each SIGHUP whether the file is another one than at the start.
    pub(super) async fn watch(mut self, mut stop: Signal) {
        loop {
            tokio::select! {
                () = stop.given() => return,
                _ = self.hangup.recv() => {}
            }
            if self.has_changed() {
                tracing::warn!(file = %self.path.display(), "the configuration changed on disk; restart to apply it");
            }
        }
    }

    fn has_changed(&self) -> bool {
        let bytes = |digest: &Option<Digest>| digest.as_ref().map(|digest| digest.as_ref().to_vec());
        bytes(&content(&self.path)) != bytes(&self.at_start)
    }
}

fn content(path: &PathBuf) -> Option<Digest> {
    Some(digest(&SHA256, &std::fs::read(path).ok()?))
}
