//! The store: a directory opened, with one writer and a few readers.

use std::path::Path;
use std::sync::Arc;

use diesel::SqliteConnection;
use hookgate_gate::StoreError;

use crate::connection::{Reader, Readers, readers};
use crate::fault::{Fault, failed};
use crate::open::{OpenError, OpenMode, open};
use crate::read::settings::setting_by_key;
use crate::write::settings::setting_put;
use crate::writer::Writer;

/// A store in a directory. Clones are the same store.
#[derive(Clone)]
pub struct Database {
    pub(crate) writer: Arc<Writer>,
    readers: Readers,
}

impl Database {
    /// Opens the store in a directory. It blocks for a moment; the reads need a tokio runtime later.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do about it.
    pub fn open(directory: &Path, mode: OpenMode) -> Result<Self, OpenError> {
        let (path, connection) = open(directory, mode)?;
        let readers = readers(&path).map_err(|error| OpenError::database(directory, error))?;
        let writer =
            Writer::start(path, connection).map_err(|error| OpenError::database(directory, error))?;
        Ok(Self {
            writer: Arc::new(writer),
            readers,
        })
    }

    /// What the program remembered under this key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the store can't be reached.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        const WHAT: &str = "read a setting";
        setting_by_key(&mut *self.reader(WHAT).await?, key)
            .await
            .map_err(failed(WHAT))
    }

    /// Remembers a value under a key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the store can't be reached.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        let work = move |connection: &mut SqliteConnection| Ok(setting_put(connection, &key, &value)?);
        self.writer.change("write a setting", work).await
    }

    /// Whether it can still write. Once it can't, only opening it again helps.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.writer.is_running()
    }

    /// Writes what waits, refusals too, and stops writing. The last clone does the same when it is dropped, but blocks.
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// Reads something off the runtime; `what` is for the error.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut reader = self.reader(what).await?;
        let read = reader.spawn_blocking(|connection| match work(connection) {
            Ok(done) => Ok(Ok(done)),
            Err(Fault::Damage(damage)) => Ok(Err(damage)),
            Err(Fault::Statement(error)) => Err(error),
        });
        Ok(read.await.map_err(failed(what))??)
    }

    /// A connection to read from; `what` is for the error.
    pub(crate) async fn reader(&self, what: &'static str) -> Result<Reader, StoreError> {
        let reader = self.readers.get().await;
        reader.map_err(|error| StoreError::Unavailable {
            what,
            source: Some(Box::new(error)),
        })
    }
}
