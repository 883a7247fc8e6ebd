//! The key that seals signing secrets: a file of 32 random bytes. It is created once, and no existing file is written over.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use hookgate_domain::policy::SealedSecret;
use hookgate_domain::text::without_mark;
use hookgate_gate::{Entropy, Seal, SealError, SealPurpose};
use hookgate_storage::new_private_file;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use zeroize::Zeroizing;

use super::entropy::{SystemEntropy, random};

/// Bytes of an AES-256 key.
const KEY_BYTES: usize = 32;
/// Maximum size of a key file, in bytes: the key, and the characters that an editor or a secret store puts around a text.
const MAX_FILE_BYTES: u64 = 64;
/// Context for the derivation of the digest key, so that it differs from the key that seals.
const DIGESTS: &[u8] = b"hookgate digests of requests";
/// Bytes of a fingerprint: enough to tell keys apart.
const FINGERPRINT_BYTES: usize = 8;

/// A sealing key.
pub(crate) struct SealingKey(Zeroizing<Vec<u8>>);

impl SealingKey {
    /// The key in this file; `None` if there is no file. The file is left as it is.
    ///
    /// # Errors
    /// The file can't be read, or holds no key.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
        let wrong = || io::Error::new(ErrorKind::InvalidData, format!("it must hold {KEY_BYTES} bytes"));
        let key = key_in(&bytes).ok_or_else(wrong)?;
        Ok(Some(Self(Zeroizing::new(key.to_vec()))))
    }

    /// Makes a key and its file.
    ///
    /// # Errors
    /// The file is there already or can't be written, or there is no randomness. No file is left then.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut key = Zeroizing::new(vec![0; KEY_BYTES]);
        random().fill(&mut key).map_err(io::Error::other)?;
        let mut file = new_private_file(path)?;
        let written = file.write_all(&key).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // A truncated key file would make the next start fail.
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok(Self(key))
    }

    /// A short fingerprint, which identifies the key and reveals nothing of the random bytes.
    pub(crate) fn fingerprint(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.0);
        let bytes = &digest.as_ref()[..FINGERPRINT_BYTES];
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
            text
        })
    }

    /// Seals and opens by this key.
    ///
    /// # Errors
    /// [`SealError`] if the library refuses the key.
    pub(crate) fn seal(&self) -> Result<KeySeal, SealError> {
        KeySeal::new(&self.0)
    }
}

/// The key in a file's bytes. A file of another length is taken if a byte-order mark and a line break around the key explain
/// it; in a file of the right length every byte is the key's.
fn key_in(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.len() == KEY_BYTES {
        return Some(bytes);
    }
    let endings: [&[u8]; 3] = [b"\r\n", b"\n", b""];
    let candidates = [bytes, without_mark(bytes)];
    candidates
        .into_iter()
        .flat_map(|bytes| endings.map(|ending| bytes.strip_suffix(ending)))
        .flatten()
        .find(|key| key.len() == KEY_BYTES)
}

/// Seals with AES-256-GCM and a random nonce. The purpose is authenticated, so a secret can't be moved to another webhook or
/// session.
pub(crate) struct KeySeal {
    key: LessSafeKey,
    digests: hmac::Key,
    entropy: SystemEntropy,
}

impl KeySeal {
    fn new(key: &[u8]) -> Result<Self, SealError> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, key);
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealError)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            digests: hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&master, DIGESTS).as_ref()),
            entropy: random(),
        })
    }
}

impl Seal for KeySeal {
    fn seal(&self, secret: &[u8], purpose: SealPurpose<'_>) -> Result<SealedSecret, SealError> {
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce).map_err(|_| SealError)?;
        let mut sealed = secret.to_vec();
        let aad = Aad::from(purpose.to_string());
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| SealError)?;
        Ok(SealedSecret::from_bytes([&nonce[..], &sealed].concat()))
    }

    fn open(&self, sealed: &SealedSecret, purpose: SealPurpose<'_>) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, sealed) = sealed.as_bytes().split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(purpose.to_string()), &mut opened)
            .map_err(|_| SealError)?
            .len();
        opened.truncate(length);
        Ok(opened)
    }

    fn digest(&self, request: &[u8]) -> Result<[u8; 32], SealError> {
        let tag = hmac::sign(&self.digests, request);
        tag.as_ref().try_into().map_err(|_| SealError)
    }
}

