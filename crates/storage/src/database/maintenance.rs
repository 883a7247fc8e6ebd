//! Reads and changes for the program itself, beside the gate's ports: its settings, the sealed secrets, and the
//! size of the store.

use hookgate_domain::WebhookHandle;
use hookgate_domain::policy::SealedSecret;
use hookgate_gate::StoreError;

use super::{Database, Location};
use crate::connection::Connection;
use crate::people::statements::delete_all_sessions;
use crate::retention::prune_file::bytes_in_use;
use crate::retention::prune_server::server_bytes;
use crate::retention::size::database_bytes;
use crate::rows::{read_count, read_handle};
use crate::settings::{setting_by_key, setting_claim, upsert_setting};
use crate::webhooks::queries::sealed_secrets;

impl Database {
    /// The value that the program stored under this key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the store can't be reached.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let key = key.to_owned();
        self.read("read a setting", move |connection| {
            Ok(setting_by_key(connection, &key)?)
        })
        .await
    }

    /// Stores a value under a key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the store can't be reached.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        let work = move |connection: &mut Connection| Ok(upsert_setting(connection, &key, &value)?);
        self.change("write a setting", work).await
    }

    /// Stores a value under a key that has none yet, and returns the value that the key has then. Of two
    /// claims at the same time, one wins.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the store can't be reached.
    pub async fn claim_setting(&self, key: &str, value: &str) -> Result<String, StoreError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        let work = move |connection: &mut Connection| Ok(setting_claim(connection, &key, &value)?);
        self.change("write a setting", work).await
    }

    /// Up to `limit` sealed signing secrets with their webhooks; empty if no webhook has one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the store can't be reached.
    pub async fn sealed_secrets(&self, limit: u16) -> Result<Vec<(WebhookHandle, SealedSecret)>, StoreError> {
        let work = move |connection: &mut Connection| {
            let rows = sealed_secrets(connection, limit)?;
            let sealed = |(handle, secret): (String, Vec<u8>)| {
                Ok((read_handle(&handle)?, SealedSecret::from_bytes(secret)))
            };
            rows.into_iter().map(sealed).collect()
        };
        self.read("read sealed secrets", work).await
    }

    /// Ends every session and every sign-in link, and returns their number.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the store can't be reached.
    pub async fn end_all_sessions(&self) -> Result<usize, StoreError> {
        self.change("end all sessions", |connection| {
            Ok(delete_all_sessions(connection)?)
        })
        .await
    }

    /// Bytes of the database on disk, including free pages, without the write-ahead log.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the store can't be reached.
    pub async fn bytes(&self) -> Result<u64, StoreError> {
        let work =
            |connection: &mut Connection| Ok(read_count("database", "bytes", database_bytes(connection)?)?);
        self.read("measure the database", work).await
    }

    /// Bytes of the history, as retention by size measures it.
    ///
    /// # Errors
    /// [`StoreError`]: the store can't be read.
    pub async fn history_bytes(&self) -> Result<u64, StoreError> {
        let is_file = matches!(self.location, Location::File);
        let work = move |connection: &mut Connection| {
            if is_file {
                return Ok(bytes_in_use(connection)?);
            }
            Ok(read_count("database", "bytes", server_bytes(connection)?)?)
        };
        self.read("measure the history", work).await
    }
}
