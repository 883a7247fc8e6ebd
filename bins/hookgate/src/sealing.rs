//! The sealing key that may open a store. A store that ever had a key gets no other one, because that could not open the
//! secrets that the first one sealed.

use std::path::{Path, PathBuf};

use hookgate_domain::WebhookHandle;
use hookgate_gate::{Seal, SealPurpose};
use hookgate_storage::{Database, OpenMode};

use crate::adapters::SealingKey;
use crate::failure::Failure;

/// Setting of the store with the fingerprint of its sealing key.
const FINGERPRINT: &str = "sealing_key";
/// Maximum number of sealed secrets to try with a key if the store has no fingerprint. One that opens is enough.
const MAX_TRIED: u16 = 200;

/// The file of a store's key, and its name in messages.
pub(crate) struct KeyFile {
    /// The file.
    pub(crate) path: PathBuf,
    /// The configuration key that names the file, if there is one.
    pub(crate) setting: Option<&'static str>,
}

impl KeyFile {
    /// A message about the file, with its name in front.
    fn says(&self, what: &str) -> String {
        match self.setting {
            Some(setting) => format!("{setting}: {} {what}", self.path.display()),
            None => format!("the sealing key {} {what}", self.path.display()),
        }
    }
}

/// Reads the sealing key of the store. Only [`OpenMode::Create`] creates a missing key, and only for a store that never had
/// one.
///
/// # Errors
/// The key is missing, can't be read, or is another store's. Nothing is changed then.
pub(crate) async fn unlock(
    database: &Database,
    file: &KeyFile,
    mode: OpenMode,
) -> Result<SealingKey, Failure> {
    let known = database.setting(FINGERPRINT).await?;
    let read = SealingKey::read(&file.path)
        .map_err(|error| Failure::failed(file.says(&format!("can't be used: {error}"))))?;
    match (read, known) {
        (Some(key), Some(known)) if key.fingerprint() == known => Ok(key),
        (Some(_), Some(_)) => Err(another(file)),
        (Some(key), None) => adopt(database, file, key).await,
        (None, Some(_)) => Err(missing(file)),
        (None, None) if !database.sealed_secrets(1).await?.is_empty() => Err(missing(file)),
        (None, None) => match mode {
            OpenMode::Create => create(database, file).await,
            OpenMode::Existing | OpenMode::Migrate => Err(Failure::usage(
                file.says("is missing; the store has sealed nothing yet, so `hookgate migrate` creates it"),
            )),
        },
    }
}

/// Webhooks whose signing secret this key does not open, among the first [`MAX_TRIED`]: another key sealed it, and their
/// deliveries fail.
pub(crate) async fn unopened(database: &Database, key: &SealingKey) -> Result<Vec<WebhookHandle>, Failure> {
    let seal = key.seal().map_err(Failure::failed)?;
    let mut sealed = database.sealed_secrets(MAX_TRIED).await?;
    sealed.retain(|(webhook, secret)| seal.open(secret, SealPurpose::Signing(*webhook)).is_err());
    Ok(sealed.into_iter().map(|(webhook, _)| webhook).collect())
}

/// Adopts a key as the store's own, unless it can't open the store's secrets.
async fn adopt(database: &Database, file: &KeyFile, key: SealingKey) -> Result<SealingKey, Failure> {
    let seal = key.seal().map_err(Failure::failed)?;
    let sealed = database.sealed_secrets(MAX_TRIED).await?;
    let opens = sealed
        .iter()
        .any(|(webhook, secret)| seal.open(secret, SealPurpose::Signing(*webhook)).is_ok());
    if !sealed.is_empty() && !opens {
        return Err(another(file));
    }
    claim(database, file, key).await
}

async fn create(database: &Database, file: &KeyFile) -> Result<SealingKey, Failure> {
    let key = SealingKey::create(&file.path)
        .map_err(|error| Failure::failed(file.says(&format!("can't be created: {error}"))))?;
    let known = database.claim_setting(FINGERPRINT, &key.fingerprint()).await?;
    if known == key.fingerprint() {
        return Ok(key);
    }
    // Another node was first, so this key is unused. After an error it may be the store's key: then the file stays, and the
    // next start uses it.
    remove(&file.path);
    Err(another(file))
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, "a sealing key that is not used stays");
    }
}

/// Records a key as the store's own, unless another node recorded another key at the same time.
async fn claim(database: &Database, file: &KeyFile, key: SealingKey) -> Result<SealingKey, Failure> {
    let known = database.claim_setting(FINGERPRINT, &key.fingerprint()).await?;
    if known == key.fingerprint() {
        Ok(key)
    } else {
        Err(another(file))
    }
}

fn missing(file: &KeyFile) -> Failure {
    Failure::usage(file.says(
        "is missing, and this store has one: copy the sealing key of the backed-up store or of a node that works to that \
         path. A new key is not created, because it could not open the signing secrets",
    ))
}

fn another(file: &KeyFile) -> Failure {
    Failure::usage(file.says(
        "is not the key of this store; copy the sealing key of the backed-up store or of a node that works to that path",
    ))
}