/// The seal for a command that inspects a store without its key: it neither seals nor opens.
pub(crate) struct NoKey;

impl Seal for NoKey {
    fn seal(&self, _secret: &[u8], _purpose: SealPurpose<'_>) -> Result<SealedSecret, SealError> {
        Err(SealError)
    }

    fn open(
        &self,
        _sealed: &SealedSecret,
        _purpose: SealPurpose<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        Err(SealError)
    }

    fn digest(&self, _request: &[u8]) -> Result<[u8; 32], SealError> {
        Err(SealError)
    }
}

#[cfg(test)]
mod tests {
    use hookgate_domain::{Timestamp, WebhookHandle};

    use super::*;

    fn handle(byte: u8) -> SealPurpose<'static> {
        SealPurpose::Signing(WebhookHandle::new(Timestamp::from_micros(0), [byte; 10]))
    }

    #[test]
    fn a_secret_opens_for_its_own_webhook_and_key_only() {
        let seal = KeySeal::new(&[1; KEY_BYTES]).unwrap();
        let sealed = seal.seal(b"secret", handle(1)).unwrap();
        assert!(!sealed.as_bytes().windows(6).any(|part| part == b"secret"));
        assert_eq!(*seal.open(&sealed, handle(1)).unwrap(), b"secret");
        assert_eq!(seal.open(&sealed, handle(2)).unwrap_err(), SealError);
        let other = KeySeal::new(&[2; KEY_BYTES]).unwrap();
        assert_eq!(other.open(&sealed, handle(1)).unwrap_err(), SealError);
        let short = SealedSecret::from_bytes([1, 2]);
        assert_eq!(seal.open(&short, handle(1)).unwrap_err(), SealError);
    }

    #[test]
    fn a_digest_of_a_request_is_worth_nothing_without_the_key() {
        let digest = |key: u8, text: &[u8]| KeySeal::new(&[key; KEY_BYTES]).unwrap().digest(text).unwrap();
        let body = br#"{"name":"eve","password":"Summer2026!"}"#;
        assert_eq!(digest(1, body), digest(1, body));
        assert_ne!(digest(1, body), digest(2, body));
        assert_ne!(digest(1, body), digest(1, b"{}"));
        let plain = ring::digest::digest(&ring::digest::SHA256, body);
        let empty = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b""), body);
        let sealing = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[1; KEY_BYTES]), body);
        for guessed in [plain.as_ref(), empty.as_ref(), sealing.as_ref()] {
            assert_ne!(digest(1, body)[..], *guessed);
        }
        assert_eq!(NoKey.digest(body), Err(SealError));
    }

    #[test]
    fn the_key_is_created_once_and_never_by_reading() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sealing.key");
        assert!(SealingKey::read(&path).unwrap().is_none());
        assert!(!path.exists());
        let first = SealingKey::create(&path).unwrap();
        let read = || SealingKey::read(&path).map(|key| key.unwrap().fingerprint());
        assert_eq!(read().unwrap(), first.fingerprint());
        assert!(SealingKey::create(&path).is_err(), "it is there");
        std::fs::write(&path, b"short").unwrap();
        assert!(read().is_err());
        for around in [["", "\n"], ["", "\r\n"], ["\u{feff}", "\n"], ["\u{feff}", ""]] {
            let [before, behind] = around.map(str::as_bytes);
            std::fs::write(&path, [before, &first.0, behind].concat()).unwrap();
            assert_eq!(read().unwrap(), first.fingerprint(), "{around:?}");
        }
    }
}
