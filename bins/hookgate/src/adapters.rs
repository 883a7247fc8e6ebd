//! The surroundings of the gate in a real process: the system's clock, its randomness, a seal by a key in a file,
//! and hashes of passwords.

mod passwords;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hookgate_domain::{SealedSecret, Timestamp, WebhookHandle};
use hookgate_gate::{Clock, Entropy, EntropyError, Ports, Seal, SealError};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Bytes of an AES-256 key.
const KEY_BYTES: usize = 32;

/// Bytes of a fingerprint: enough to tell keys apart.
const FINGERPRINT_BYTES: usize = 8;

/// The surroundings of a gate whose signing secrets are sealed by the key in this file, and the fingerprint of that key. A
/// missing file is made.
pub(crate) fn ports(sealing_key: &Path) -> Result<(Ports, String), Failure> {
    let key = sealing_key_bytes(sealing_key).map_err(|error| {
        Failure::failed(format!(
            "can't use the sealing key {}: {error}",
            sealing_key.display()
        ))
    })?;
    let seal = KeySeal::new(&key).map_err(Failure::failed)?;
    let ports = Ports {
        clock: Box::new(SystemClock),
        entropy: Box::new(random()),
        seal: Box::new(seal),
        passwords: Box::new(passwords::Argon2Passwords::new(random())),
    };
    Ok((ports, fingerprint(&key)))
}

/// Tells keys apart and tells nothing of them: they are random.
fn fingerprint(key: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, key);
    let bytes = &digest.as_ref()[..FINGERPRINT_BYTES];
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
        text
    })
}

/// The system's random source.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where randomness comes from"
)]
pub(crate) fn random() -> SystemEntropy {
    SystemEntropy(SystemRandom::new())
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where time comes from"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Randomness from the operating system.
pub(crate) struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.0.fill(buffer).map_err(|_| EntropyError)
    }
}

/// Seals by AES-256-GCM with a random nonce; the handle is authenticated, so a secret can't be moved to another webhook.
struct KeySeal {
    key: LessSafeKey,
    entropy: SystemEntropy,
}

impl KeySeal {
    fn new(key: &[u8]) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealError)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            entropy: random(),
        })
    }
}

impl Seal for KeySeal {
    fn seal(&self, secret: &[u8], webhook: WebhookHandle) -> Result<SealedSecret, SealError> {
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce).map_err(|_| SealError)?;
        let mut sealed = secret.to_vec();
        let aad = Aad::from(webhook.to_string());
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| SealError)?;
        Ok(SealedSecret::from_bytes([&nonce[..], &sealed].concat()))
    }

    fn open(&self, sealed: &SealedSecret, webhook: WebhookHandle) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, sealed) = sealed.as_bytes().split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(webhook.to_string()), &mut opened)
            .map_err(|_| SealError)?
            .len();
        opened.truncate(length);
        Ok(opened)
    }
}

fn sealing_key_bytes(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; KEY_BYTES]);
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(mut file) => {
            random().fill(&mut key).map_err(std::io::Error::other)?;
            file.write_all(&key)?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let mut file = File::open(path)?;
            file.read_exact(&mut key)?;
            if file.read(&mut [0])? > 0 {
                return Err(std::io::Error::new(
                    ErrorKind::InvalidData,
                    format!("it must hold {KEY_BYTES} bytes"),
                ));
            }
        }
        Err(error) => return Err(error),
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(byte: u8) -> WebhookHandle {
        WebhookHandle::new(Timestamp::from_micros(0), [byte; 10])
    }

    #[test]
    fn a_secret_opens_for_its_own_webhook_and_key_only() {
        let seal = KeySeal::new(&[1; KEY_BYTES]).unwrap();
        let sealed = seal.seal(b"secret", handle(1)).unwrap();
        assert!(!sealed.as_bytes().windows(6).any(|part| part == b"secret"));
        assert_eq!(*seal.open(&sealed, handle(1)).unwrap(), b"secret");
        assert_eq!(seal.open(&sealed, handle(2)).unwrap_err(), SealError);
        assert_eq!(
            KeySeal::new(&[2; KEY_BYTES])
                .unwrap()
                .open(&sealed, handle(1))
                .unwrap_err(),
            SealError
        );
        assert_eq!(
            seal.open(&SealedSecret::from_bytes([1, 2]), handle(1))
                .unwrap_err(),
            SealError
        );
    }

    #[test]
    fn the_sealing_key_is_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sealing.key");
        let first = sealing_key_bytes(&path).unwrap();
        assert_eq!(*sealing_key_bytes(&path).unwrap(), *first);
        std::fs::write(&path, b"short").unwrap();
        assert!(sealing_key_bytes(&path).is_err());
    }
}
