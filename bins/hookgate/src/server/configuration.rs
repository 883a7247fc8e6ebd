//! Files that a running server reads only once: SIGHUP reloads certificates, but no settings, and the log names the files
//! that have changed.

use std::path::{Path, PathBuf};

use hookgate_transport::CancellationToken;
use ring::digest::{SHA256, digest};
use tokio::signal::unix::{self, SignalKind, signal};

use super::signals::unheeded;
use crate::failure::Failure;

/// The files of a configuration with their digests at the start.
pub(crate) struct FilesAtStart {
    files: Vec<ReadOnce>,
    hangup: unix::Signal,
}

struct ReadOnce {
    /// Option or configuration key that names the file.
    setting: &'static str,
    path: PathBuf,
    digest: Vec<u8>,
}

impl FilesAtStart {
    /// Records the digests of these files. A missing file is skipped, since the server creates it. Signals are noticed from
    /// now on.
    pub(crate) fn remember(
        files: impl IntoIterator<Item = (&'static str, PathBuf)>,
    ) -> Result<Self, Failure> {
        let hangup = signal(SignalKind::hangup()).map_err(unheeded)?;
        let read = |(setting, path): (_, PathBuf)| {
            let digest = content(&path)?;
            Some(ReadOnce {
                setting,
                path,
                digest,
            })
        };
        Ok(Self {
            files: files.into_iter().filter_map(read).collect(),
            hangup,
        })
    }

    /// Logs at each SIGHUP the files that have changed since the start.
    pub(super) async fn watch(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = self.hangup.recv() => {}
            }
            for file in self.changed() {
                tracing::warn!(setting = file.setting, file = %file.path.display(), "the configuration changed on disk; restart to apply it");
            }
        }
    }

    fn changed(&self) -> impl Iterator<Item = &ReadOnce> {
        self.files
            .iter()
            .filter(|file| content(&file.path).as_ref() != Some(&file.digest))
    }
}

/// Digest of a file's content: secrets are not kept in memory.
fn content(path: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(path).ok()?;
    Some(digest(&SHA256, &bytes).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_file_that_was_read_once_is_compared() {
        let directory = tempfile::tempdir().unwrap();
        let [config, url, key] =
            ["hookgate.toml", "store.url", "sealing.key"].map(|name| directory.path().join(name));
        std::fs::write(&config, "a").unwrap();
        std::fs::write(&url, "b").unwrap();
        let files = [
            ("--config", config),
            ("store.url_file", url.clone()),
            ("store.sealing_key_file", key.clone()),
        ];
        let files = FilesAtStart::remember(files).unwrap();
        let changed = || files.changed().map(|file| file.setting).collect::<Vec<_>>();
        std::fs::write(key, "made by the server").unwrap();
        assert!(changed().is_empty());
        std::fs::write(&url, "c").unwrap();
        assert_eq!(changed(), ["store.url_file"]);
        std::fs::remove_file(url).unwrap();
        assert_eq!(changed(), ["store.url_file"]);
    }
}
